"""Everything the README shows is run, on what a newcomer has: no real data."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import kerasnets as kn
from kerasnets.cli import main

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture
def newcomer(tmp_path, monkeypatch):
    """An empty folder, an empty cache, no real data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KERASNETS_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def test_the_python_blocks_run_one_after_the_other(newcomer, capsys):
    assert len(blocks("python")) == 2
    namespace = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), namespace)  # noqa: S102  the README is ours
    out = capsys.readouterr().out
    assert "85,273" in out
    assert (newcomer / "exported" / "seizure-cnn" / "1" / "saved_model.pb").is_file()
    assert (newcomer / "runs" / "mine" / "model.keras").is_file()


def test_the_commands_run_one_after_the_other(newcomer, capsys):
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    commands = [shlex.split(line) for line in lines if line.startswith("kerasnets ")]
    assert len(commands) == 12
    for words in commands:
        assert main(words[1:]) == 0, words
        assert capsys.readouterr().out, words
    assert main(["train", "--resume", "runs/cli"]) == 0


def test_make_runs_what_the_readme_says():
    def dry(target):
        return subprocess.run(
            ["make", "--dry-run", "--always-make", target],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert "make demo" in README
    assert "make test" in README
    assert "-r requirements.lock" in dry("demo")
    assert "scripts/demo.py" in dry("demo")
    assert "-r requirements-dev.lock" in dry("test")
    assert "pytest" in dry("test")


def test_the_demo_ends_with_a_verified_export(newcomer):
    words = [sys.executable, str(ROOT / "scripts" / "demo.py"), "--epochs", "2"]
    answer = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "[7/7] Done" in answer.stdout
    assert "simulated recordings: not a figure to quote" in answer.stdout
    assert "85,273 parameters, 263," in answer.stdout
    for part in ("run/figures/confusion_matrix.png", "exported/seizure-cnn/1/model.onnx"):
        assert (newcomer / "runs" / "demo" / part).is_file()


@pytest.mark.parametrize("script", ["train", "profile", "export"])
def test_the_scripts_to_copy_from_run(script, newcomer):
    words = [sys.executable, str(ROOT / "scripts" / f"{script}.py")]
    answer = subprocess.run(words, capture_output=True, text=True, check=True)
    expected = {"train": "test accuracy", "profile": "parameters", "export": "'onnx'"}
    assert expected[script] in answer.stdout


def test_the_table_of_results_has_every_seizure_net_of_the_sources():
    results = (ROOT / "docs" / "seizure-results.md").read_text(encoding="utf-8")
    nets = [name for name in kn.list_nets("seizure-*") if kn.describe(name).source != "own"]
    assert len(nets) == 14
    for name in nets:
        assert f"| `{name}` | {kn.build(name).count_params():,} |" in results


def test_links_and_pictures_are_there():
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert "docs/images/confusion_matrix.png" in targets
    for target in targets:
        assert (ROOT / target).exists(), target

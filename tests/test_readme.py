"""All examples of the README run without real data and with an empty cache."""

from __future__ import annotations

import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import kerasnets as kn
from kerasnets.cli import main
from kerasnets.report.vendor import VENDOR, WASM

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


@pytest.fixture
def no_figures_of_runs(monkeypatch):
    """Draw no figures of runs, which take seconds per run. The demo draws them."""
    for name in ("report.draw_figures", "report.draw_learning_curves"):
        monkeypatch.setattr(f"kerasnets.training.{name}", lambda *arguments: None)


@pytest.mark.usefixtures("verify_in_this_process", "no_figures_of_runs")
def test_the_python_examples_run_in_order(newcomer, capsys):
    assert len(blocks("python")) == 3
    namespace = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), namespace)  # noqa: S102  the README is ours
    out = capsys.readouterr().out
    assert "85,273" in out
    assert (newcomer / "runs" / "exported" / "seizure-cnn" / "1" / "saved_model.pb").is_file()
    assert (newcomer / "runs" / "mine" / "model.keras").is_file()


@pytest.mark.usefixtures("verify_in_this_process", "no_figures_of_runs")
def test_the_commands_run_in_order(newcomer, capsys):
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    commands = [shlex.split(line) for line in lines if line.startswith("kerasnets ")]
    assert len(commands) == 14
    for args in commands:
        if args[1] == "report" and not (VENDOR / WASM).is_file():
            continue  # no npm, which make says
        assert main(args[1:]) == 0, args
        assert capsys.readouterr().out, args
    assert main(["train", "--resume", "runs/cli"]) == 0


def test_the_make_targets_run_what_the_readme_says():
    def dry_run(target):
        return subprocess.run(
            # Else make looks for a Python, which takes a second.
            ["make", "--dry-run", "--always-make", f"PYTHON={sys.executable}", target],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert "make demo" in README
    assert "make test" in README
    assert "make docs" in README
    assert "-r requirements.lock" in dry_run("demo")
    assert "scripts/demo.py" in dry_run("demo")
    assert "-r requirements-dev.lock" in dry_run("test")
    assert "pytest" in dry_run("test")
    assert "scripts/notebooks.py" in dry_run("docs")
    assert "mkdocs build --strict\n" in dry_run("docs")  # --quiet would hide the warnings from it


def test_the_extras_exist():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = re.findall(r'pip install "\.\[([\w,]+)\]"', README)
    assert [name.split(",") for name in named] == [["tensorboard", "litert"]]
    assert {"tensorboard", "litert"} <= set(extras["optional-dependencies"])


def run_script(name, monkeypatch, *args):
    """Run a script in this process, which saves importing TensorFlow again."""
    path = ROOT / "scripts" / f"{name}.py"
    monkeypatch.setattr(sys, "argv", [str(path), *args])
    runpy.run_path(str(path), run_name="__main__")


@pytest.mark.usefixtures("verify_in_this_process")
def test_the_demo_ends_with_a_verified_export(newcomer, monkeypatch, capsys):
    with pytest.raises(SystemExit) as stop:
        run_script("demo", monkeypatch, "--epochs", "2")
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "[7/7] Done" in text
    assert "simulated recordings: do not quote this number" in text
    assert "85,273 parameters, 263," in text
    for part in ("run/figures/confusion_matrix.png", "exported/seizure-cnn/1/model.onnx"):
        assert (newcomer / "runs" / "demo" / part).is_file()


@pytest.mark.usefixtures("verify_in_this_process", "no_figures_of_runs")
@pytest.mark.parametrize(
    ("script", "expected"),
    [("train", "test accuracy"), ("count", "parameters"), ("export", "'onnx'")],
)
def test_the_example_scripts_run(script, expected, newcomer, monkeypatch, capsys):
    run_script(script, monkeypatch)
    assert expected in capsys.readouterr().out


def test_the_table_of_results_has_every_seizure_net_of_the_reports():
    results = (ROOT / "docs" / "seizure-results.md").read_text(encoding="utf-8")
    nets = [name for name in kn.list_nets("seizure-*") if kn.describe(name).source != "own"]
    assert len(nets) == 14
    for name in nets:
        assert f"| `{name}` | {kn.build(name).count_params():,} |" in results


def test_the_targets_of_links_exist():
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert "docs/images/confusion_matrix.png" in targets
    for target in targets:
        assert (ROOT / target).exists(), target

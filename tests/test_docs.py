"""The Python examples in docs/ return the results that are shown, and links are valid."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import pytest

from kerasnets.cli import main

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.mark.parametrize("name", ["by-hand.md"])
def test_the_python_examples_return_the_results_shown(name):
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / name).read_text("utf-8"), re.DOTALL)
    text = "\n".join(block for block in blocks if block.startswith(">>>"))
    test = doctest.DocTestParser().get_doctest(text, {}, name, name, 0)
    assert len(test.examples) > 10
    report: list[str] = []
    result = doctest.DocTestRunner().run(test, out=report.append)
    assert result.failed == 0, "".join(report)
    assert result.attempted == len(test.examples)


def test_the_targets_of_links_exist():
    for path in DOCS.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text("utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_examples_of_your_own_model_and_data_run_in_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = (DOCS / "your-own.md").read_text("utf-8")
    namespace: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(block, "your-own.md", "exec"), namespace)  # noqa: S102  the document is ours
    assert "regression" in capsys.readouterr().out
    assert namespace["run"].metrics["test"]["r2"] > 0.5
    namespace["table"].to_csv("patients.csv", index=False)
    (block,) = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    for line in block.splitlines():
        assert main(shlex.split(line)[1:]) == 0, line
    assert len(Path("predictions.csv").read_text("utf-8").splitlines()) == 1 + 600


def test_the_example_of_the_command_line_runs(capsys):
    (block,) = re.findall(
        r"```python\n(.*?)```", (DOCS / "command-line.md").read_text("utf-8"), re.DOTALL
    )
    namespace: dict[str, object] = {}
    exec(compile(block, "command-line.md", "exec"), namespace)  # noqa: S102  the document is ours
    assert "ReferenceNet('seizure-spectral-small' on 'seizure'" in capsys.readouterr().out
    assert namespace["probabilities"].sum() == pytest.approx(1)

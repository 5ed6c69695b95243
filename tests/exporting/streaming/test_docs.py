"""The examples of docs/streams.md run, from training to restored states."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "streams.md"
SCRIPT = ROOT / "scripts" / "scale" / "stream_day.py"


@pytest.mark.usefixtures("verify_in_this_process", "no_figures")
def test_the_examples_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    namespace: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, PAGE.name, "exec"), namespace)  # noqa: S102  the page is ours
    assert len(blocks) == 2
    assert "500 (1, 55, 5)" in capsys.readouterr().out  # the last chunk: 500 - 5 · 89 samples
    assert namespace["stream"].steps == 500
    # The benchmark of a day, in its small form: 72 seconds of signal, without TensorFlow.
    command = [sys.executable, SCRIPT, "--run", str(namespace["path"]), "--hours", "0.02"]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    assert found["difference"] < 1e-5
    assert found["end"] < found["start"] + 20  # MB

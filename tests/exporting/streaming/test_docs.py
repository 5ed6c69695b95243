"""The examples of docs/streams.md run, from training to restored states."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs" / "streams.md"


def test_the_examples_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    namespace: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, PAGE.name, "exec"), namespace)  # noqa: S102  the page is ours
    assert len(blocks) == 2
    assert "500 (1, 55, 5)" in capsys.readouterr().out  # the last chunk: 500 - 5 · 89 samples
    assert namespace["stream"].steps == 500

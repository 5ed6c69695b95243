"""The scripts that measure exported files, on a small net."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_of_runtimes_has_a_row_per_net(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts" / "tables")
    script = runpy.run_path(str(ROOT / "scripts" / "tables" / "runtimes.py"))
    found = {"xor": script["measure"]("xor")}
    for runtime in ("ONNX Runtime", "ONNX reference", "tract", "LiteRT", "LiteRT Micro"):
        assert found["xor"]["difference"][runtime] <= 1e-6, found
    titles, (row,), alignment = script["cells"](found)
    assert row[0] == "xor"
    assert len(titles) == len(row) == len(alignment)
    assert "over all 1 nets" in script["introduction"](found)


def test_a_model_for_triton_keeps_its_configuration_but_for_the_backend(tmp_path):
    script = runpy.run_path(str(ROOT / "scripts" / "serving" / "triton.py"))
    folder = ROOT / "exported" / "mortality-gru"
    script["copy_model"](folder, tmp_path)
    changed = (tmp_path / "mortality-gru" / "config.pbtxt").read_text().splitlines()
    kept = (folder / "config.pbtxt").read_text().splitlines()
    assert [line for line in changed if line not in kept] == ['backend: "python"']
    version = tmp_path / "mortality-gru" / "1"
    assert (version / "model.onnx").read_bytes() == (folder / "1" / "model.onnx").read_bytes()
    compile((version / "model.py").read_text(), "model.py", "exec")

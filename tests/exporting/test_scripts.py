"""The scripts that measure exported files, on a small net."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np

import kerasnets as kn
from kerasnets._lazy import keras
from kerasnets.exporting.signature import serve

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


def test_the_tables_of_litert_have_a_row_per_net(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(ROOT / "scripts" / "tables")
    script = runpy.run_path(str(ROOT / "scripts" / "tables" / "litert.py"))
    x = np.random.default_rng(0).normal(size=(60, 3, 2)).astype("float32")
    data = kn.Dataset.from_arrays(x, x.mean(axis=(1, 2)) > 0)
    model = keras.Sequential([keras.Input((3, 2)), keras.layers.GRU(2), keras.layers.Dense(2)])
    files = script["measure_files"](serve(model, "classification"), data, tmp_path)
    found = {"loop": {"data": "noise", "reference": False, "files": files}}
    assert list(files) == list(script["COLUMNS"])
    assert files["float32"]["agreement"] == files["ONNX Runtime"]["agreement"] == 1
    assert "WHILE" in files["full-int8"]["refused"]
    assert min(entry["ms"] for entry in files.values() if "ms" in entry) > 0
    files["int8"] |= {"agreement": 0.5, "float32_operators": ["FULLY_CONNECTED"]}
    page = script["page"](found, 0.98)
    assert page.count("| loop |") == 3
    assert r"(50.0 %\*)" in page
    assert "| refused: WHILE |" in page

"""The class Verification and its file: what is recorded, kept and shown."""

from __future__ import annotations

import json
from pathlib import Path

from kerasnets.exporting.verification.verify import Verification, write_verification

METRICS = {"onnx": {"accuracy": 0.7683, "auroc": 0.9551}}


def written(folder: Path, result: Verification) -> dict[str, object]:
    """Write a verification, and return the content of the file."""
    write_verification(folder, result, 1e-5)
    content: dict[str, object] = json.loads((folder / "verification.json").read_text("utf-8"))
    return content


def test_the_file_has_the_result_and_the_metrics_if_there_are_any(tmp_path: Path) -> None:
    content = written(tmp_path, Verification(tmp_path, {"onnx": 1e-7}, test_metrics=METRICS))
    assert content == {
        "ok": True,
        "tolerance": 1e-5,
        "max_abs_diff": {"onnx": 1e-7},
        "failures": [],
        "test_metrics": METRICS,
    }
    content = written(tmp_path, Verification(tmp_path, failures=["onnx: no file"]))
    assert content["ok"] is False
    assert content["failures"] == ["onnx: no file"]
    assert "test_metrics" not in content


def test_the_repr_is_short_and_the_html_complete() -> None:
    result = Verification(Path("exported/net/1"), {"onnx": 1.23e-7, "saved_model": 0.0})
    assert repr(result) == (
        "Verification(ok, 'exported/net/1', differences: onnx 1.2e-07, saved_model 0.0e+00)"
    )
    failed = Verification(Path("exported/net/1"), failures=["onnx: a < b", "onnx: no file"])
    assert repr(failed) == "Verification(2 failures, 'exported/net/1', differences: none)"
    html = failed._repr_html_()
    assert "FAILED" in html
    assert "onnx: a &lt; b<br>onnx: no file" in html

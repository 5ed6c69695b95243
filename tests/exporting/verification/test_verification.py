"""The class Verification and its file: what is recorded, kept and shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kerasnets.exporting.verification.verify import Verification, write_verification

METRICS = {"onnx": {"accuracy": 0.7683, "auroc": 0.9551}}


def written(folder: Path, *results: Verification) -> dict[str, object]:
    """Write one verification after the other, and return the content of the file."""
    for result in results:
        write_verification(folder, result, 1e-5)
    content: dict[str, object] = json.loads((folder / "verification.json").read_text("utf-8"))
    return content


def test_a_verification_without_test_data_keeps_the_recorded_metrics(tmp_path: Path) -> None:
    with_test = Verification(tmp_path, {"onnx": 1e-7}, test_metrics=METRICS)
    content = written(tmp_path, with_test, Verification(tmp_path, {"onnx": 2e-7}))
    assert content["test_metrics"] == METRICS
    assert content["max_abs_diff"] == {"onnx": 2e-7}


def test_new_metrics_replace_the_recorded_ones(tmp_path: Path) -> None:
    new = {"onnx": {"accuracy": 0.8, "auroc": 0.96}}
    content = written(
        tmp_path,
        Verification(tmp_path, test_metrics=METRICS),
        Verification(tmp_path, test_metrics=new),
    )
    assert content["test_metrics"] == new


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_a_damaged_file_is_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "verification.json").write_text(text)
    content = written(tmp_path, Verification(tmp_path, {"onnx": 2e-7}))
    assert content["ok"] is True
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

"""LiteRT files with smaller weights: sizes, agreement, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import kerasnets as kn
from kerasnets.exporting import weights_report
from kerasnets.exporting.verification import runtimes
from tests.exporting.helpers import Labelled, read_card
from tests.exporting.onnx.helpers import randomize


def signals(rows, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, 178)).astype("float32")


def examples(model, rows=60):
    """The clearest of ten times as many examples: a random net decides most of them by little."""
    x = signals(10 * rows)
    logits = model.predict(x, verbose=0)
    second, first = np.sort(logits, axis=1)[:, -2:].T
    x = x[np.argsort(first - second)[-rows:]]
    return Labelled(x, model.predict(x, verbose=0).argmax(axis=1).astype("int32"))


def test_every_kind_is_smaller_and_its_agreement_is_in_the_card(tmp_path, verify_in_this_process):
    model = randomize(kn.build("seizure-mlp-wide"))
    folder = kn.export(
        model,
        tmp_path / "net",
        formats=("litert",),
        weights=("float16", "int8", "full-int8", "int16x8"),
        test=examples(model),
        calibration=signals(100, seed=1),
    )
    report = read_card(folder)["litert_weights"]
    assert list(report) == ["float32", "float16", "int8", "full-int8", "int16x8"]
    for kind, entry in report.items():
        suffix = "" if kind == "float32" else f".{kind}"
        assert entry["file"] == f"model{suffix}.tflite"
        assert entry["bytes"] == (folder / entry["file"]).stat().st_size
        assert entry["agreement"] == entry["accuracy"] >= weights_report.MIN_AGREEMENT
    sizes = {kind: entry["bytes"] for kind, entry in report.items()}
    assert sizes["float16"] < 0.6 * sizes["float32"]
    assert max(sizes["int8"], sizes["int16x8"]) < 0.4 * sizes["float32"]
    # Its first and its last layer keep their weights in float32.
    assert report["full-int8"]["float32_operators"] == ["FULLY_CONNECTED"] * 2
    assert sizes["full-int8"] < 0.5 * sizes["float32"]
    differences = {kind: e["max_abs_diff"]["logits"] for kind, e in report.items()}
    assert differences["float32"] < differences["float16"] < differences["full-int8"]
    checked = runtimes.check(folder, 1e-5)
    assert checked.failures == []
    assert checked.small_weights == pytest.approx(
        {
            f"litert-{k}": max(e["max_abs_diff"].values())
            for k, e in report.items()
            if k != "float32"
        }
    )
    assert "LiteRT files with smaller weights" in (folder / "README.md").read_text()


def test_a_file_that_predicts_other_classes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(weights_report, "MIN_AGREEMENT", 1.1)
    model = randomize(kn.build("seizure-mlp"))
    with pytest.raises(ValueError, match=r"model.int8.tflite predicts .* Remove 'int8'"):
        kn.export(
            model, tmp_path / "n", formats=("litert",), weights=("int8",), test=examples(model)
        )
    assert not (tmp_path / "n").exists()


@pytest.mark.parametrize(
    ("name", "sizes"),
    [("seizure-gru", {"samples": 20}), ("seizure-spectral-small", {})],  # Keras runs every step
)
def test_full_int8_of_loops_and_spectra_is_refused(name, sizes, tmp_path):
    with pytest.raises(ValueError, match=r"cannot compute (WHILE|DIV|RFFT2D).* in integers"):
        kn.export(
            kn.build(name, **sizes), tmp_path / "net", formats=("litert",), weights=("full-int8",)
        )
    assert not (tmp_path / "net").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"formats": ("onnx",), "weights": ("full-int8",)}, "Add 'litert'"),
        ({"formats": ("saved_model",), "weights": ("int8",)}, "ONNX and LiteRT"),
        ({"formats": ("litert",), "weights": ("int4",)}, "Unknown kind of weights 'int4'"),
        ({"formats": ("litert",), "weights": ("full-int8",)}, "needs calibration="),
        (
            {
                "formats": ("litert",),
                "weights": ("full-int8",),
                "calibration": np.full((2, 178), np.nan, "float32"),
                "test": Labelled(signals(4), np.zeros(4, "int32")),
            },
            "NaN or infinity",
        ),
    ],
)
def test_wrong_arguments_are_refused(arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        kn.export(kn.build("seizure-mlp"), tmp_path / "net", **arguments)
    assert not (tmp_path / "net").exists()

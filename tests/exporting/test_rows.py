"""Models whose outputs for a row depend on other rows get no guards."""

from __future__ import annotations

from pathlib import Path

import pytest

import kerasnets as kn
from kerasnets._lazy import import_tensorflow, keras
from kerasnets.exporting.rows import rows_are_independent
from kerasnets.exporting.samples import random_samples
from kerasnets.exporting.signature import serve
from tests.exporting.helpers import read_card

import_tensorflow()
ops = keras.ops


def model(kind: str) -> keras.Model:
    x = keras.Input((3, 4), name="x")
    outputs = {
        "independent": keras.layers.Dense(2)(x),
        "mean of the batch": x - ops.mean(x, axis=0, keepdims=True),
        "rows of steps": ops.reshape(x, (-1, 4)),
        "one number": ops.sum(x),
    }
    return keras.Model(x, outputs[kind])


@pytest.mark.parametrize(
    ("kind", "independent"),
    [
        ("independent", True),
        ("mean of the batch", False),
        ("rows of steps", False),
        ("one number", False),
    ],
)
def test_rows(kind: str, independent: bool) -> None:
    served = serve(model(kind))
    assert rows_are_independent(served, random_samples(served)) == independent


def test_a_model_that_mixes_rows_is_exported_without_guards(tmp_path: Path) -> None:
    folder = kn.export(model("rows of steps"), tmp_path / "net", formats="onnx", keras_file=False)
    card = read_card(folder)
    assert card["checks_rows"] is False
    assert not [case for case in card["cases"] if "invalid" in case or case == "batch-0"]
    page = (folder / "README.md").read_text("utf-8")
    assert "The outputs for a row depend on the other rows of its batch." in page

"""Nets that amplify the rounding of float32."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import kerasnets as kn
from kerasnets._lazy import import_tensorflow, keras
from kerasnets.exporting.verification.runtimes import write_checksums
from tests.exporting.helpers import read_card

import_tensorflow()
STEPS, UNITS = 20, 32


def chaotic(gain: float) -> keras.Model:
    """A recurrent net that multiplies small differences in every step if the gain is above 1."""
    x = keras.Input((STEPS, 8), name="x")
    model = keras.Model(x, keras.layers.SimpleRNN(UNITS, name="y")(x))
    rng = np.random.default_rng(0)
    kernel, recurrent, bias = model.get_weights()
    kernel, recurrent = rng.normal(0, 0.3, kernel.shape), rng.normal(size=recurrent.shape)
    model.set_weights([kernel, gain * recurrent / UNITS**0.5, bias])
    return model


@pytest.mark.usefixtures("verify_in_this_process")
def test_differences_that_rounding_explains_are_allowed_and_stated(tmp_path: Path) -> None:
    folder = kn.export(chaotic(3), tmp_path / "net", formats=("onnx",))
    card = read_card(folder)
    error = card["rounding"]["y"]
    # About 1e-7 in the first step, and amplified in the 20 steps.
    assert 1e-5 / 4 < error < 1e-3
    assert 1e-5 < card["verification"]["max_abs_diff"]["onnx"] <= 4 * error
    assert "This net amplifies the rounding of float32" in (folder / "README.md").read_text("utf-8")
    assert kn.verify(folder).ok

    # Without the entry, the same difference is a failure; and a large error is not believed.
    for rounding, message in (({}, "differs from Keras by"), ({"y": 0.5}, "rounding.y")):
        changed = {**card, "rounding": rounding}
        (folder / "card.json").write_text(json.dumps(changed), encoding="utf-8")
        write_checksums(folder)
        with pytest.raises(kn.VerificationError, match=message):
            kn.verify(folder)


@pytest.mark.usefixtures("verify_in_this_process")
def test_other_differences_are_failures(tmp_path: Path) -> None:
    with pytest.raises(kn.VerificationError, match="differs from Keras by"):
        kn.export(chaotic(1), tmp_path / "net", formats=("onnx",), tolerance=1e-12)
    # Nothing that it computes is exact.
    with pytest.raises(kn.VerificationError, match="differs from Keras by"):
        kn.export(chaotic(6), tmp_path / "net", formats=("onnx",))
    assert not (tmp_path / "net").exists()

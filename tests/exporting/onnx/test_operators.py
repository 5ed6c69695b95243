"""Operations that tf2onnx lacks or converts incorrectly, compared with Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kerasnets._lazy import import_tensorflow, keras
from kerasnets.exporting.onnx.write_onnx import write_onnx
from kerasnets.exporting.signature import serve
from tests.exporting.onnx.helpers import convert, largest_difference, randomize

import_tensorflow()
ops = keras.ops
ROWS = np.linspace(-6, 6, 60, dtype="float32").reshape(10, 6)


@pytest.mark.parametrize("name", ["gelu", "celu", "log_softmax", "sparse_plus", "selu"])
def test_activations(name: str, tmp_path: Path) -> None:
    x = keras.Input((6,), name="x")
    served = serve(keras.Model(x, keras.layers.Activation(name, name="y")(x)))
    convert(served, tmp_path / "m.onnx")
    assert largest_difference(served, tmp_path / "m.onnx", {"x": ROWS}) < 1e-6


def test_log1p_and_expm1(tmp_path: Path) -> None:
    x = keras.Input((6,), name="x")
    served = serve(keras.Model(x, ops.log1p(ops.abs(x)) + ops.expm1(x / 6)))
    convert(served, tmp_path / "m.onnx")
    assert largest_difference(served, tmp_path / "m.onnx", {"x": ROWS}) < 1e-6


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_nan_in_the_other_branch_of_where_is_ignored(dtype: str, tmp_path: Path) -> None:
    """The logarithm of a negative number is NaN, and that of 0 is minus infinity."""
    x = keras.Input((6,), name="x")
    chosen = ops.where(x > 0, ops.log(x), -x)
    served = serve(keras.Model(x, ops.cast(ops.where(x > 1, chosen, 0.0), dtype)))
    counts = convert(served, tmp_path / "m.onnx")
    assert counts["Where"] >= 2
    assert largest_difference(served, tmp_path / "m.onnx", {"x": ROWS}) < 1e-6


def test_where_of_types_that_onnx_runtime_does_not_support(tmp_path: Path) -> None:
    x = keras.Input((6,), name="x")
    eighths = [ops.cast(ops.round(8 * value), "int16") for value in (x, -x)]
    served = serve(keras.Model(x, ops.cast(ops.where(x > 0, *eighths), "float32")))
    convert(served, tmp_path / "m.onnx")
    assert largest_difference(served, tmp_path / "m.onnx", {"x": ROWS}) == 0


CONVOLUTIONS: dict[str, Any] = {
    "1": lambda: keras.layers.Conv1D(6, 2, groups=3, strides=2, padding="same", activation="relu"),
    "causal": lambda: keras.layers.Conv1D(6, 2, groups=3, dilation_rate=2, padding="causal"),
    "2": lambda: keras.layers.Conv2D(6, 2, groups=3, strides=2, padding="same"),
    "no bias": lambda: keras.layers.Conv2D(3, (1, 2), groups=3, use_bias=False),
}


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_grouped_convolutions(kind: str, tmp_path: Path) -> None:
    layer = CONVOLUTIONS[kind]()
    x = keras.Input((*[5] * layer.rank, 3), name="x")
    served = serve(randomize(keras.Model(x, layer(x))))
    convert(served, tmp_path / "m.onnx")
    images = np.random.default_rng(0).normal(size=(2, *x.shape[1:])).astype("float32")
    assert largest_difference(served, tmp_path / "m.onnx", {"x": images}) < 1e-6


def test_an_input_and_an_output_of_the_same_name_are_rejected(tmp_path: Path) -> None:
    x = keras.Input((6,), name="x")
    served = serve(keras.Model(x, {"x": x * 2, "y": x}))
    with pytest.raises(ValueError, match="has 'x' as input and as output"):
        write_onnx(served, tmp_path / "m.onnx")

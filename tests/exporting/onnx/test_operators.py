"""Operations that tf2onnx lacks or converts incorrectly, compared with Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
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
    "multiplier": lambda: keras.layers.Conv2D(12, 2, groups=3, strides=(2, 1)),
    "two per group": lambda: keras.layers.Conv2D(4, 2, groups=2, dilation_rate=2),
    "no bias": lambda: keras.layers.Conv2D(3, (1, 2), groups=3, use_bias=False),
}


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_grouped_convolutions(kind: str, tmp_path: Path) -> None:
    layer = CONVOLUTIONS[kind]()
    x = keras.Input((*[5] * layer.rank, 6 if kind == "two per group" else 3), name="x")
    served = serve(randomize(keras.Model(x, layer(x))))
    assert convert(served, tmp_path / "m.onnx")["Conv"] == 1
    images = np.random.default_rng(0).normal(size=(2, *x.shape[1:])).astype("float32")
    assert largest_difference(served, tmp_path / "m.onnx", {"x": images}) < 1e-6


def test_an_input_and_an_output_of_the_same_name_are_rejected(tmp_path: Path) -> None:
    x = keras.Input((6,), name="x")
    served = serve(keras.Model(x, {"x": x * 2, "y": x}))
    with pytest.raises(ValueError, match="has 'x' as input and as output"):
        write_onnx(served, tmp_path / "m.onnx")


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_the_index_of_the_largest_value(name: str, tmp_path: Path) -> None:
    """Keras finds -0.0 by its sign bit, which ONNX cannot read."""
    x = keras.Input((6,), name="x")
    served = serve(keras.Model(x, getattr(ops, name)(x, axis=-1)))
    convert(served, tmp_path / "m.onnx")
    rows = ROWS.copy()
    rows[0], rows[1], rows[2] = [-0.0, 0, 0, -0.0, 0, -0.0], np.inf, -np.inf
    (expected,) = served.run({"x": rows}).values()
    (got,) = onnxruntime.InferenceSession(tmp_path / "m.onnx").run(None, {"x": rows})
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("size", [(17, 31), (24, 24), (34, 60)])
@pytest.mark.parametrize("image", [(33, 47), (17, 31), (40, 50)])
def test_resized_images_have_the_exact_size(
    image: tuple[int, int], size: tuple[int, int], tmp_path: Path
) -> None:
    x = keras.Input((*image, 1), name="x")
    served = serve(keras.Model(x, keras.layers.Resizing(*size)(x)))
    convert(served, tmp_path / "m.onnx")
    proto = onnx.shape_inference.infer_shapes(onnx.load(tmp_path / "m.onnx"), strict_mode=True)
    (resize,) = (node for node in proto.graph.node if node.op_type == "Resize")
    (inferred,) = (v for v in proto.graph.value_info if v.name == resize.output[0])
    assert [axis.dim_value for axis in inferred.type.tensor_type.shape.dim[2:]] == list(size)
    images = np.random.default_rng(0).random((2, *image, 1), "float32")
    assert largest_difference(served, tmp_path / "m.onnx", {"x": images}) < 1e-5


@pytest.mark.parametrize("opset", [13, 18, 22])
def test_opsets(opset: int, tmp_path: Path) -> None:
    x = keras.Input((6, 2), name="x")
    served = serve(randomize(keras.Model(x, keras.layers.GRU(3)(x))))
    convert(served, tmp_path / "m.onnx", opset=opset, guarded=True)
    used = {entry.domain: entry.version for entry in onnx.load(tmp_path / "m.onnx").opset_import}
    assert used[""] == opset
    assert largest_difference(served, tmp_path / "m.onnx", {"x": np.ones((2, 6, 2), "f4")}) < 1e-6


def test_text_is_refused(tmp_path: Path) -> None:
    x = keras.Input((1,), dtype="string", name="x")
    lookup = keras.layers.StringLookup(vocabulary=["a", "b"], output_mode="one_hot")
    served = serve(keras.Model(x, keras.layers.Dense(2)(lookup(x))))
    with pytest.raises(ValueError, match="text, for which ONNX has no operators"):
        write_onnx(served, tmp_path / "m.onnx")

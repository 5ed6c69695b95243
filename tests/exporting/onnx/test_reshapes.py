"""A reshape in an ONNX file without rows keeps its other sizes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

import kerasnets as kn
from kerasnets._lazy import import_tensorflow, keras
from kerasnets.exporting.onnx.reshapes import keep_sizes_without_rows

import_tensorflow()
layers = keras.layers


def reshaped(shape: list[int], x: np.ndarray, **attributes: int) -> tuple[np.ndarray, int]:
    """The output of a Reshape with the pass, and its number of nodes."""
    helper = onnx.helper
    node = helper.make_node("Reshape", ["x", "shape"], ["y"], "r", **attributes)
    free = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [None] * x.ndim)
    output = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [None] * len(shape))
    constant = onnx.numpy_helper.from_array(np.array(shape, "int64"), "shape")
    graph = helper.make_graph([node], "g", [free], [output], [constant])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    keep_sizes_without_rows(proto)
    onnx.checker.check_model(proto, full_check=True)
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x})[0], len(proto.graph.node)


@pytest.mark.parametrize("rows", [0, 1, 3])
@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ([0, -1, 8], (12, 8)),  # (rows, 4, 24)
        ([0, 2, 0, -1], None),
        ([0, 4, -1, 3], (4, 8, 3)),
        ([0, 0, -1], (4, 24)),
    ],
)
def test_copied_axes_next_to_what_is_left(
    rows: int, shape: list[int], expected: tuple[int, ...] | None
) -> None:
    x = np.random.default_rng(0).normal(size=(rows, 4, 24)).astype("float32")
    if expected is None:  # (rows, 4, 24, 1): the third axis is copied
        x, expected = x[..., np.newaxis], (2, 24, 2)
    y, nodes = reshaped(shape, x)
    np.testing.assert_array_equal(y, x.reshape(rows, *expected))
    assert nodes == 7


@pytest.mark.parametrize("shape", [[-1, 96], [0, 96], [2, 3, -1]])
def test_other_shapes_do_not_change(shape: list[int]) -> None:
    x = np.ones((6, 4, 24), "float32")
    _, nodes = reshaped(shape, x)
    assert nodes == 1


def test_a_shape_in_which_0_is_a_size_does_not_change() -> None:
    y, nodes = reshaped([0, 4], np.ones((0, 4), "float32"), allowzero=1)
    assert (y.shape, nodes) == ((0, 4), 1)


def spectrogram(x: Any) -> Any:
    layer = layers.STFTSpectrogram(mode="log", frame_length=16, frame_step=8, fft_length=16)
    return layers.GlobalAveragePooling1D()(layer(x))


def attention(x: Any) -> Any:
    return layers.MultiHeadAttention(2, 3)(x, x)


def merged_steps(x: Any) -> Any:
    return layers.Reshape((-1, 4))(layers.Dense(8)(x))


@pytest.mark.usefixtures("verify_in_this_process")
@pytest.mark.parametrize("build", [spectrogram, attention, merged_steps])
def test_models_with_a_free_time_axis_take_no_rows(
    build: Callable[[Any], Any], tmp_path: Path
) -> None:
    x = keras.Input((None, 2), name="x")
    folder = kn.export(keras.Model(x, build(x)), tmp_path / "net", formats=("onnx",))
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    one, none = (session.run(None, {"x": np.zeros((n, 32, 2), "float32")})[0] for n in (1, 0))
    assert none.shape == (0, *one.shape[1:])

"""A convolutional net with gates runs without rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnxruntime.capi.onnxruntime_pybind11_state import Fail

from kerasnets._lazy import import_tensorflow, keras
from kerasnets.exporting.onnx.write_onnx import write_onnx
from kerasnets.exporting.signature import serve
from tests.exporting.onnx.helpers import largest_difference

import_tensorflow()
layers = keras.layers


def block(x: Any, filters: int) -> Any:
    """A block of EfficientNet: channels are normalized, convolved on their own, and gated."""
    hidden = layers.BatchNormalization()(layers.Conv2D(3 * x.shape[-1], 1)(x))
    hidden = layers.DepthwiseConv2D(3, padding="same")(layers.Activation("swish")(hidden))
    hidden = layers.Activation("swish")(layers.BatchNormalization()(hidden))
    gate = layers.GlobalAveragePooling2D(keepdims=True)(hidden)
    gate = layers.Conv2D(hidden.shape[-1], 1, activation="sigmoid")(gate)
    return layers.BatchNormalization()(layers.Conv2D(filters, 1)(layers.Multiply()([hidden, gate])))


def gated(x: Any) -> Any:
    hidden = block(layers.Conv2D(16, 3, padding="same")(x), 24)
    return layers.Add()([hidden, block(hidden, 24)])


def test_a_gated_net_takes_any_number_of_rows(tmp_path: Path) -> None:
    x = keras.Input((8, 8, 3), name="x")
    scale = keras.Input((), name="scale")
    hidden = layers.GlobalMaxPooling2D()(gated(x)) * keras.ops.expand_dims(scale, 1)
    served = serve(keras.Model([x, scale], layers.Dense(5, name="logits")(hidden)))
    write_onnx(served, tmp_path / "m.onnx", guarded=True)
    rng = np.random.default_rng(0)
    rows = {"x": rng.normal(size=(3, 8, 8, 3)), "scale": rng.normal(size=3)}
    rows = {name: array.astype("float32") for name, array in rows.items()}
    assert largest_difference(served, tmp_path / "m.onnx", rows) < 1e-5
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    none = session.run(None, {name: array[:0] for name, array in rows.items()})
    assert [array.shape for array in none] == [(0, 5), (0, 5)]
    rows["x"][1, 0, 0, 0] = np.nan
    for output in session.run(None, rows):
        assert np.isnan(output).all(axis=1).tolist() == [False, True, False]
    proto = onnx.load(tmp_path / "m.onnx")
    onnx.checker.check_model(proto, full_check=True)
    # ONNX Runtime 1.31 fails without rows; 1.32 does not, so that a row is not necessary there.
    write_onnx(served, tmp_path / "plain.onnx")
    plain = onnxruntime.InferenceSession(tmp_path / "plain.onnx")
    fails = False
    try:
        plain.run(None, {name: array[:0] for name, array in rows.items()})
    except Fail:
        fails = True
    assert any(node.name == "spare_row/rows" for node in proto.graph.node) == fails


@pytest.mark.parametrize(
    "build",
    [
        lambda x: layers.Conv2D(4, 3, activation="relu")(x) * 2.0,
        lambda x: x * layers.Dense(3)(x),
    ],
)
def test_other_nets_get_no_row(build: Any, tmp_path: Path) -> None:
    x = keras.Input((8, 8, 3), name="x")
    write_onnx(serve(keras.Model(x, build(x))), tmp_path / "m.onnx", guarded=True)
    names = [node.name for node in onnx.load(tmp_path / "m.onnx").graph.node]
    assert not any(name.startswith("spare_row/") for name in names)

"""Build models, convert them to ONNX, and compare ONNX Runtime with Keras."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from kerasnets._lazy import import_tensorflow, keras
from kerasnets.exporting.onnx.graph import all_nodes
from kerasnets.exporting.onnx.write_onnx import write_onnx
from kerasnets.exporting.signature import Served, serve

import_tensorflow()
layers = keras.layers

FEATURES = 3
UNITS = 4
# One row of each kind: no mask, padding right, padding left, holes, one step, everything masked.
MASKS = np.array(
    [
        [1, 1, 1, 1, 1, 1],
        [1, 1, 1, 0, 0, 0],
        [0, 0, 1, 1, 1, 1],
        [1, 0, 1, 0, 0, 1],
        [0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0],
    ],
    bool,
)


class MaskFrom(layers.Layer):
    """Takes ``(x, mask)`` and returns x with that mask."""

    def call(self, inputs: Any) -> Any:
        return keras.ops.copy(inputs[0])

    def compute_mask(self, inputs: Any, previous: Any = None) -> Any:
        return keras.ops.cast(inputs[1], "bool")


def randomize(model: keras.Model) -> keras.Model:
    """Assign random values to all float32 weights."""
    rng = np.random.default_rng(7)
    for weight in model.weights:
        if weight.dtype == "float32":
            weight.assign(rng.normal(0, 0.5, weight.shape))
    return model


def masked_model(build: Callable[[Any], Any]) -> Served:
    """A model on sequences ``x`` with a ``mask`` input."""
    x = keras.Input((None, FEATURES), name="x")
    mask = keras.Input((None,), dtype="bool", name="mask")
    return serve(randomize(keras.Model([x, mask], build(MaskFrom()([x, mask])))))


def plain_model(build: Callable[[Any], Any], time: int | None = None) -> Served:
    """A model on sequences ``x`` without a mask."""
    x = keras.Input((time, FEATURES), name="x")
    return serve(randomize(keras.Model(x, build(x))))


def convert(served: Served, path: Path, **arguments: Any) -> Counter[str]:
    """Write the ONNX file and count its operators."""
    write_onnx(served, path, **arguments)
    onnx.checker.check_model(path, full_check=True)
    return Counter(node.op_type for node in all_nodes(onnx.load(path).graph))


def largest_difference(served: Served, path: Path, *feeds: dict[str, np.ndarray]) -> float:
    """The largest difference of ONNX Runtime from Keras run eagerly.

    It is relative to the largest value of an output if that is above 1.
    """
    session = onnxruntime.InferenceSession(path)
    names = [output.name for output in session.get_outputs()]
    largest = 0.0
    for feed in feeds:
        expected = served.run(feed)
        got = dict(zip(names, session.run(names, feed), strict=True))
        assert set(got) == set(expected)
        for name, value in expected.items():
            assert got[name].shape == value.shape
            assert np.isfinite(value).all()
            scale = max(1.0, float(np.abs(value).max()))
            largest = max(largest, float(np.abs(got[name] - value).max()) / scale)
    return largest


def signals(batch: int, time: int, features: int = FEATURES) -> np.ndarray:
    """Normal noise, shape ``(batch, time, features)``."""
    return (
        np.random.default_rng(batch + time).normal(size=(batch, time, features)).astype("float32")
    )


def check(served: Served, path: Path, *nodes: str, time: int | None = None) -> None:
    """Convert a model and compare it with Keras over several batch sizes, steps and masks.

    Args:
        served: the model.
        path: the ONNX file to write.
        nodes: the operator of each recurrent node that the file must have.
        time: the number of steps if it is fixed.
    """
    counts = convert(served, path)
    found = [op for op in ("GRU", "LSTM", "RNN") for _ in range(counts[op])]
    assert found == sorted(nodes)
    feeds = [{"x": signals(batch, time or steps)} for batch, steps in ((1, 6), (2, 1), (7, 3))]
    if len(served.inputs) == 2:
        feeds = [{"x": signals(6, steps), "mask": MASKS[:, :steps]} for steps in (1, 3, 6)]
    assert largest_difference(served, path, *feeds) < 1e-6

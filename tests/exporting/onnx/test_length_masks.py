"""Masks of lengths become few ONNX nodes, and the guards of masked sequences share them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from kerasnets._lazy import import_tensorflow, keras
from kerasnets.exporting.signature import Served, serve
from kerasnets.nets.layers.length_mask import LengthMask
from tests.exporting.onnx.helpers import UNITS, convert, layers, randomize, signals

import_tensorflow()

ROWS, STEPS, FEATURES = 4, 6, 3
LENGTHS = np.array([6, 0, 3, 1], "int32")


def net(build: Any, *others: Any) -> Served:
    """A net on a masked sequence; ``build`` takes it, the raw sequence, and further inputs."""
    visits = keras.Input((None, FEATURES), name="visits")
    length = keras.Input((), dtype="int32", name="length")
    masked = LengthMask()([visits, length])
    inputs = {"visits": visits, "length": length, **{x.name: x for x in others}}
    return serve(randomize(keras.Model(inputs, build(masked, visits, *others))))


def dense_first(masked: Any, visits: Any) -> Any:
    del visits
    return layers.Dense(2)(layers.GRU(UNITS)(layers.Dense(5, activation="tanh")(masked)))


def pooled(masked: Any, visits: Any) -> Any:
    del visits
    return layers.Dense(2, activation="relu")(keras.ops.max(masked, axis=1))


NETS: dict[str, Any] = {
    "dense first": dense_first,
    "linear first": lambda masked, _: layers.GRU(UNITS)(layers.Dense(5, use_bias=False)(masked)),
    "recurrent first": lambda masked, _: layers.GRU(UNITS)(masked),
    "backwards": lambda masked, _: layers.LSTM(UNITS, go_backwards=True)(masked),
    "every step": lambda masked, _: layers.GRU(UNITS, return_sequences=True)(masked),
    "pooled": pooled,
    "unmasked values too": lambda masked, visits: layers.Dense(2, activation="relu")(
        keras.ops.max(masked, axis=1) + 0.0 * keras.ops.sum(visits[:, :1], axis=1)
    ),
}


@pytest.mark.parametrize("opset", [13, 17])
@pytest.mark.parametrize("name", NETS)
def test_invalid_rows_are_marked_and_others_are_not(name: str, opset: int, tmp_path: Path) -> None:
    served = net(NETS[name])
    convert(served, tmp_path / "m.onnx", guarded=True, opset=opset)
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    (output,) = session.get_outputs()
    x, limit = signals(ROWS, STEPS), np.iinfo("int32").max
    (expected,) = served.run({"visits": x, "length": LENGTHS}).values()

    def nan_rows(x: np.ndarray, length: np.ndarray) -> list[int]:
        (got,) = session.run([output.name], {"visits": x, "length": length})
        marked = np.isnan(got).reshape(ROWS, -1)
        assert (marked.all(axis=1) == marked.any(axis=1)).all()
        valid = ~marked.any(axis=1)
        np.testing.assert_allclose(got[valid], expected[valid], atol=1e-6)
        return list(np.flatnonzero(~valid))

    assert nan_rows(x, LENGTHS) == []
    for value in (np.nan, np.inf, -np.inf):
        invalid = x.copy()
        invalid[2, 2, 1] = value  # the last step that is not padding
        assert nan_rows(invalid, LENGTHS) == [2]
        if name != "unmasked values too":
            padding = x.copy()
            padding[1], padding[3, 1:] = value, value
            assert nan_rows(padding, LENGTHS) == []
    for wrong in (STEPS + 1, -1, limit, -limit - 1):
        assert nan_rows(x, np.array([6, wrong, 3, 1], "int32")) == [1]
    (none,) = session.run([output.name], {"visits": x[:0], "length": LENGTHS[:0]})
    assert none.shape == (0, *expected.shape[1:])


@pytest.mark.parametrize(("rows", "lengths"), [(1, 3), (3, 1), (4, 3), (4, 5)])
def test_fewer_or_more_lengths_than_rows_are_an_error(
    rows: int, lengths: int, tmp_path: Path
) -> None:
    convert(net(pooled), tmp_path / "m.onnx", guarded=True)
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    feed = {"visits": signals(rows, STEPS), "length": np.ones(lengths, "int32")}
    with pytest.raises(Exception, match="Reshape"):
        session.run(None, feed)


def test_other_inputs_are_checked_too(tmp_path: Path) -> None:
    age = keras.Input((1,), name="age")
    notes = keras.Input((None, 2), name="notes")

    def build(masked: Any, visits: Any, age: Any, notes: Any) -> Any:
        del visits
        parts = [keras.ops.max(masked, axis=1), age, keras.ops.max(notes[:, :1], axis=1)]
        return layers.Dense(2, activation="relu")(layers.Concatenate()(parts))

    served = net(build, age, notes)
    convert(served, tmp_path / "m.onnx", guarded=True)
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    feed = {
        "visits": signals(ROWS, STEPS),
        "length": np.array([6, 2, 3, 1], "int32"),
        "age": np.ones((ROWS, 1), "float32"),
        "notes": np.ones((ROWS, STEPS, 2), "float32"),
    }
    feed["visits"][0, 5, 0] = feed["age"][1, 0] = feed["notes"][2, 0, 0] = np.nan
    feed["notes"][3, 1:] = np.nan  # padding
    (got,) = session.run(None, feed)
    assert np.isnan(got).all(axis=1).tolist() == [True, True, True, False]


def test_the_guards_add_eight_nodes_to_a_masked_net(tmp_path: Path) -> None:
    served = net(dense_first)
    counts = {
        guarded: convert(served, tmp_path / "m.onnx", guarded=guarded) for guarded in (False, True)
    }
    added = counts[True] - counts[False]
    # The number of lengths, the sum, the check of the length, and the mark.
    assert added == {
        "Shape": 1, "Reshape": 1, "ReduceSum": 1, "Equal": 1, "Where": 1, "Unsqueeze": 1,
        "Mul": 1, "Add": 1,
    }  # fmt: skip
    assert counts[True]["MatMul"] == 2  # without reshaping
    assert not {"CumSum", "Expand", "ConstantOfShape"} & set(counts[True])
    graph = onnx.load(tmp_path / "m.onnx").graph
    assert [value.name for value in graph.output] == [info.name for info in served.outputs]


def test_large_integers_are_compared_as_integers(tmp_path: Path) -> None:
    """tf2onnx converts them to float32, in which 2²⁴ and 2²⁴ + 1 are equal."""
    a, b = (keras.Input((1,), dtype="int64", name=name) for name in "ab")
    less = keras.ops.cast(keras.ops.less(a, b), "int32")
    more = keras.ops.cast(keras.ops.greater(a, b), "int32")
    served = serve(keras.Model([a, b], {"less": less, "more": more}))
    convert(served, tmp_path / "m.onnx")
    run = onnxruntime.InferenceSession(tmp_path / "m.onnx").run
    feed = {"a": np.array([[2**24]], "int64"), "b": np.array([[2**24 + 1]], "int64")}
    assert [int(value[0, 0]) for value in run(["less", "more"], feed)] == [1, 0]

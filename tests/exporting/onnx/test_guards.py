"""Guards in the ONNX graph: NaN for invalid rows, and no rows for no rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

import kerasnets as kn
from kerasnets._lazy import import_tensorflow, keras
from kerasnets.exporting.signature import Served, serve
from tests.exporting.onnx.helpers import UNITS, convert, layers, randomize, signals

import_tensorflow()


def session(served: Served, folder: Path, **arguments: Any) -> Any:
    convert(served, folder / "m.onnx", guarded=True, **arguments)
    return onnxruntime.InferenceSession(folder / "m.onnx")


def sequence(build: Callable[[Any], Any], time: int | None) -> Served:
    x = keras.Input((time, 3), name="x")
    return serve(randomize(keras.Model(x, build(x))))


RECURRENT = {
    "gru": lambda x: layers.GRU(UNITS)(x),
    "lstm": lambda x: layers.LSTM(UNITS, return_sequences=True)(x),
    "rnn": lambda x: layers.SimpleRNN(UNITS)(x),
    "bidirectional": lambda x: layers.Bidirectional(layers.GRU(UNITS))(x),
    "masked": lambda x: layers.LSTM(UNITS)(layers.Masking(-5.0)(x)),
    "states": lambda x: layers.GRU(UNITS)(x, initial_state=layers.Dense(UNITS)(x[:, 0])),
    "every step": lambda x: layers.TimeDistributed(layers.GRU(UNITS))(keras.ops.expand_dims(x, -1)),
}


@pytest.mark.parametrize("opset", [13, 17])
@pytest.mark.parametrize("time", [5, None])
@pytest.mark.parametrize("name", RECURRENT)
def test_no_rows_give_no_rows(name: str, time: int | None, opset: int, tmp_path: Path) -> None:
    """ONNX Runtime ended the process."""
    served = sequence(RECURRENT[name], time)
    run = session(served, tmp_path, opset=opset).run
    expected = served.run({"x": signals(2, 5)})
    for rows in (0, 2):
        got = dict(zip(expected, run(list(expected), {"x": signals(2, 5)[:rows]}), strict=True))
        for output, values in expected.items():
            assert got[output].shape == (rows, *values.shape[1:])
            np.testing.assert_allclose(got[output], values[:rows], atol=1e-6)


VALUES = [np.nan, np.inf, -np.inf]


@pytest.mark.parametrize("opset", [13, 17])
@pytest.mark.parametrize("time", [5, None])
@pytest.mark.parametrize("value", VALUES)
def test_a_row_with_nan_or_infinity_gives_nan(
    value: float, time: int | None, opset: int, tmp_path: Path
) -> None:
    """A GRU gave plausible numbers."""
    served = sequence(lambda x: layers.Dense(2)(layers.GRU(UNITS)(x)), time)
    x = signals(4, 5)
    (expected,) = served.run({"x": x}).values()
    x[2, 3, 1] = value
    (got,) = session(served, tmp_path, opset=opset).run(None, {"x": x})
    assert np.isnan(got[2]).all()
    np.testing.assert_allclose(got[[0, 1, 3]], expected[[0, 1, 3]], atol=1e-6)


def test_large_finite_values_are_valid(tmp_path: Path) -> None:
    served = sequence(lambda x: layers.Dense(2)(layers.GRU(UNITS)(x)), None)
    x = np.full((2, 40, 3), np.finfo("float32").max, "float32")
    (got,) = session(served, tmp_path).run(None, {"x": x})
    assert np.isfinite(got).all()


SHAPES: dict[str, tuple[tuple[int | None, ...], Callable[[Any], Any]]] = {
    "scalar": ((), lambda x: keras.ops.maximum(x, 0.0)),
    "row": ((4,), lambda x: layers.Dense(3, activation="relu")(x)),
    "free row": ((None,), lambda x: keras.ops.maximum(x, 0.0)),
    "image": ((6, 5, 2), lambda x: layers.Conv2D(3, 2, activation="relu")(x)),
    "free image": ((None, None, 2), lambda x: layers.Conv2D(3, 2, activation="relu")(x)),
    "pixels": ((5,), lambda x: keras.ops.sum(keras.ops.maximum(x, 0.0), axis=1)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_inputs_and_outputs_of_every_rank(name: str, tmp_path: Path) -> None:
    shape, build = SHAPES[name]
    inputs = keras.Input(shape, name="x")
    served = serve(keras.Model(inputs, build(inputs)))
    x = np.random.default_rng(0).normal(size=(3, *(axis or 7 for axis in shape)))
    x = x.astype("float32")
    (expected,) = served.run({"x": x}).values()
    x.reshape(3, -1)[1, -1] = np.nan
    run = session(served, tmp_path).run
    (got,) = run(None, {"x": x})
    assert np.isnan(got[1]).all()
    np.testing.assert_allclose(got[[0, 2]], expected[[0, 2]], atol=1e-6)
    assert run(None, {"x": x[:0]})[0].shape == (0, *expected.shape[1:])


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b")
    code = keras.Input((1,), dtype="int32", name="code")
    outputs = {
        "first": layers.Dense(2, activation="relu")(a),
        "second": layers.Dense(1, activation="relu")(b),
        "best": keras.ops.argmax(b, axis=-1) + code[:, 0],
    }
    served = serve(keras.Model([a, b, code], outputs))
    feed = {
        "a": np.array([[1, np.nan], [1, 2]], "float32"),
        "b": np.ones((2, 3), "float32"),
        "code": np.ones((2, 1), "int32"),
    }
    names = ["first", "second", "best"]
    first, second, best = session(served, tmp_path).run(names, feed)
    assert np.isnan(first).any(axis=1).tolist() == [True, False]
    assert np.isnan(second).any(axis=1).tolist() == [True, False]
    assert best.tolist() == [1, 1]


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A session of a net with lengths, and valid inputs of 4 rows."""
    net = kn.build("mortality-gru", features=2, units=(3,), dense_units=(2,))
    run = session(serve(net), tmp_path_factory.mktemp("visits")).run
    x = np.random.default_rng(0).normal(size=(4, 6, 2)).astype("float32")
    return run, {"visits": x, "length": np.array([6, 0, 3, 1], "int32")}


def test_padding_may_hold_anything(visits: Any) -> None:
    run, feed = visits
    expected = run(None, feed)
    x = feed["visits"].copy()
    x[1], x[2, 3:], x[3, 1:] = np.nan, np.inf, -np.inf
    for got, values in zip(run(None, feed | {"visits": x}), expected, strict=True):
        np.testing.assert_array_equal(got, values)
    x[2, 2] = np.nan  # the last step that is not padding
    for got in run(None, feed | {"visits": x}):
        assert np.isnan(got).any(axis=1).tolist() == [False, False, True, False]


def test_lengths_that_the_sequences_do_not_have(visits: Any) -> None:
    run, feed = visits
    expected = run(None, feed)
    limit = np.iinfo("int32").max
    for wrong in (7, -1, limit, -limit - 1):
        length = np.array([6, wrong, 3, 1], "int32")
        for got, values in zip(run(None, feed | {"length": length}), expected, strict=True):
            assert np.isnan(got).any(axis=1).tolist() == [False, True, False, False]
            np.testing.assert_array_equal(got[[0, 2, 3]], values[[0, 2, 3]])


@pytest.mark.parametrize("count", [1, 3, 5])
def test_the_wrong_number_of_lengths_is_an_error(visits: Any, count: int) -> None:
    run, feed = visits
    with pytest.raises(Exception, match=r"Reshape|LessOrEqual"):
        run(None, feed | {"length": np.ones(count, "int32")})


def test_no_rows_with_lengths(visits: Any) -> None:
    run, feed = visits
    for got in run(None, {name: array[:0] for name, array in feed.items()}):
        assert got.shape == (0, 2)

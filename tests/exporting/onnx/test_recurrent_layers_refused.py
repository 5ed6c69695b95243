"""Recurrent layers without an ONNX operator, and models that tracing must not change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kerasnets._lazy import keras
from kerasnets.exporting.onnx.recurrent_layers import native_recurrence
from kerasnets.exporting.onnx.write_onnx import write_onnx
from tests.exporting.onnx.helpers import (
    FEATURES,
    UNITS,
    convert,
    largest_difference,
    layers,
    plain_model,
    signals,
)


class OwnCell(layers.GRUCell):
    """A custom cell with the gates of Keras and a different output."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        output, states = super().call(inputs, states, training=training)
        return 2 * output, states


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "cell": (lambda: layers.RNN(OwnCell(2), name="odd"), "'odd' has a cell of type OwnCell"),
    "stack": (
        lambda: layers.RNN([layers.GRUCell(2), OwnCell(2)], name="odd"),
        "'odd' has a cell of type OwnCell",
    ),
    "activation": (
        lambda: layers.GRU(2, activation="silu", name="odd"),
        "'odd' has the activation silu",
    ),
    "inner": (
        lambda: layers.Bidirectional(layers.GRU(2, activation="silu", name="odd")),
        "'backward_odd' has the activation silu; 'forward_odd' has",
    ),
    "dtype": (lambda: layers.GRU(2, dtype="float64", name="odd"), "'odd' computes in float64"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_layers_without_an_operator_are_rejected_by_name(case: str, tmp_path: Path) -> None:
    build, message = REFUSED[case]
    served = plain_model(build())
    with pytest.raises(ValueError, match=message):
        write_onnx(served, tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


@pytest.mark.parametrize("case", ["cell", "activation"])
def test_layers_without_an_operator_become_loops_if_allowed(case: str, tmp_path: Path) -> None:
    def build(x: Any) -> Any:
        return layers.GRU(UNITS)(x), REFUSED[case][0]()(x)

    served = plain_model(build)
    counts = convert(served, tmp_path / "m.onnx", allow_loops=True)
    assert counts["Loop"] >= 1
    assert counts["GRU"] == 1
    feeds = [{"x": signals(batch, 5)} for batch in (1, 7)]
    assert largest_difference(served, tmp_path / "m.onnx", *feeds) < 1e-6


def test_a_stateful_layer_is_rejected(tmp_path: Path) -> None:
    x = keras.Input(batch_shape=(2, 5, FEATURES), name="x")
    model = keras.Model(x, layers.LSTM(2, stateful=True, name="odd")(x))
    with pytest.raises(ValueError, match="'odd' is stateful"), native_recurrence(model):
        pass


def test_weights_that_depend_on_the_inputs_are_rejected(tmp_path: Path) -> None:
    class Hyper(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = layers.GRU(2, name="hyper")

        def build(self, shape: Any) -> None:
            self.rnn.build(shape)

        def call(self, x: Any) -> Any:
            cell, kernel = self.rnn.cell, self.rnn.cell.kernel
            object.__setattr__(cell, "kernel", kernel * keras.ops.mean(x))
            try:
                return self.rnn(x)
            finally:
                object.__setattr__(cell, "kernel", kernel)

    with pytest.raises(ValueError, match="the weights of 'hyper' are computed from the inputs"):
        write_onnx(plain_model(lambda x: Hyper()(x)), tmp_path / "m.onnx")


def test_the_model_is_restored_even_after_an_error() -> None:
    rnn = layers.LSTM(2)
    model = keras.Sequential([keras.Input((5, FEATURES)), rnn])
    before = dict(vars(rnn))
    expected = np.asarray(model(signals(2, 5)))
    with native_recurrence(model):
        assert "inner_loop" in vars(rnn)
    assert dict(vars(rnn)) == before
    with pytest.raises(RuntimeError, match="tracing broke"), native_recurrence(model):
        raise RuntimeError("tracing broke")
    assert dict(vars(rnn)) == before
    np.testing.assert_array_equal(np.asarray(model(signals(2, 5))), expected)

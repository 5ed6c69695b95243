"""Native recurrent nodes compared with Keras's own loop, for every form of the layers.

Most models have several layers on the same input: converting one model with four layers takes less
time than converting four models, and the number of nodes and each output are checked all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.exporting.onnx.helpers import UNITS, check, layers, masked_model, plain_model

LAYERS: dict[str, tuple[str, Callable[..., Any]]] = {
    "gru": ("GRU", lambda **a: layers.GRU(UNITS, **a)),
    "gru-reset-before": ("GRU", lambda **a: layers.GRU(UNITS, reset_after=False, **a)),
    "lstm": ("LSTM", lambda **a: layers.LSTM(UNITS, **a)),
    "simple": ("RNN", lambda **a: layers.SimpleRNN(UNITS, **a)),
}
NODES = tuple(op for op, _ in LAYERS.values())
FORMS: dict[str, dict[str, Any]] = {
    "last": {},
    "sequences": {"return_sequences": True},
    "state": {"return_sequences": True, "return_state": True},
    "last-and-state": {"return_state": True},
    "backwards": {"go_backwards": True},
    "backwards-sequences": {"go_backwards": True, "return_sequences": True, "return_state": True},
    "no-bias": {"use_bias": False, "return_sequences": True},
    "dropout": {"dropout": 0.5, "recurrent_dropout": 0.5, "return_sequences": True},
}


def every_layer(**arguments: Any) -> Callable[[Any], Any]:
    """A function that applies each kind of layer to the same input."""
    made = [layer(**arguments) for _, layer in LAYERS.values()]
    return lambda x: [layer(x) for layer in made]


@pytest.mark.parametrize("form", FORMS)
def test_every_layer_in_every_form(form: str, tmp_path: Path) -> None:
    check(plain_model(every_layer(**FORMS[form])), tmp_path / "m.onnx", *NODES)


MASKED_FORMS = {
    **{name: FORMS[name] for name in ("last-and-state", "state", "backwards-sequences")},
    "backwards-last": {"go_backwards": True, "return_state": True},
    "zero": {"zero_output_for_mask": True, "return_sequences": True, "return_state": True},
    "zero-last": {"zero_output_for_mask": True},
    "zero-backwards": {
        "zero_output_for_mask": True,
        "go_backwards": True,
        "return_sequences": True,
    },
    "zero-backwards-last": {"zero_output_for_mask": True, "go_backwards": True},
}


@pytest.mark.parametrize("form", MASKED_FORMS)
def test_every_layer_in_every_form_with_every_mask(form: str, tmp_path: Path) -> None:
    check(masked_model(every_layer(**MASKED_FORMS[form])), tmp_path / "m.onnx", *NODES)


@pytest.mark.parametrize("time", [1, 5])
def test_fixed_number_of_steps(time: int, tmp_path: Path) -> None:
    def build(x: Any) -> Any:
        return [
            layers.GRU(UNITS, return_sequences=True, unroll=unroll)(x) for unroll in (False, True)
        ]

    check(plain_model(build, time), tmp_path / "m.onnx", "GRU", "GRU", time=time)


@pytest.mark.parametrize("sequences", [False, True])
def test_bidirectional_with_every_merge_mode(sequences: bool, tmp_path: Path) -> None:
    modes = ("concat", "sum", "ave", "mul", None)

    def build(x: Any) -> Any:
        return [
            layers.Bidirectional(layers.LSTM(2, return_sequences=sequences), merge_mode=mode)(x)
            for mode in modes
        ]

    nodes = ["LSTM"] * 2 * len(modes)
    check(plain_model(build), tmp_path / "plain.onnx", *nodes)
    check(masked_model(build), tmp_path / "masked.onnx", *nodes)


def test_bidirectional_with_states_and_a_separate_backward_layer(tmp_path: Path) -> None:
    def build(x: Any) -> Any:
        return layers.Bidirectional(
            layers.GRU(UNITS, return_sequences=True, return_state=True),
            backward_layer=layers.SimpleRNN(
                2, go_backwards=True, return_sequences=True, return_state=True
            ),
        )(x)

    check(plain_model(build), tmp_path / "plain.onnx", "GRU", "RNN")
    check(masked_model(build), tmp_path / "masked.onnx", "GRU", "RNN")


@pytest.mark.parametrize("form", ["last", "state", "backwards-sequences"])
def test_cells_and_stacked_cells(form: str, tmp_path: Path) -> None:
    def build(x: Any) -> Any:
        stack = [
            layers.LSTMCell(5),
            layers.GRUCell(UNITS, reset_after=False),
            layers.SimpleRNNCell(2, activation="relu"),
        ]
        single = layers.RNN(layers.LSTMCell(UNITS), **FORMS[form])
        return [layers.RNN(stack, **FORMS[form])(x), single(x)]

    check(plain_model(build), tmp_path / "plain.onnx", "GRU", "LSTM", "LSTM", "RNN")
    check(masked_model(build), tmp_path / "masked.onnx", "GRU", "LSTM", "LSTM", "RNN")


def test_initial_states_from_the_inputs(tmp_path: Path) -> None:
    def build(x: Any) -> Any:
        first = layers.Dense(UNITS, name="first")(x[:, 0])
        second = layers.Dense(UNITS, name="second")(x[:, -1])
        return [
            layer(return_sequences=True, return_state=True)(
                x, initial_state=[first, second] if kind == "lstm" else first
            )
            for kind, (_, layer) in LAYERS.items()
        ]

    check(plain_model(build), tmp_path / "plain.onnx", *NODES)
    check(masked_model(build), tmp_path / "masked.onnx", *NODES)


def test_states_of_an_encoder_as_initial_states_of_a_decoder(tmp_path: Path) -> None:
    def build(x: Any) -> Any:
        _, hidden, cell = layers.LSTM(UNITS, return_state=True)(x)
        return layers.LSTM(UNITS, return_sequences=True)(x, initial_state=[hidden, cell])

    check(plain_model(build), tmp_path / "plain.onnx", "LSTM", "LSTM")
    check(masked_model(build), tmp_path / "masked.onnx", "LSTM", "LSTM")


ACTIVATIONS = [
    *("tanh", "sigmoid", "relu", "linear", "hard_sigmoid"),
    *("leaky_relu", "elu", "softsign", "softplus"),
]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_of_onnx(activation: str, tmp_path: Path) -> None:
    """As activation and as recurrent activation, next to one with parameters of its own."""
    gates = "hard_sigmoid" if activation != "hard_sigmoid" else "sigmoid"

    def build(x: Any) -> Any:
        return [
            layers.SimpleRNN(2, activation=activation)(x),
            layers.GRU(2, activation=activation, recurrent_activation=gates)(x),
            layers.GRU(2, activation=gates, recurrent_activation=activation)(x),
            layers.LSTM(2, activation=activation, recurrent_activation=gates)(x),
            layers.LSTM(2, activation=gates, recurrent_activation=activation)(x),
        ]

    check(plain_model(build), tmp_path / "m.onnx", "GRU", "GRU", "LSTM", "LSTM", "RNN")

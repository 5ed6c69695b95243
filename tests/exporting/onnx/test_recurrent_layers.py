"""Native recurrent nodes compared with Keras's own loop, for every form of the layers.

Most models have several layers on the same input, which takes less time than one model per layer.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
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
    "state": {"return_sequences": True, "return_state": True},
    "last-and-state": {"return_state": True},
    "backwards": {"go_backwards": True},
    "backwards-sequences": {"go_backwards": True, "return_sequences": True, "return_state": True},
    "no-bias-dropout": {
        "use_bias": False,
        "dropout": 0.5,
        "recurrent_dropout": 0.5,
        "return_sequences": True,
    },
}


def check_layers(
    model: Callable[[Any], Any], kinds: Iterable[str], path: Path, **arguments: Any
) -> None:
    """Check a model that applies each kind of layer to the same input."""

    def build(x: Any) -> Any:
        return [LAYERS[kind][1](**arguments)(x) for kind in kinds]

    check(model(build), path, *(LAYERS[kind][0] for kind in kinds))


@pytest.mark.parametrize("form", FORMS)
def test_every_layer_in_every_form(form: str, tmp_path: Path) -> None:
    check_layers(plain_model, LAYERS, tmp_path / "m.onnx", **FORMS[form])


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


# The LSTM, which has two states, in every form. Each of the other layers with each value of each
# argument: they only differ in their nodes.
PAIRS = [
    ("lstm", other, form)
    for form, other in zip(MASKED_FORMS, itertools.cycle(["gru", "gru-reset-before", "simple"]))
]


@pytest.mark.parametrize(("first", "second", "form"), PAIRS)
def test_layers_with_every_mask(first: str, second: str, form: str, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    check_layers(masked_model, [first, second], path, **MASKED_FORMS[form])


@pytest.mark.parametrize("time", [1, 5])
def test_fixed_number_of_steps(time: int, tmp_path: Path) -> None:
    def build(x: Any) -> Any:
        return [
            layers.GRU(UNITS, return_sequences=True, unroll=unroll)(x) for unroll in (False, True)
        ]

    check(plain_model(build, time), tmp_path / "m.onnx", "GRU", "GRU", time=time)


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize(
    ("model", "modes"),
    [(plain_model, ("concat", "sum", "ave", "mul", None)), (masked_model, ("concat", None))],
)
def test_bidirectional_with_every_merge_mode(
    model: Callable[[Any], Any], modes: tuple[str | None, ...], sequences: bool, tmp_path: Path
) -> None:
    def build(x: Any) -> Any:
        return [
            layers.Bidirectional(layers.LSTM(2, return_sequences=sequences), merge_mode=mode)(x)
            for mode in modes
        ]

    check(model(build), tmp_path / "m.onnx", *["LSTM"] * 2 * len(modes))


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


@pytest.mark.parametrize("form", ["last-and-state", "backwards-sequences"])
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
    """As activation and as recurrent activation, next to one that has parameters.

    The layers swap the two roles from one activation to the next.
    """
    other = "hard_sigmoid" if activation != "hard_sigmoid" else "sigmoid"
    roles = [
        {"activation": activation, "recurrent_activation": other},
        {"activation": other, "recurrent_activation": activation},
    ]
    swap = ACTIVATIONS.index(activation) % 2

    def build(x: Any) -> Any:
        return [
            layers.SimpleRNN(2, activation=activation)(x),
            layers.GRU(2, **roles[swap])(x),
            layers.LSTM(2, **roles[1 - swap])(x),
        ]

    check(plain_model(build), tmp_path / "m.onnx", "GRU", "LSTM", "RNN")

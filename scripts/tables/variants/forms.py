"""Each recurrent layer in each form, merge mode and activation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from variants.base import UNITS, Build, Variant, both, layers, masked, plain

STACK = {"GRU": 1, "LSTM": 1, "RNN": 1}
KINDS: dict[str, tuple[Callable[..., Any], dict[str, int]]] = {
    "GRU": (lambda **a: layers.GRU(UNITS, **a), {"GRU": 1}),
    "GRU, reset before": (lambda **a: layers.GRU(UNITS, reset_after=False, **a), {"GRU": 1}),
    "LSTM": (lambda **a: layers.LSTM(UNITS, **a), {"LSTM": 1}),
    "SimpleRNN": (lambda **a: layers.SimpleRNN(UNITS, **a), {"RNN": 1}),
    "RNN of a GRUCell": (lambda **a: layers.RNN(layers.GRUCell(UNITS), **a), {"GRU": 1}),
    "RNN of an LSTMCell": (lambda **a: layers.RNN(layers.LSTMCell(UNITS), **a), {"LSTM": 1}),
    "RNN of three cells": (lambda **a: layers.RNN(_cells(), **a), STACK),
    "StackedRNNCells": (lambda **a: layers.RNN(layers.StackedRNNCells(_cells()), **a), STACK),
}
FORMS: dict[str, dict[str, Any]] = {
    "last output": {},
    "sequences": {"return_sequences": True},
    "sequences and states": {"return_sequences": True, "return_state": True},
    "last output and states": {"return_state": True},
    "backwards": {"go_backwards": True, "return_state": True},
    "backwards, sequences": {"go_backwards": True, "return_sequences": True},
}
ZERO = {
    "zero output": {"zero_output_for_mask": True},
    "zero output, sequences": {"zero_output_for_mask": True, "return_sequences": True},
    "zero output, backwards": {
        "zero_output_for_mask": True,
        "go_backwards": True,
        "return_sequences": True,
    },
}


def _cells() -> list[Any]:
    return [
        layers.LSTMCell(5),
        layers.GRUCell(UNITS, reset_after=False),
        layers.SimpleRNNCell(2, activation="relu"),
    ]


def every_form() -> Iterator[Variant]:
    """Each kind of layer in each form."""
    for kind, (layer, nodes) in KINDS.items():
        for form, arguments in FORMS.items():
            yield from both(f"{kind}, {form}", lambda a=arguments, f=layer: f(**a), **nodes)
        for form, arguments in ZERO.items():
            yield masked(f"{kind}, {form}", layer(**arguments), **nodes)


def bias_and_dropout() -> Iterator[Variant]:
    """Layers without a bias, unrolled, with one step, and with dropout."""
    for kind in ("GRU", "GRU, reset before", "LSTM", "SimpleRNN"):
        layer, nodes = KINDS[kind]
        yield from both(f"{kind}, no bias", lambda f=layer: f(use_bias=False), **nodes)
        yield plain(f"{kind}, unrolled", layer(unroll=True), time=5, **nodes)
        yield plain(f"{kind}, one step", layer(return_sequences=True), time=1, **nodes)
        dropout = layer(dropout=0.5, recurrent_dropout=0.5)
        yield plain(f"{kind}, dropout", dropout, **nodes)


def initial_states() -> Iterator[Variant]:
    """Initial states that are computed from the inputs."""
    for kind, (layer, nodes) in KINDS.items():
        if "three" in kind or "Stacked" in kind:
            continue

        def build(f: Any = layer, pair: bool = "LSTM" in kind) -> Build:
            rnn = f(return_sequences=True, return_state=True)

            def start(x: Any) -> Any:
                first, other = layers.Dense(UNITS)(x[:, 0]), layers.Dense(UNITS)(x[:, -1])
                return rnn(x, initial_state=[first, other] if pair else first)

            return start

        yield from both(f"{kind}, initial state", build, **nodes)


def bidirectional() -> Iterator[Variant]:
    """Every merge mode."""
    for kind in ("GRU", "LSTM", "SimpleRNN", "RNN of three cells"):
        layer, nodes = KINDS[kind]
        twice = {op: 2 * count for op, count in nodes.items()}
        for merge in ("concat", "sum", "ave", "mul", None):
            for form in ("last output", "sequences"):

                def build(f: Any = layer, m: Any = merge, a: Any = FORMS[form]) -> Build:
                    return layers.Bidirectional(f(**a), merge_mode=m)

                yield from both(f"Bidirectional {kind}, merge {merge}, {form}", build, **twice)

    def own() -> Build:
        backward = layers.SimpleRNN(2, go_backwards=True, return_sequences=True, return_state=True)
        forward = layers.GRU(UNITS, return_sequences=True, return_state=True)
        return layers.Bidirectional(forward, backward_layer=backward)

    yield from both("Bidirectional, separate backward layer, states", own, GRU=1, RNN=1)

    def zero() -> Build:
        layer = layers.GRU(UNITS, zero_output_for_mask=True, return_sequences=True)
        return layers.Bidirectional(layer)

    yield masked("Bidirectional GRU, zero output", zero(), GRU=2)

    def from_states(x: Any) -> Any:
        start = [layers.Dense(UNITS)(x[:, 0]) for _ in range(4)]
        return layers.Bidirectional(layers.LSTM(UNITS))(x, initial_state=start)

    yield from both("Bidirectional LSTM, initial states", lambda: from_states, LSTM=2)


def activations() -> Iterator[Variant]:
    """Every activation of ONNX, as activation and as recurrent activation."""
    names = ("tanh", "sigmoid", "relu", "linear", "hard_sigmoid")
    for name in (*names, "leaky_relu", "elu", "softsign", "softplus"):
        gates = "sigmoid" if name == "hard_sigmoid" else "hard_sigmoid"

        def build(x: Any, a: str = name, g: str = gates) -> Any:
            return [
                layers.SimpleRNN(2, activation=a)(x),
                layers.GRU(2, activation=a, recurrent_activation=g)(x),
                layers.GRU(2, activation=g, recurrent_activation=a)(x),
                layers.LSTM(2, activation=a, recurrent_activation=g)(x),
                layers.LSTM(2, activation=g, recurrent_activation=a)(x),
            ]

        yield plain(f"activation {name}", build, GRU=2, LSTM=2, RNN=1)

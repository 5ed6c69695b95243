"""Native recurrent nodes against Keras's own loop, over every form of the layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from kerasnets._lazy import import_tensorflow, keras
from kerasnets.exporting.onnx.write import all_nodes, write_onnx
from kerasnets.exporting.signature import Served, serve

import_tensorflow()
layers = keras.layers

FEATURES = 3
UNITS = 4
# Every kind of row: none masked, padded right, padded left, holes, one step, all masked.
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
    """Takes ``(x, mask)`` and passes x on under that mask."""

    def call(self, inputs: Any) -> Any:
        return keras.ops.copy(inputs[0])

    def compute_mask(self, inputs: Any, previous: Any = None) -> Any:
        return keras.ops.cast(inputs[1], "bool")


def randomize(model: keras.Model) -> keras.Model:
    rng = np.random.default_rng(7)
    for weight in model.weights:
        if weight.dtype == "float32":
            weight.assign(rng.normal(0, 0.5, weight.shape))
    return model


def masked_model(build: Callable[[Any], Any]) -> Served:
    x = keras.Input((None, FEATURES), name="x")
    mask = keras.Input((None,), dtype="bool", name="mask")
    return serve(randomize(keras.Model([x, mask], build(MaskFrom()([x, mask])))))


def plain_model(build: Callable[[Any], Any], time: int | None = None) -> Served:
    x = keras.Input((time, FEATURES), name="x")
    return serve(randomize(keras.Model(x, build(x))))


def convert(served: Served, path: Path, **arguments: Any) -> Counter[str]:
    """Write the ONNX file and count its operators."""
    write_onnx(served, path, **arguments)
    onnx.checker.check_model(path, full_check=True)
    return Counter(node.op_type for node in all_nodes(onnx.load(path).graph))


def largest_difference(served: Served, path: Path, *feeds: dict[str, np.ndarray]) -> float:
    """ONNX Runtime against Keras, run eagerly; relative to the largest value where above 1."""
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
    return (
        np.random.default_rng(batch + time).normal(size=(batch, time, features)).astype("float32")
    )


def check(served: Served, path: Path, *nodes: str, time: int | None = None) -> None:
    """Convert, expect just these recurrent nodes, and compare over batch sizes, times, masks."""
    counts = convert(served, path)
    found = [op for op in ("GRU", "LSTM", "RNN") for _ in range(counts[op])]
    assert found == sorted(nodes)
    feeds = [{"x": signals(batch, time or steps)} for batch, steps in ((1, 6), (2, 1), (7, 3))]
    if len(served.inputs) == 2:
        feeds = [{"x": signals(6, steps), "mask": MASKS[:, :steps]} for steps in (1, 3, 6)]
    assert largest_difference(served, path, *feeds) < 1e-6


LAYERS: dict[str, tuple[str, Callable[..., Any]]] = {
    "gru": ("GRU", lambda **a: layers.GRU(UNITS, **a)),
    "gru-reset-before": ("GRU", lambda **a: layers.GRU(UNITS, reset_after=False, **a)),
    "lstm": ("LSTM", lambda **a: layers.LSTM(UNITS, **a)),
    "simple": ("RNN", lambda **a: layers.SimpleRNN(UNITS, **a)),
}
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


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", LAYERS)
def test_each_form_of_each_layer(kind: str, form: str, tmp_path: Path) -> None:
    op, layer = LAYERS[kind]
    check(plain_model(layer(**FORMS[form])), tmp_path / "m.onnx", op)


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
@pytest.mark.parametrize("kind", LAYERS)
def test_each_form_of_each_layer_under_every_mask(kind: str, form: str, tmp_path: Path) -> None:
    op, layer = LAYERS[kind]
    check(masked_model(layer(**MASKED_FORMS[form])), tmp_path / "m.onnx", op)


@pytest.mark.parametrize("time", [1, 5])
@pytest.mark.parametrize("unroll", [False, True])
def test_a_known_number_of_steps(time: int, unroll: bool, tmp_path: Path) -> None:
    layer = layers.GRU(UNITS, return_sequences=True, unroll=unroll)
    check(plain_model(layer, time), tmp_path / "m.onnx", "GRU", time=time)


@pytest.mark.parametrize("merge", ["concat", "sum", "ave", "mul", None])
@pytest.mark.parametrize("sequences", [False, True])
def test_bidirectional_with_every_merge(merge: str | None, sequences: bool, tmp_path: Path) -> None:
    def build(x: Any) -> Any:
        layer = layers.LSTM(UNITS, return_sequences=sequences)
        return layers.Bidirectional(layer, merge_mode=merge)(x)

    check(plain_model(build), tmp_path / "plain.onnx", "LSTM", "LSTM")
    check(masked_model(build), tmp_path / "masked.onnx", "LSTM", "LSTM")


def test_bidirectional_with_states_and_a_backward_layer_of_its_own(tmp_path: Path) -> None:
    def build(x: Any) -> Any:
        return layers.Bidirectional(
            layers.GRU(UNITS, return_sequences=True, return_state=True),
            backward_layer=layers.SimpleRNN(
                2, go_backwards=True, return_sequences=True, return_state=True
            ),
        )(x)

    check(plain_model(build), tmp_path / "plain.onnx", "GRU", "RNN")
    check(masked_model(build), tmp_path / "masked.onnx", "GRU", "RNN")


def stack() -> list[Any]:
    return [
        layers.LSTMCell(5),
        layers.GRUCell(UNITS, reset_after=False),
        layers.SimpleRNNCell(2, activation="relu"),
    ]


@pytest.mark.parametrize("form", ["last", "state", "backwards-sequences"])
def test_cells_and_stacks_of_cells(form: str, tmp_path: Path) -> None:
    def build(x: Any) -> Any:
        return layers.RNN(stack(), **FORMS[form])(x)

    check(plain_model(build), tmp_path / "plain.onnx", "GRU", "LSTM", "RNN")
    check(masked_model(build), tmp_path / "masked.onnx", "GRU", "LSTM", "RNN")
    single = layers.RNN(layers.LSTMCell(UNITS), **FORMS[form])
    check(plain_model(single), tmp_path / "single.onnx", "LSTM")


@pytest.mark.parametrize("kind", LAYERS)
def test_an_initial_state_from_the_inputs(kind: str, tmp_path: Path) -> None:
    op, layer = LAYERS[kind]

    def build(x: Any) -> Any:
        start = layers.Dense(UNITS, name="start")(x[:, 0])
        other = layers.Dense(UNITS, name="other")(x[:, -1])
        state = [start, other] if kind == "lstm" else start
        return layer(return_sequences=True, return_state=True)(x, initial_state=state)

    check(plain_model(build), tmp_path / "plain.onnx", op)
    check(masked_model(build), tmp_path / "masked.onnx", op)


def test_an_encoder_hands_its_state_to_a_decoder(tmp_path: Path) -> None:
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
def test_every_activation_onnx_knows(activation: str, tmp_path: Path) -> None:
    """As the activation of every cell, and beside others with parameters of their own."""
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

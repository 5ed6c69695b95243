"""Recurrent layers inside models: shared, nested, subclassed, wrapped, and with masks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import kerasnets as kn
from kerasnets._lazy import keras
from kerasnets.nets.layers.length_mask import LengthMask
from variants.base import (
    FEATURES,
    MASKS,
    TIME,
    UNITS,
    Build,
    Variant,
    both,
    layers,
    masked,
    plain,
    signals,
)


class Subclassed(keras.Model):
    """A model with layers in a list and in an attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = [layers.GRU(UNITS, return_sequences=True), layers.LSTM(UNITS)]
        self.first = layers.Bidirectional(layers.GRU(2, return_sequences=True), name="first")

    def call(self, x: Any) -> Any:
        """Apply the bidirectional layer, then the list."""
        x = self.first(x)
        for layer in self.stack:
            x = layer(x)
        return x


def compositions() -> Iterator[Variant]:
    """Shared, nested and subclassed layers, and several layers in one model."""
    shared = layers.GRU(FEATURES, return_sequences=True)
    yield plain("one layer called three times", lambda x: shared(shared(shared(x))), GRU=3)
    cell = layers.LSTMCell(UNITS)
    yield plain(
        "one cell in two layers", lambda x: [layers.RNN(cell)(x), layers.RNN(cell)(2 * x)], LSTM=2
    )
    half = layers.GRU(UNITS, return_sequences=True)
    yield masked("one layer, with and without the mask", lambda x: [half(x), half(x + 1)], GRU=2)
    inner = keras.Sequential(
        [keras.Input((None, FEATURES)), layers.GRU(UNITS, return_sequences=True)]
    )
    deep = keras.Sequential([keras.Input((None, FEATURES)), inner, layers.LSTM(2)])
    yield from both("Sequential in Sequential", lambda: deep, GRU=1, LSTM=1)
    model = Subclassed()
    model(signals(2, 5))
    feeds = [{"input": signals(b, 5)} for b in (1, 2, 7)]
    yield Variant("subclassed", model, {"GRU": 3, "LSTM": 1}, feeds)

    def coder() -> Build:
        encode = layers.LSTM(UNITS, return_state=True)
        decode = layers.LSTM(UNITS, return_sequences=True)
        return lambda x: decode(x, initial_state=encode(x)[1:])

    yield from both("an encoder's states to a decoder", coder, LSTM=2)

    def mixed() -> Build:
        def build(x: Any) -> Any:
            x = layers.LayerNormalization()(layers.GRU(UNITS, return_sequences=True)(x))
            x = layers.MultiHeadAttention(2, 2)(x, x)
            return layers.LSTM(2)(layers.Dropout(0.5)(layers.Dense(UNITS, "gelu")(x)))

        return build

    yield from both("between normalization, attention and dense layers", mixed, GRU=1, LSTM=1)

    def explicit(x: Any) -> Any:
        return layers.GRU(UNITS)(x, mask=keras.ops.sum(x, axis=2) > 0)

    yield plain("a mask computed from the values", explicit, GRU=1)


def sources_of_masks() -> Iterator[Variant]:
    """The layers of Keras that make masks, and our own."""
    x = keras.Input((None, FEATURES), name="x")
    y = layers.LSTM(2)(layers.GRU(UNITS, return_sequences=True)(layers.Masking(0.0)(x)))
    feeds = [{"x": signals(7, 6) * MASKS[..., None]}]
    yield Variant("Masking", keras.Model(x, y), {"GRU": 1, "LSTM": 1}, feeds)
    words = keras.Input((None,), dtype="int32", name="words")
    y = layers.Embedding(9, FEATURES, mask_zero=True)(words)
    y = layers.Bidirectional(layers.GRU(UNITS, return_sequences=True))(y)
    ids = np.random.default_rng(0).integers(1, 9, MASKS.shape) * MASKS
    yield Variant(
        "Embedding(mask_zero=True)",
        keras.Model(words, layers.LSTM(2)(y)),
        {"GRU": 2, "LSTM": 1},
        [{"words": ids.astype("int32")}],
    )
    visits, length = keras.Input((None, FEATURES), name="visits"), keras.Input((), dtype="int32")
    y = layers.GRU(UNITS, return_sequences=True)(LengthMask()([visits, length]))
    lengths = np.array([0, 1, 2, 3, 4, 5, 6], "int32")
    feeds = [{"visits": signals(7, 6), length.name: lengths}]
    yield Variant("LengthMask", keras.Model([visits, length], layers.LSTM(2)(y)), {}, feeds)
    feeds[0]["visits"][np.arange(6) >= lengths[:, None]] = np.nan
    model = keras.Model([visits, length], layers.Bidirectional(layers.GRU(2))(y))
    yield Variant("LengthMask, padding of NaN", model, {"GRU": 3}, feeds)


def time_distributed() -> Iterator[Variant]:
    """Layers that run on each step, with a fixed and with an unknown number of steps."""
    inner: dict[str, tuple[Callable[[], Any], dict[str, int]]] = {
        "Dense": (lambda: layers.Dense(2), {}),
        "Conv1D": (lambda: layers.Conv1D(2, 2), {}),
        "GRU": (lambda: layers.GRU(2), {"GRU": 1}),
        "Bidirectional LSTM": (
            lambda: layers.Bidirectional(layers.LSTM(2, return_sequences=True)),
            {"LSTM": 2},
        ),
    }
    for name, (layer, nodes) in inner.items():
        for time in (4, None):
            x = keras.Input((time, 5, FEATURES), name="x")
            model = keras.Model(x, layers.TimeDistributed(layer())(x))
            rng = np.random.default_rng(0)
            feeds = [
                {"x": rng.normal(size=(b, t, 5, FEATURES)).astype("float32")}
                for b, t in ((1, 4), (3, time or 2), (7, time or 1))
            ]
            steps = "any number of steps" if time is None else "4 steps"
            yield Variant(f"TimeDistributed {name}, {steps}", model, nodes, feeds)
    x = keras.Input((None, 5, FEATURES), name="x")
    rows = layers.TimeDistributed(layers.GRU(2))(layers.TimeDistributed(layers.Dense(3))(x))
    feeds = [{"x": np.ones((2, t, 5, FEATURES), "float32")} for t in (1, 4)]
    yield Variant("GRU on TimeDistributed GRU", keras.Model(x, layers.GRU(2)(rows)), {}, feeds)


def catalogue() -> Iterator[Variant]:
    """The sequence nets of the catalogue."""
    for name in kn.list_nets():
        net = kn.build(name)
        nodes: dict[str, int] = {}
        for layer in net.layers:
            twice = isinstance(layer, layers.Bidirectional)
            kind = type(layer.forward_layer if twice else layer).__name__
            if kind in ("GRU", "LSTM"):
                nodes[kind] = nodes.get(kind, 0) + 1 + twice
        if nodes:
            yield Variant(f"`{name}`", net, nodes, [_inputs(net, size) for size in (1, 7)])


def _inputs(net: keras.Model, batch: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(batch)
    drawn = {}
    for tensor in net.inputs:
        shape = (batch, *(TIME if axis is None else axis for axis in tensor.shape[1:]))
        if tensor.name == "length":
            drawn[tensor.name] = rng.integers(0, TIME, shape, endpoint=True).astype("int32")
        else:
            drawn[tensor.name] = rng.normal(size=shape).astype("float32")
    return drawn

"""A variant, and functions that make one from layers: without a mask and with every mask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kerasnets._lazy import import_tensorflow, keras

import_tensorflow()
layers = keras.layers

FEATURES, UNITS, TIME = 3, 4, 6
MASKS = np.array(
    [
        [1, 1, 1, 1, 1, 1],
        [1, 1, 1, 0, 0, 0],
        [0, 0, 1, 1, 1, 1],
        [1, 0, 1, 0, 0, 1],
        [0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0],
        [0, 1, 1, 1, 1, 0],
    ],
    bool,
)
Build = Callable[[Any], Any]
Feed = dict[str, np.ndarray]


@dataclass
class Variant:
    """A model, its inputs, and the recurrent nodes that it must have.

    Attributes:
        name: a description of the model.
        model: the model; its weights are random.
        nodes: the number of nodes per operator.
        feeds: the inputs for the comparison.
    """

    name: str
    model: keras.Model
    nodes: dict[str, int]
    feeds: list[Feed] = field(default_factory=list)


@keras.saving.register_keras_serializable(package="kerasnets-variants")
class MaskFrom(layers.Layer):
    """Takes ``(x, mask)`` and returns ``x`` with that mask."""

    def call(self, inputs: Any) -> Any:
        """Return ``x``."""
        return keras.ops.copy(inputs[0])

    def compute_mask(self, inputs: Any, previous: Any = None) -> Any:
        """Return the second input."""
        return keras.ops.cast(inputs[1], "bool")


def signals(batch: int, time: int, features: int = FEATURES) -> np.ndarray:
    """Normal noise, shape ``(batch, time, features)``."""
    return np.random.default_rng(time).normal(size=(batch, time, features)).astype("float32")


def plain(name: str, build: Build, time: int | None = None, **nodes: int) -> Variant:
    """A model of a layer or function, on sequences without a mask."""
    x = keras.Input((time, FEATURES), name="x")
    feeds = [{"x": signals(b, time or t)} for b, t in ((1, 6), (2, 1), (7, 3), (7, 6))]
    return Variant(name, keras.Model(x, build(x)), nodes, feeds)


def masked(name: str, build: Build, **nodes: int) -> Variant:
    """A model of a layer or function, on sequences with every kind of mask."""
    x = keras.Input((None, FEATURES), name="x")
    mask = keras.Input((None,), dtype="bool", name="mask")
    model = keras.Model([x, mask], build(MaskFrom()([x, mask])))
    feeds = [{"x": signals(7, t), "mask": MASKS[:, :t]} for t in (1, 3, 6)]
    return Variant(f"{name}, masked", model, nodes, feeds)


def both(name: str, build: Callable[[], Build], **nodes: int) -> Iterator[Variant]:
    """A plain and a masked model, with separate layers."""
    yield plain(name, build(), **nodes)
    yield masked(name, build(), **nodes)

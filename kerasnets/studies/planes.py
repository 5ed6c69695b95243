"""Small nets on points in the plane, and what start, activation and order do to them (S4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kerasnets._lazy import keras
from kerasnets.data import Dataset
from kerasnets.engine.loop import compiled_steps

UNITS = (16, 16)
BATCH, LEARNING_RATE = 10, 0.1
_FLAT = 0.05  # of the whole fall of the loss


@dataclass(frozen=True)
class Lesson:
    """One small net and how it learned.

    Attributes:
        label: what is special about it.
        data: the points.
        model: after training.
        losses: cross-entropy of the training split, one an epoch, averaged while it is shown.
        dead_at_start: hidden ReLU units that give 0 on every training point before training.
        dead_before: the same after the negatives that came first; ``None`` where none did.
        recall_before: the share of the positive test points recognised by then; ``None`` likewise.
    """

    label: str
    data: Dataset
    model: keras.Model
    losses: tuple[float, ...]
    dead_at_start: int
    dead_before: int | None = None
    recall_before: float | None = None

    @property
    def units(self) -> int:
        """How many hidden units there are."""
        return sum(layer.units for layer in _hidden(self.model))

    @property
    def dead(self) -> int:
        """Hidden ReLU units that give 0 on every training point, and so learn no more."""
        return dead_units(self.model, np.asarray(self.data.train.x))

    @property
    def accuracy(self) -> float:
        """The share of the test points that are classified right."""
        chosen = _classes(self.model, np.asarray(self.data.test.x))
        return float((chosen == self.data.test.y).mean())

    @property
    def flat_from(self) -> int:
        """The first epoch, from 1, whose loss has made all but 5 % of the fall to the last one."""
        losses = np.array(self.losses)
        low = losses.min()
        return 1 + int(np.argmax(losses <= low + _FLAT * (losses[0] - low)))

    @property
    def different_units(self) -> list[int]:
        """How many units of each hidden layer differ from each other."""
        layers = [np.vstack([layer.kernel, [layer.bias]]) for layer in _hidden(self.model)]
        return [len(np.unique(weights.round(6), axis=1).T) for weights in layers]


def learn(
    data: Dataset,
    *,
    activation: str = "relu",
    start: str = "random",
    negatives_first: int = 0,
    epochs: int = 500,
    units: Sequence[int] = UNITS,
    learning_rate: float = LEARNING_RATE,
    seed: int = 0,
    label: str = "",
) -> Lesson:
    """Train a small net on points in the plane, by plain gradient descent in steps of 10 points.

    Args:
        data: points of shape ``(n, 2)`` and two classes.
        activation: of the hidden layers.
        start: ``"random"`` (Glorot) or ``"zeros"`` for every weight.
        negatives_first: epochs in which only negative points are shown, before all are.
        epochs: in which all points are shown, shuffled.
        units: the width of each hidden layer.
        learning_rate: of every step.
        seed: of the weights and the order.
        label: what to call it.

    Raises:
        ValueError: if ``start`` is neither, or there are fewer negatives than a step takes.
    """
    if start not in ("random", "zeros"):
        raise ValueError(f"start must be 'random' or 'zeros', got {start!r}.")
    keras.utils.set_random_seed(seed)
    model = _net(activation, start, units)
    model.compile(
        keras.optimizers.SGD(learning_rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    x, y = np.asarray(data.train.x), data.train.y
    dead_at_start = dead_units(model, x)
    rng = np.random.default_rng(seed)
    negatives = np.flatnonzero(y == 0)
    if negatives_first and len(negatives) < BATCH:
        raise ValueError(f"{data.name} has {len(negatives)} negatives; a step takes {BATCH}.")
    steps = compiled_steps(model, x, y, None, xla=False)

    def show(rows: np.ndarray, times: int) -> Iterator[float]:
        for _ in range(times):
            whole = rng.permutation(rows)[: len(rows) // BATCH * BATCH].reshape(-1, BATCH)
            model.reset_metrics()
            yield float(steps(whole, 0, len(whole))["loss"])

    before = tuple(show(negatives, negatives_first))
    dead = recall = None
    if negatives_first:
        dead = dead_units(model, x)
        positive = np.asarray(data.test.x)[data.test.y == 1]
        recall = float(_classes(model, positive).mean())
    losses = before + tuple(show(np.arange(len(y)), epochs))
    return Lesson(
        label or f"{activation}, {start}", data, model, losses, dead_at_start, dead, recall
    )


def dead_units(model: keras.Model, x: np.ndarray) -> int:
    """How many hidden ReLU units give 0 on every row of ``x``: no gradient reaches them."""
    dead, values = 0, x
    for layer in _hidden(model):
        values = np.asarray(layer(values))
        if layer.activation is keras.activations.relu:
            dead += int((values.max(axis=0) <= 0).sum())
    return dead


def _net(activation: str, start: str, units: Sequence[int]) -> keras.Model:
    initializer = "zeros" if start == "zeros" else "glorot_uniform"
    x = point = keras.Input((2,), name="point")
    for width in units:
        x = keras.layers.Dense(width, activation=activation, kernel_initializer=initializer)(x)
    logits = keras.layers.Dense(2, kernel_initializer=initializer, name="logits")(x)
    return keras.Model(point, logits)


def _hidden(model: keras.Model) -> list[keras.layers.Dense]:
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)][:-1]


def _classes(model: keras.Model, x: np.ndarray) -> np.ndarray:
    return np.asarray(model(x)).argmax(axis=1)

"""Small nets on points in the plane: effect of activation, initial weights and order (S4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kerasnets._lazy import keras
from kerasnets.data import Dataset
from kerasnets.engine.adapt import build
from kerasnets.engine.loop import Loop, Options
from kerasnets.engine.schedule import Steps
from kerasnets.engine.sources import ArraySource

UNITS = (16, 16)
BATCH_SIZE, LEARNING_RATE = 10, 0.1
_FLAT = 0.05  # fraction of the total decrease of the loss


@dataclass(frozen=True)
class PlaneStudy:
    """A small net trained on points in the plane, and what was measured.

    Attributes:
        label: a short name for titles and legends.
        data: the points.
        model: the trained net.
        losses: training loss (cross-entropy) per epoch, averaged over the steps of the epoch.
        dead_at_start: number of dead hidden ReLU units before training.
        dead_before: number of dead hidden ReLU units after the epochs with negatives only;
            ``None`` if there were no such epochs.
        recall_before: recall of the positive test points after these epochs; ``None`` if there
            were no such epochs.
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
        """Number of hidden units."""
        return sum(layer.units for layer in _hidden_layers(self.model))

    @property
    def dead(self) -> int:
        """Number of dead hidden ReLU units after training."""
        return dead_units(self.model, np.asarray(self.data.train.x))

    @property
    def accuracy(self) -> float:
        """Test accuracy."""
        predicted = _predict_classes(self.model, np.asarray(self.data.test.x))
        return float((predicted == self.data.test.y).mean())

    @property
    def flat_from(self) -> int:
        """The first epoch, counted from 1, at which the loss is flat.

        After this epoch, the loss decreases by at most 5 % of its total decrease.
        """
        losses = np.array(self.losses)
        low = losses.min()
        return 1 + int(np.argmax(losses <= low + _FLAT * (losses[0] - low)))

    @property
    def different_units(self) -> list[int]:
        """Number of units with different weights in each hidden layer."""
        layers = [np.vstack([layer.kernel, [layer.bias]]) for layer in _hidden_layers(self.model)]
        return [len(np.unique(weights.round(6), axis=1).T) for weights in layers]


def train_plane_net(
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
) -> PlaneStudy:
    """Train a small net on points in the plane, by gradient descent with batches of 10 points.

    Args:
        data: points of shape ``(n, 2)`` with two classes.
        activation: activation of the hidden layers.
        start: initial weights, ``"random"`` (Glorot) or ``"zeros"``.
        negatives_first: number of epochs with negative points only, before the other epochs.
        epochs: number of epochs with all points, shuffled.
        units: width of each hidden layer.
        learning_rate: the learning rate.
        seed: seed of the weights and of the order of the points.
        label: a short name for titles and legends.

    Raises:
        ValueError: if ``start`` has another value, or if there are fewer negative points than a
            batch needs.
    """
    if start not in ("random", "zeros"):
        raise ValueError(f"start must be 'random' or 'zeros', got {start!r}.")
    x, y = np.asarray(data.train.x), data.train.y
    negatives = np.flatnonzero(y == 0)
    if negatives_first and len(negatives) < BATCH_SIZE:
        raise ValueError(
            f"{data.name} has {len(negatives)} negative points, but a batch needs {BATCH_SIZE}. "
            "Use more points."
        )
    keras.utils.set_random_seed(seed)
    model = _build(activation, start, units)
    model.compile(
        keras.optimizers.SGD(learning_rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    dead_at_start = dead_units(model, x)
    rng = np.random.default_rng(seed)
    source = ArraySource((x, y))
    build(model, source)
    run, tensors = Loop(model, source, BATCH_SIZE, Options()), source.tensors()

    def train(rows: np.ndarray, epochs: int) -> Iterator[float]:
        for _ in range(epochs):
            used = len(rows) // BATCH_SIZE * BATCH_SIZE
            batches = rng.permutation(rows)[:used].reshape(-1, BATCH_SIZE).astype(np.int32)
            steps = Steps(batches, np.zeros(len(batches), np.int32))
            model.reset_metrics()
            yield float(run(tensors, steps, 0, len(steps))["loss"])

    losses = tuple(train(negatives, negatives_first))
    dead = recall = None
    if negatives_first:
        dead = dead_units(model, x)
        positive = np.asarray(data.test.x)[data.test.y == 1]
        recall = float(_predict_classes(model, positive).mean())
    losses += tuple(train(np.arange(len(y)), epochs))
    return PlaneStudy(
        label or f"{activation}, {start}", data, model, losses, dead_at_start, dead, recall
    )


def dead_units(model: keras.Model, x: np.ndarray) -> int:
    """Count the hidden ReLU units whose output is 0 for every row of ``x`` (no gradient)."""
    dead, values = 0, x
    for layer in _hidden_layers(model):
        values = np.asarray(layer(values))
        if layer.activation is keras.activations.relu:
            dead += int((values.max(axis=0) <= 0).sum())
    return dead


def _build(activation: str, start: str, units: Sequence[int]) -> keras.Model:
    initializer = "zeros" if start == "zeros" else "glorot_uniform"
    x = point = keras.Input((2,), name="point")
    for width in units:
        x = keras.layers.Dense(width, activation=activation, kernel_initializer=initializer)(x)
    logits = keras.layers.Dense(2, kernel_initializer=initializer, name="logits")(x)
    return keras.Model(point, logits)


def _hidden_layers(model: keras.Model) -> list[keras.layers.Dense]:
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)][:-1]


def _predict_classes(model: keras.Model, x: np.ndarray) -> np.ndarray:
    return np.asarray(model(x)).argmax(axis=1)

"""Small data sets and models that the tests of evaluation share."""

from __future__ import annotations

import dataclasses

import numpy as np

from kerasnets._lazy import keras
from kerasnets.data.dataset import Dataset, Split


def identity_model(outputs, name="identity"):
    """A model whose outputs are its inputs."""
    inputs = keras.Input((outputs,))
    return keras.Model(inputs, keras.layers.Identity()(inputs), name=name)


@dataclasses.dataclass(frozen=True)
class TaskData(Dataset):
    """A data set with a task."""

    task: str = "classification"
    target_names: tuple[str, ...] = ()


def make_data(task, y_of, outputs, class_names=(), target_names=()):
    """Create three splits whose inputs depend on the labels.

    ``identity_model`` returns these inputs as its outputs.

    Args:
        task: the task of the data set.
        y_of: function from a random generator and a number of rows to labels.
        outputs: number of columns of the inputs.
        class_names: names of classes or labels.
        target_names: names of targets.
    """
    splits = []
    for seed, n in enumerate((50, 20, 30)):
        rng = np.random.default_rng(seed)
        y = y_of(rng, n)
        signal = np.eye(outputs)[y] if y.ndim == 1 and outputs > 1 else y.reshape(n, -1)
        x = (rng.normal(size=(n, outputs)) + 2 * signal).astype(np.float32)
        splits.append(Split(x, y, np.arange(n) // 2))
    return TaskData(
        "example", *splits, tuple(class_names), "group", 0, "created by this test", "",
        task=task, target_names=tuple(target_names),
    )  # fmt: skip


def classes(count):
    """Return a function that draws labels of ``count`` classes."""
    return lambda rng, n: (np.arange(n) % count + rng.integers(0, 2, n)).astype(np.int32) % count


def labels(count):
    """Return a function that draws a matrix of ``count`` labels."""
    return lambda rng, n: rng.integers(0, 2, (n, count)).astype(np.int32)


def values(*shape):
    """Return a function that draws targets of a regression."""
    return lambda rng, n: rng.normal(size=(n, *shape)).astype(np.float32)


DATA = {
    "classification": lambda: make_data("classification", classes(3), 3, "abc"),
    "binary": lambda: make_data("classification", classes(2), 1, ("no", "yes")),
    "multilabel": lambda: make_data("multilabel", labels(4), 4, "abcd"),
    "regression": lambda: make_data("regression", values(2), 2, target_names=("height", "mass")),
}

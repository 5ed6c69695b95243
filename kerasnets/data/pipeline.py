"""tf.data pipelines over data that fits in memory."""

from __future__ import annotations

from typing import Any, NamedTuple

from kerasnets._lazy import tf
from kerasnets.data.dataset import Arrays, Split


class RowMatrices(NamedTuple):
    """Which rows each step takes, as a ``tf.data.Dataset`` of matrices (steps, batch).

    Attributes:
        dataset: the matrices of all epochs, one epoch after the other.
        per_epoch: how many matrices an epoch has.
    """

    dataset: Any
    per_epoch: int


def row_matrices(
    rows: int, batch_size: int, *, seed: int, epochs: range, whole_epochs: bool = True
) -> RowMatrices:
    """The shuffled rows of some epochs.

    The order of an epoch depends on the seed and its number alone, so a run that is resumed at
    epoch 7 takes the batches it would have taken. The last, smaller batch is kept; it is a matrix
    of its own.

    Args:
        rows: how many there are.
        batch_size: rows a step.
        seed: seed of the shuffling.
        epochs: the numbers of the epochs to give.
        whole_epochs: one matrix for all full batches of an epoch, else one for each.
    """
    full = rows // batch_size
    steps = max(full, 1) if whole_epochs else 1

    def matrices(epoch: Any) -> Any:
        order = tf.random.experimental.stateless_shuffle(tf.range(rows), seed=[seed, epoch])
        order, rest = order[: full * batch_size], order[full * batch_size :]
        shaped = tf.reshape(order, (-1, steps, batch_size))
        dataset = tf.data.Dataset.from_tensor_slices(shaped)
        if rows % batch_size:
            dataset = dataset.concatenate(tf.data.Dataset.from_tensors(rest[tf.newaxis]))
        return dataset

    numbers = tf.data.Dataset.range(epochs.start, epochs.stop)
    per_epoch = full // steps + (rows % batch_size > 0)
    return RowMatrices(numbers.flat_map(matrices).prefetch(tf.data.AUTOTUNE), per_epoch)


def batches(split: Split, batch_size: int) -> Any:
    """The examples in order, as a ``tf.data.Dataset`` of ``(x, y)``; the last batch is kept."""
    arrays = (_tensors(split.x), tf.constant(split.y))
    return tf.data.Dataset.from_tensor_slices(arrays).batch(batch_size).prefetch(tf.data.AUTOTUNE)


def _tensors(x: Arrays) -> Any:
    return tf.nest.map_structure(tf.constant, dict(x) if not hasattr(x, "dtype") else x)

"""tf.data pipelines over data that fits in memory."""

from __future__ import annotations

from typing import Any

from kerasnets._lazy import tf
from kerasnets.data.dataset import Arrays, Split


def training_batches(split: Split, batch_size: int, *, seed: int, epochs: range) -> Any:
    """Shuffled batches of some epochs, one epoch after the other.

    The order of an epoch depends on the seed and its number alone, so a run that is resumed at
    epoch 7 sees the batches it would have seen. The last, smaller batch is kept.

    Args:
        split: the examples.
        batch_size: examples a step.
        seed: seed of the shuffling.
        epochs: the numbers of the epochs to give.

    Returns:
        A ``tf.data.Dataset`` of ``(x, y)``.
    """
    x, y = _tensors(split.x), tf.constant(split.y)
    rows = tf.range(len(split), dtype=tf.int64)

    def shuffled(epoch: Any) -> Any:
        order = tf.random.experimental.stateless_shuffle(rows, seed=[seed, epoch])
        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size)

    def gather(indices: Any) -> Any:
        return tf.nest.map_structure(lambda array: tf.gather(array, indices), (x, y))

    numbers = tf.data.Dataset.range(epochs.start, epochs.stop)
    return numbers.flat_map(shuffled).map(gather).prefetch(tf.data.AUTOTUNE)


def batches(split: Split, batch_size: int) -> Any:
    """The examples in order, as a ``tf.data.Dataset`` of ``(x, y)``; the last batch is kept."""
    arrays = (_tensors(split.x), tf.constant(split.y))
    return tf.data.Dataset.from_tensor_slices(arrays).batch(batch_size).prefetch(tf.data.AUTOTUNE)


def _tensors(x: Arrays) -> Any:
    return tf.nest.map_structure(tf.constant, dict(x) if not hasattr(x, "dtype") else x)

"""tf.data pipelines over data that fits in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from kerasnets._lazy import tf
from kerasnets.data.buckets import Buckets, make_buckets
from kerasnets.data.dataset import Split, sequences
from kerasnets.data.visits import VisitSequences


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


def shuffled_sequences(
    split: Split,
    batch_size: int,
    *,
    seed: int,
    epochs: range,
    weights: np.ndarray | None = None,
) -> Any:
    """Shuffled batches of sequences of like length, multi-hot rows made on the fly.

    The order of an epoch depends on the seed and its number alone, as in :func:`row_matrices`.

    Args:
        split: its ``x`` are sequences of visits.
        batch_size: sequences a step, at most.
        seed: seed of the shuffling.
        epochs: the numbers of the epochs to give, one after the other.
        weights: one weight an example, or None.

    Returns:
        A ``tf.data.Dataset`` of ``({"visits", "length"}, y)``, with weights where given.
    """
    x = sequences(split)
    buckets = make_buckets(x.lengths)

    def order() -> Iterator[np.ndarray]:
        for epoch in epochs:
            yield from buckets.batches(batch_size, np.random.default_rng([seed, epoch]))

    labels = (split.y,) if weights is None else (split.y, weights)
    return _dense_batches(x, buckets, order, len(epochs) * buckets.steps(batch_size), labels)


def sequences_in_order(x: VisitSequences, batch_size: int) -> tuple[Any, np.ndarray]:
    """Batches of ``({"visits", "length"},)`` in buckets, and the row each example came from."""
    buckets = make_buckets(x.lengths)
    order = buckets.batches(batch_size)
    dataset = _dense_batches(x, buckets, lambda: order, len(order))
    return dataset, np.concatenate(order)


def batches(split: Split, batch_size: int) -> Any:
    """The examples as a ``tf.data.Dataset`` of ``(x, y)``; the last batch is kept.

    Arrays keep their order; sequences of visits come in buckets of like length.
    """
    if isinstance(split.x, VisitSequences):
        buckets = make_buckets(split.x.lengths)
        order = buckets.batches(batch_size)
        return _dense_batches(split.x, buckets, lambda: order, len(order), (split.y,))
    x = dict(split.x) if isinstance(split.x, Mapping) else split.x
    arrays = tf.nest.map_structure(tf.constant, (x, split.y))
    return tf.data.Dataset.from_tensor_slices(arrays).batch(batch_size).prefetch(tf.data.AUTOTUNE)


def _dense_batches(
    x: VisitSequences,
    buckets: Buckets,
    order: Callable[[], Iterable[np.ndarray]],
    count: int,
    labels: Sequence[np.ndarray] = (),
) -> Any:
    """Batches of some rows each, padded to the time of their bucket."""

    def generate() -> Iterator[Any]:
        for rows in order():
            dense = x.take(rows).dense(buckets.time(rows))
            yield dense, *(label[rows] for label in labels)

    signature = (
        {
            "visits": tf.TensorSpec((None, None, x.features), tf.float32),
            "length": tf.TensorSpec((None,), tf.int32),
        },
        *(tf.TensorSpec((None,), label.dtype) for label in labels),
    )
    dataset = tf.data.Dataset.from_generator(generate, output_signature=signature)
    # Keras takes the end of a data set whose size it does not know for running out of data.
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(count))
    return dataset.prefetch(tf.data.AUTOTUNE)

"""tf.data pipelines over data that fits in memory."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from kerasnets._lazy import tf
from kerasnets.data.buckets import Buckets, make_buckets
from kerasnets.data.dataset import Arrays, Split, sequences
from kerasnets.data.visits import VisitSequences


class RowMatrices(NamedTuple):
    """Which rows each step takes.

    Attributes:
        dataset: a ``tf.data.Dataset`` of pairs, those of one epoch after the other: int32 rows of
            shape ``(steps, batch)``, -1 where a batch is smaller, and int32 buckets of shape
            ``(steps,)``, which of the padded times each step has; 0 where there is no time.
        per_epoch: how many pairs an epoch has.
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
        return dataset.map(_without_buckets)

    numbers = tf.data.Dataset.range(epochs.start, epochs.stop)
    per_epoch = full // steps + (rows % batch_size > 0)
    return RowMatrices(_read_ahead(numbers.flat_map(matrices)), per_epoch)


def ordered_rows(x: Arrays, rows: int, batch_size: int) -> Any:
    """Every row once, in order, as pairs like those of :class:`RowMatrices`.

    Args:
        x: the inputs; sequences of visits come in buckets of like length.
        rows: how many there are.
        batch_size: rows a step.
    """
    if isinstance(x, VisitSequences):
        buckets = make_buckets(x.lengths)
        pair = padded_rows(buckets, buckets.batches(batch_size), batch_size)
        return _read_ahead(tf.data.Dataset.from_tensors(pair))
    full, order = rows // batch_size * batch_size, np.arange(rows, dtype=np.int32)
    shaped = [order[:full].reshape(-1, batch_size), order[full:].reshape(1, -1)]
    pieces = [tf.data.Dataset.from_tensors(piece) for piece in shaped if piece.size]
    whole = functools.reduce(lambda a, b: a.concatenate(b), pieces)
    return _read_ahead(whole.map(_without_buckets))


def padded_times(x: Arrays) -> tuple[int, ...]:
    """The padded times of the buckets; a single 0 where there is no time."""
    if not isinstance(x, VisitSequences):
        return (0,)
    return tuple(make_buckets(x.lengths).times.tolist())


def fits_in_memory(split: Split) -> bool:
    """Whether the inputs take less than half of the machine's memory, since they are copied."""
    if isinstance(split.x, VisitSequences):
        return True
    arrays = split.x.values() if isinstance(split.x, Mapping) else [split.x]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return sum(array.nbytes for array in arrays) < memory / 2


def streamed_batches(
    split: Split,
    batch_size: int,
    *,
    seed: int,
    epochs: range,
    weights: np.ndarray | None = None,
) -> Any:
    """The batches of :func:`row_matrices` themselves, read as they are needed.

    Args:
        split: its ``x`` are arrays, of which each batch is read by its rows.
        batch_size: rows a step.
        seed: seed of the shuffling.
        epochs: the numbers of the epochs to give, one after the other.
        weights: one weight an example, or None.

    Returns:
        A ``tf.data.Dataset`` of ``(x, y)``, with weights where given.
    """
    if isinstance(split.x, VisitSequences):
        return shuffled_sequences(split, batch_size, seed=seed, epochs=epochs, weights=weights)
    x = dict(split.x) if isinstance(split.x, Mapping) else split.x
    arrays = (x, split.y) if weights is None else (x, split.y, weights)
    specs = tf.nest.map_structure(
        lambda array: tf.TensorSpec((None, *array.shape[1:]), array.dtype), arrays
    )
    flat, flat_specs = tf.nest.flatten(arrays), tf.nest.flatten(specs)

    def read(rows: Any, _: Any) -> Any:
        given = tf.numpy_function(
            lambda rows: [array[rows] for array in flat], [rows[0]], [s.dtype for s in flat_specs]
        )
        shaped = [tf.ensure_shape(g, s.shape) for g, s in zip(given, flat_specs, strict=True)]
        return tf.nest.pack_sequence_as(arrays, shaped)

    rows = row_matrices(len(split), batch_size, seed=seed, epochs=epochs, whole_epochs=False)
    return _read_ahead(rows.dataset.map(read))


def _without_buckets(rows: Any) -> tuple[Any, Any]:
    return rows, tf.zeros(tf.shape(rows)[:1], tf.int32)


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


def sequence_matrices(
    buckets: Buckets, batch_size: int, *, seed: int, epochs: range, whole_epochs: bool = True
) -> RowMatrices:
    """The same batches as those of :func:`shuffled_sequences`, as rows.

    Args:
        buckets: of the sequences.
        batch_size: sequences a step, at most.
        seed: seed of the shuffling.
        epochs: the numbers of the epochs to give, one after the other.
        whole_epochs: one pair of matrices for all batches of an epoch, else one for each.

    Returns:
        Pairs of rows (steps, batch), -1 where a batch is smaller, and the bucket of each step.
    """
    steps = buckets.steps(batch_size)

    def generate() -> Iterator[Any]:
        for epoch in epochs:
            rng = np.random.default_rng([seed, epoch])
            rows, bucket = padded_rows(buckets, buckets.batches(batch_size, rng), batch_size)
            each = steps if whole_epochs else 1
            for at in range(0, steps, each):
                yield rows[at : at + each], bucket[at : at + each]

    dataset = tf.data.Dataset.from_generator(
        generate,
        output_signature=(
            tf.TensorSpec((None, batch_size), tf.int32),
            tf.TensorSpec((None,), tf.int32),
        ),
    )
    per_epoch = 1 if whole_epochs else steps
    counted = tf.data.experimental.assert_cardinality(len(epochs) * per_epoch)
    return RowMatrices(_read_ahead(dataset.apply(counted)), per_epoch)


def padded_rows(
    buckets: Buckets, batches: Sequence[np.ndarray], batch_size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Some batches as a matrix of rows, -1 where one is smaller, and the bucket of each."""
    rows = np.full((len(batches), batch_size), -1, np.int32)
    for row, batch in zip(rows, batches, strict=True):
        row[: len(batch)] = batch
    times = [buckets.time(batch) for batch in batches]
    return rows, np.searchsorted(buckets.times, times).astype(np.int32)


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
    return _read_ahead(tf.data.Dataset.from_tensor_slices(arrays).batch(batch_size))


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
    return _read_ahead(dataset.apply(tf.data.experimental.assert_cardinality(count)))


def _read_ahead(dataset: Any) -> Any:
    """The data set with an element in stock, and nothing tuned while it runs.

    The thread that tunes sleeps, each time twice as long, and the end of an iterator waits until
    it wakes: a training of 2.6 s took 5.1 s.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(1).with_options(options)

"""tf.data pipelines over data that fits in memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from kerasnets._lazy import tf
from kerasnets.data.dataset import Arrays, Split, sequences
from kerasnets.data.ehr.visits import VisitSequences
from kerasnets.engine.buckets import Buckets, make_buckets
from kerasnets.engine.schedule import row_matrices


def numbers(count: int) -> Any:
    """A ``tf.data.Dataset`` of the numbers 0 to before ``count``."""
    return _untuned(tf.data.Dataset.range(count))


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

    order = row_matrices(len(split), batch_size, seed=seed, epochs=epochs, whole_epochs=False)

    def take(number: Any) -> list[np.ndarray]:
        rows = order[int(number)][0][0]
        return [array[rows] for array in flat]

    def read(number: Any) -> Any:
        given = tf.numpy_function(take, [number], [spec.dtype for spec in flat_specs])
        shaped = [tf.ensure_shape(g, s.shape) for g, s in zip(given, flat_specs, strict=True)]
        return tf.nest.pack_sequence_as(arrays, shaped)

    return _read_ahead(numbers(len(order)).map(read))


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
            dense = x.subset(rows).dense(buckets.time(rows))
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
    """The data set with an element in stock."""
    return _untuned(dataset.prefetch(1))


def _untuned(dataset: Any) -> Any:
    """The data set with nothing tuned while it runs.

    The thread that tunes sleeps, each time twice as long, and the end of an iterator waits until
    it wakes: a training of 2.6 s took 5.1 s.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)

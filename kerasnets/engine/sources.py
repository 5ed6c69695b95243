"""A split on the device, from which a compiled step takes its batches by their rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from kerasnets._lazy import tf
from kerasnets.data.dataset import Arrays
from kerasnets.data.ehr.visits import VisitSequences

BatchOf = Callable[[Any, Any], Any]


def inputs_on_device(x: Arrays) -> BatchOf:
    """A function of rows and padded time that gives inputs, to be called inside a compiled one.

    Args:
        x: one array, several by name, or sequences of visits; the time matters to these alone.
    """
    if isinstance(x, VisitSequences):
        return _dense_rows(x)
    arrays = tf.nest.map_structure(tf.constant, dict(x) if isinstance(x, Mapping) else x)
    return lambda rows, time: tf.nest.map_structure(lambda array: tf.gather(array, rows), arrays)


def batches_on_device(x: Arrays, labels: Sequence[np.ndarray]) -> BatchOf:
    """The same for ``(inputs, *labels)``, where labels are classes and perhaps weights."""
    inputs, arrays = inputs_on_device(x), [tf.constant(label) for label in labels]
    return lambda rows, time: (inputs(rows, time), *(tf.gather(array, rows) for array in arrays))


def _dense_rows(x: VisitSequences) -> BatchOf:
    """Multi-hot rows from the indices of their codes, as :meth:`VisitSequences.dense` makes them.

    The codes of a sequence stand in one piece. Of each row as many places are looked at as the
    richest row of its padded time has, so that every shape is known when a step is compiled.
    """
    starts = x.code_offsets[x.visit_offsets].astype(np.int32)
    visit = np.repeat(np.arange(len(x.code_offsets) - 1), x.codes_per_visit)
    first_visit = np.repeat(x.visit_offsets[:-1], np.diff(starts))
    codes, steps = tf.constant(x.codes), tf.constant((visit - first_visit).astype(np.int32))
    begins, counts = tf.constant(starts[:-1]), tf.constant(np.diff(starts))
    lengths = tf.constant(x.lengths)
    of_length = np.zeros(int(x.lengths.max()) + 1, np.int32)
    np.maximum.at(of_length, x.lengths, np.diff(starts))
    richest = np.maximum.accumulate(of_length)

    def dense(rows: Any, time: Any) -> dict[str, Any]:
        fixed = isinstance(time, int)
        longest = len(richest) - 1
        if fixed:
            most = int(richest[min(time, longest)])
        else:
            most = tf.gather(tf.constant(richest), tf.minimum(time, longest))
        length = tf.gather(lengths, rows)
        place = tf.range(most)[tf.newaxis]
        there = place < tf.gather(counts, rows)[:, tf.newaxis]
        place = tf.where(there, tf.gather(begins, rows)[:, tf.newaxis] + place, 0)
        row = tf.broadcast_to(tf.range(tf.size(rows))[:, tf.newaxis], tf.shape(place))
        # What is not there goes to a step behind the last, which is cut off.
        step = tf.where(there, _take(steps, place), time)
        cells = tf.stack([row, step, _take(codes, place)], axis=-1)
        visits = tf.scatter_nd(
            cells, tf.ones(tf.shape(place)), (tf.size(rows), time + 1, x.features)
        )
        shape = (rows.shape[0], time if fixed else None, x.features)
        return {"visits": tf.ensure_shape(visits[:, :-1], shape), "length": length}

    return dense


def _take(values: Any, places: Any) -> Any:
    """The values at some places; zeros where there are no values at all."""
    return tf.gather(values, places) if values.shape[0] else tf.zeros_like(places)

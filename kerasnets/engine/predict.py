"""A model over many examples, many batches a compiled call.

Keras's own ``predict`` builds a pipeline for each call, which takes longer than a small net does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets._lazy import keras, tf
from kerasnets.data.ehr.visits import VisitSequences
from kerasnets.engine.buckets import make_buckets
from kerasnets.engine.pace import Pace

if TYPE_CHECKING:
    from kerasnets.data.dataset import Arrays

# What a call is handed is copied.
_MOST_BYTES = 1 << 26


def forward(model: keras.Model, x: Arrays, batch_size: int) -> np.ndarray:
    """What the model gives for each example, shape ``(n, classes)``.

    Args:
        model: any whose output is one matrix, of any type of number, which is kept.
        x: its inputs, an array, a mapping of arrays, first axis the examples, or sequences of
            visits; at least one example.
        batch_size: examples the model sees at a time.

    Raises:
        ValueError: an output of another shape, or a batch size below 1.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}.")
    batch_size = min(int(batch_size), 2**31 - 1)
    # On the model, and so gone with it.
    pace = model.__dict__.setdefault("_kerasnets_pace", {}).setdefault(batch_size, Pace())
    results, order = [], []
    for rows, inputs in _parts(x, batch_size, pace):
        started = time.perf_counter()
        results.append(_run(model, inputs, batch_size).numpy())
        pace.note(-(-len(rows) // batch_size), time.perf_counter() - started)
        order.append(rows)
    whole = np.empty((sum(map(len, order)), *results[0].shape[1:]), results[0].dtype)
    whole[np.concatenate(order)] = np.concatenate(results)
    return whole


def _parts(x: Arrays, batch_size: int, pace: Pace) -> Iterator[tuple[np.ndarray, Any]]:
    """Rows and inputs of each call; of sequences, those of one padded time."""
    if isinstance(x, VisitSequences):
        buckets = make_buckets(x.lengths)
        bucket_of = buckets.bucket_of()
        for bucket, padded in enumerate(buckets.times.tolist()):
            bytes_a_row = 4 * padded * x.features
            for rows in _pieces(np.flatnonzero(bucket_of == bucket), batch_size, bytes_a_row, pace):
                yield rows, x.subset(rows).dense(padded)
        return
    arrays = x if isinstance(x, Mapping) else {"": x}
    bytes_a_row = sum(array[:1].nbytes for array in arrays.values())
    every = np.arange(len(next(iter(arrays.values()))))
    for rows in _pieces(every, batch_size, bytes_a_row, pace):
        some = slice(rows[0], rows[-1] + 1)
        yield rows, {k: v[some] for k, v in x.items()} if isinstance(x, Mapping) else x[some]


def _pieces(
    rows: np.ndarray, batch_size: int, bytes_a_row: int, pace: Pace
) -> Iterator[np.ndarray]:
    most = max(1, _MOST_BYTES // max(1, bytes_a_row * batch_size))
    at = 0
    while at < len(rows):
        end = at + batch_size * min(pace.steps, most)
        yield rows[at:end]
        at = end


def _run(model: keras.Model, inputs: Any, batch_size: int) -> Any:
    """What a function gives that is compiled once for all inputs alike."""
    inputs = tf.nest.map_structure(tf.constant, inputs)
    # What may change is the rows and, of sequences, the time.
    free = 2 if isinstance(inputs, dict) and set(inputs) == {"visits", "length"} else 1
    spec = tf.nest.map_structure(
        lambda t: tf.TensorSpec([None] * min(free, len(t.shape)) + t.shape[free:], t.dtype), inputs
    )
    # On the model, and so gone with it.
    compiled = model.__dict__.setdefault("_kerasnets_forward", {})
    key = repr(spec)
    if key not in compiled:
        compiled[key] = _compile(model, spec)
    return compiled[key](inputs, tf.constant(batch_size))


def _compile(model: keras.Model, spec: Any) -> Any:
    """A function of inputs and batch size that gives the outputs of all batches in one piece."""

    def one(inputs: Any) -> Any:
        return model(inputs, training=False)

    batch = tf.function(one, autograph=False).get_concrete_function(spec)
    given = batch.structured_outputs
    if not isinstance(given, tf.Tensor | tf.TensorSpec) or given.shape.rank != 2:
        shapes = tf.nest.map_structure(lambda output: tuple(output.shape), given)
        raise ValueError(
            "The model must have one output, logits of shape (n, classes); "
            f"{model.name!r} has {shapes}."
        )

    def every(inputs: Any, batch_size: Any) -> Any:
        count = tf.shape(tf.nest.flatten(inputs)[0])[0]
        steps = (count - 1) // batch_size + 1

        def step(number: Any, outputs: Any) -> tuple[Any, Any]:
            at = number * batch_size
            some = tf.nest.map_structure(lambda tensor: tensor[at : at + batch_size], inputs)
            return number + 1, outputs.write(number, batch(some))

        outputs = tf.TensorArray(given.dtype, steps, element_shape=given.shape, infer_shape=False)
        # One batch after the other, so that no more than one is in memory.
        _, outputs = tf.while_loop(
            lambda number, _: number < steps, step, [0, outputs], parallel_iterations=1
        )
        return outputs.concat()

    size = tf.TensorSpec((), tf.int32)
    return tf.function(every, autograph=False).get_concrete_function(spec, size)

"""``predict``: the outputs of a model for many rows, many batches per compiled call.

Keras's own ``predict`` builds a pipeline for each call. For a small net, this takes longer than the
prediction itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasnets._lazy import keras, tf
from kerasnets.engine.adapt import make_source
from kerasnets.engine.cache import compiled_for
from kerasnets.engine.fallback import (
    PREDICTION,
    CannotCompileError,
    check_arrays,
    check_model,
    dense,
    fall_back,
    tracing_errors,
)
from kerasnets.engine.pace import Pace
from kerasnets.engine.sources import Source

_MAX_BYTES = 1 << 26  # per call, because the inputs of a call are copied


def predict(model: keras.Model, x: Any, batch_size: int = 256, *, strict: bool = False) -> Any:
    """Return the outputs of a model, as ``model.predict`` does, with many batches per call.

    The compiled function is cached on the model. It is compiled again if the model has changed, for
    example after a layer was replaced or quantized.

    Args:
        model: any built Keras model, compiled or not.
        x: inputs as for :func:`kerasnets.fit`; the first axis is the rows.
        batch_size: rows per batch.
        strict: raise an error instead of using ``model.predict``.

    Returns:
        An array, or a list or dict of arrays, with one row per row of ``x``. Sequences in the
        outputs are padded with zeros to the longest one.

    Raises:
        ValueError: if ``x`` has no rows, or if ``batch_size`` is below 1.
        CannotCompileError: with ``strict``, if the engine cannot run the model or the data.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}.")
    batch_size = min(int(batch_size), 2**31 - 1)
    try:
        check_model(model, PREDICTION)
        check_arrays(x)
        source = x if isinstance(x, Source) else make_source(x)
        if len(source) == 0:
            raise ValueError("x has no rows: there is nothing to predict.")
        with tracing_errors():
            key = "predict", repr(source.batch_spec())
            function = compiled_for(model, key, lambda: _Predictor(model, source))
    except CannotCompileError as error:
        fall_back("predict", error, strict=strict)
        return model.predict(dense(x), batch_size=batch_size, verbose=0)
    return function(source, batch_size)


class _Predictor:
    """The compiled forward pass of a model over inputs of one form, at any batch size."""

    def __init__(self, model: keras.Model, source: Source) -> None:
        self.run = _compile(model, source.batch_spec())
        self.paces: dict[int, Pace] = {}

    def __call__(self, source: Source, batch_size: int) -> Any:
        pace = self.paces.setdefault(batch_size, Pace())
        results, order = [], []
        for rows, length in _chunks(source, batch_size, pace):
            inputs = tf.nest.map_structure(tf.constant, source.take(rows, length))
            started = time.perf_counter()
            outputs = self.run(inputs, tf.constant(batch_size))
            results.append(tf.nest.map_structure(lambda output: output.numpy(), outputs))
            pace.record(-(-len(rows) // batch_size), time.perf_counter() - started)
            order.append(rows)
        rows = np.concatenate(order)
        return tf.nest.map_structure(lambda *parts: _in_order(parts, rows), *results)


def _chunks(source: Source, batch_size: int, pace: Pace) -> Iterator[tuple[np.ndarray, int | None]]:
    """Yield the rows of each call and, for sequences, the padded length of their bucket."""
    all_rows = np.arange(len(source))
    groups: list[tuple[np.ndarray, int | None]] = [(all_rows, None)]
    if (buckets := source.buckets) is not None:
        lengths = enumerate(buckets.bucket_lengths.tolist())
        groups = [(all_rows[buckets.bucket_of == bucket], length) for bucket, length in lengths]
    for rows, length in groups:
        row = tf.nest.flatten(source.take(rows[:1], length))
        batch_bytes = batch_size * sum(array.nbytes for array in row)
        at, max_steps = 0, max(1, _MAX_BYTES // max(1, batch_bytes))
        while at < len(rows):
            end = at + batch_size * min(pace.steps, max_steps)
            yield rows[at:end], length
            at = end


def _in_order(parts: tuple[np.ndarray, ...], rows: np.ndarray) -> np.ndarray:
    """Join the outputs of all calls, sorted by row number; pad shorter axes with zeros."""
    shape = np.max([part.shape[1:] for part in parts], axis=0).astype(int)
    joined = np.zeros((len(rows), *shape), parts[0].dtype)
    at = 0
    for part in parts:
        index: Any = (rows[at : at + len(part)], *map(slice, part.shape[1:]))
        joined[index] = part
        at += len(part)
    return joined


def _compile(model: keras.Model, spec: Any) -> Any:
    """Compile a function of inputs and batch size that returns the outputs of all batches."""
    own_step = "predict_step" in vars(model) or (
        type(model).predict_step is not keras.Model.predict_step
    )

    def forward(data: Any) -> Any:
        if own_step:
            return model.predict_step(data)
        inputs, *_ = keras.utils.unpack_x_y_sample_weight(data)  # Keras packs a list: ([a, b],)
        return model(inputs, training=False) if model._call_has_training_arg else model(inputs)

    batch = tf.function(forward, autograph=False).get_concrete_function(spec)
    form = tf.nest.flatten(batch.structured_outputs)
    for output in form:
        if output.shape.rank == 0 or not isinstance(output, tf.Tensor | tf.TensorSpec):
            raise ValueError(f"an output must be a tensor with one row per row of x, got {output}")

    def all_batches(inputs: Any, batch_size: Any) -> Any:
        count = tf.shape(tf.nest.flatten(inputs)[0])[0]
        steps = (count - 1) // batch_size + 1

        def step(number: Any, outputs: Any) -> tuple[Any, Any]:
            at = number * batch_size
            rows = tf.nest.map_structure(lambda tensor: tensor[at : at + batch_size], inputs)
            results = tf.nest.flatten(batch(rows))
            written = [a.write(number, r) for a, r in zip(outputs, results, strict=True)]
            return number + 1, written

        arrays = [
            tf.TensorArray(o.dtype, steps, element_shape=o.shape, infer_shape=False) for o in form
        ]
        # One batch at a time, so that only one is in memory.
        _, arrays = tf.while_loop(
            lambda number, _: number < steps, step, [0, arrays], parallel_iterations=1
        )
        parts = [array.concat() for array in arrays]
        return tf.nest.pack_sequence_as(batch.structured_outputs, parts)

    size = tf.TensorSpec((), tf.int32)
    return tf.function(all_batches, autograph=False).get_concrete_function(spec, size)

"""Rules for values of a whole sequence: at each step, the value of all steps so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasnets._lazy import tf
from kerasnets.exporting.streaming.chunk import Chunk, as_rows
from kerasnets.exporting.streaming.flow import Flow

# Not infinity, which the guards of the exported files refuse.
_LOWEST = float(np.finfo("float32").min)
# The count of a mean stops here, so that it cannot overflow.
_LARGEST_COUNT = 2**30


def reduce_steps(
    kind: str, flow: Flow, out: tuple[int | None, ...], add_state: Callable[..., str]
) -> tuple[Flow, Callable[..., Any]]:
    """Plan a reduction over time.

    Args:
        kind: ``"mean"``, ``"sum"``, ``"max"`` or ``"min"``.
        flow: the input, a sequence.
        out: the shape of the output, without batch.
        add_state: adds a state and returns its name.

    Returns:
        The output, and a function that computes it on a chunk.
    """
    lowest = {"max": _LOWEST, "min": -_LOWEST}.get(kind, 0.0)
    name = add_state(kind, np.full((1, *flow.features), lowest, "float32"))
    counter = add_state("count", np.zeros(1, "int32")) if kind == "mean" else None
    result = Flow(out, flow.timing, is_sequence=False)

    def run(chunk: Chunk, x: Any, *_: Any, **__: Any) -> Any:
        value, count = tf.expand_dims(chunk.state(name), 1), chunk.count(flow.timing)
        if counter is not None:
            before = chunk.state(counter)
            chunk.keep(counter, tf.minimum(before + count, _LARGEST_COUNT))
            values = value + tf.cumsum(x - value, 1) / _counts(before, x)
        elif kind == "sum":
            values = value + tf.cumsum(x, 1)
        else:
            sign = 1.0 if kind == "max" else -1.0
            values = sign * _running_max(tf.maximum(sign * x, sign * value))
        chunk.keep(name, tf.gather(values, tf.maximum(count, 1) - 1, axis=1), flow.timing)
        return tf.reshape(as_rows(values), [-1, *(size or 1 for size in out)])

    return result, run


def _counts(before: Any, x: Any) -> Any:
    """The number of steps so far at each step, with the rank of ``x``."""
    steps = tf.range(1, tf.shape(x)[1] + 1)
    counts = tf.cast(before[:, tf.newaxis] + steps, x.dtype)
    return tf.reshape(counts, tf.concat([tf.shape(counts), [1] * (len(x.shape) - 2)], 0))


def _running_max(x: Any) -> Any:
    """The maximum of all steps up to each step.

    TensorFlow and ONNX have no operation for it. After k rounds, each step has the maximum of
    the last ``2**k`` steps. The first step replaces those before it, which does no harm.
    """
    steps = tf.range(tf.shape(x)[1])
    for round_ in range(31):  # as many as an axis can have
        x = tf.maximum(x, tf.gather(x, tf.maximum(steps - 2**round_, 0), axis=1))
    return x

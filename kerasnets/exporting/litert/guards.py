"""Give NaN for each row with an invalid input, as the ONNX files do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnets._lazy import tf
from kerasnets.exporting.signature import Served


def invalid_as_nan(served: Served, tensors: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
    """Replace the outputs of rows that hold NaN, infinity, or a length outside of the sequence.

    Padding after the end of a sequence may hold any value.

    Args:
        served: the model. Its rows must not depend on each other.
        tensors: its inputs.
        outputs: its outputs.
    """
    inputs = list(zip(served.inputs, tensors, strict=True))
    lengths = [tensor for info, tensor in inputs if info.is_length]
    valid = []
    for info, x in inputs:
        if not x.dtype.is_floating:
            continue
        # LiteRT has no operator for "is finite". A comparison with NaN is false.
        finite = tf.abs(x) <= x.dtype.max
        if lengths and info.is_sequence:
            steps = tf.range(tf.shape(x)[1])
            padding = steps[tf.newaxis] >= tf.cast(lengths[0], tf.int32)[:, tf.newaxis]
            valid.append((lengths[0] >= 0) & (lengths[0] <= tf.shape(x)[1]))
            axes = tf.concat([tf.shape(padding), [1] * (len(x.shape) - 2)], 0)
            finite |= tf.reshape(padding, axes)
        valid.append(tf.reduce_all(finite, axis=list(range(1, len(x.shape)))))
    if not valid:
        return list(outputs)
    rows = valid[0]
    for condition in valid[1:]:
        rows &= condition
    return [
        tf.where(
            tf.reshape(rows, [-1] + [1] * (len(output.shape) - 1)),
            output,
            tf.constant(float("nan"), output.dtype),
        )
        if output.dtype.is_floating
        else output
        for output in outputs
    ]

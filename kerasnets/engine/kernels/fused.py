"""Parts of a step that XLA fuses, in the midst of what TensorFlow runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasnets._lazy import tf


def fused(function: Callable[..., Any], rows: int, *given: Any) -> Any:
    """What a function of tensors gives, fused by XLA where the batch is a full one.

    XLA compiles each shape, so what is smaller, once an epoch, is left to TensorFlow.

    Args:
        function: gives one tensor; the same to the bit with and without XLA.
        rows: of a full batch; 0 compiles nothing.
        given: its arguments; the first axis of the first is the batch.
    """
    if not rows:
        return function(*given)
    compiled = tf.function(function, jit_compile=True, autograph=False)
    full = tf.shape(given[0])[0] == rows
    return tf.cond(full, lambda: compiled(*given), lambda: function(*given))

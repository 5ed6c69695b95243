"""Compile a part of a step with XLA when TensorFlow runs the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasnets._lazy import tf


def fused(function: Callable[..., Any], rows: int, *inputs: Any) -> Any:
    """Call a function of tensors; XLA compiles it for full batches.

    XLA compiles once per shape. The last batch of an epoch may be smaller, and TensorFlow runs it
    without XLA.

    Args:
        function: Function that returns one tensor. Its results must be equal to the bit with and
            without XLA.
        rows: Rows per full batch; 0 for no compilation.
        *inputs: Arguments of the function. The first axis of the first one is the batch axis.

    Returns:
        The tensor that ``function`` returns.
    """
    if not rows:
        return function(*inputs)
    compiled = tf.function(function, jit_compile=True, autograph=False)
    is_full = tf.shape(inputs[0])[0] == rows
    return tf.cond(is_full, lambda: compiled(*inputs), lambda: function(*inputs))

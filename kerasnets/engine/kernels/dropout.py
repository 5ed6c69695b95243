"""Dropout from a hash, since drawing random numbers takes longer than a small layer.

A mask needs a bit an element, not numbers fit for cryptography: each element's place is hashed
together with the seed of the step, in a few integer operations that XLA vectorises.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from kerasnets._lazy import tf
from kerasnets.engine.kernels.fused import fused

_WORTH_COMPILING = 1 << 15  # elements of a batch


def dropout(inputs: Any, rate: float, seed: Any, compile_for: int = 0) -> Any:
    """Zeros at the given rate; what is kept grows so that the mean stays.

    What is dropped is multiplied by 0, so it must be finite.

    Args:
        inputs: float32.
        rate: the share to drop, in [0, 1).
        seed: two integers, others for each call.
        compile_for: the rows of a batch whose mask XLA compiles; 0 for none.

    Returns:
        Of the shape of ``inputs``.
    """
    # Of a small layer, compiling takes longer than it saves.
    elements = 0 if None in inputs.shape[1:] else compile_for * math.prod(inputs.shape[1:])
    compile_for = compile_for if elements >= _WORTH_COMPILING else 0
    factors = fused(functools.partial(_factors, rate=rate), compile_for, inputs, seed)
    return inputs * tf.ensure_shape(tf.stop_gradient(factors), inputs.shape)


def _factors(inputs: Any, seed: Any, rate: float) -> Any:
    """0 for each element that is dropped, and what the others are multiplied by."""
    seed = tf.cast(seed, tf.uint32)
    places = tf.reshape(tf.range(tf.size(inputs)), tf.shape(inputs))
    mixed = _mix(_mix(tf.cast(places, tf.uint32) + seed[0]) ^ seed[1])
    # 24 bits make an exact float32 in [0, 1).
    uniform = tf.cast(tf.bitwise.right_shift(mixed, tf.constant(8, tf.uint32)), tf.float32) / 2**24
    return tf.where(uniform >= rate, np.float32(1) / np.float32(1 - rate), np.float32(0))


def _mix(x: Any) -> Any:
    """A bijection of 32 bits in which each bit in changes half of those out (Wellons 2018)."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = (x ^ tf.bitwise.right_shift(x, tf.constant(shift, tf.uint32))) * tf.constant(
            factor, tf.uint32
        )
    return x ^ tf.bitwise.right_shift(x, tf.constant(16, tf.uint32))

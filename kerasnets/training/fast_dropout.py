"""Dropout for XLA, whose own random numbers take a hundred times as long on a CPU.

A mask needs a bit an element, not numbers fit for cryptography: each element's place is hashed
together with the seed of the step, in a few integer operations that XLA vectorises.
"""

from __future__ import annotations

from typing import Any

from kerasnets._lazy import tf


def dropout(inputs: Any, rate: float, seed: Any) -> Any:
    """Zeros at the given rate; what is kept grows so that the mean stays.

    Args:
        inputs: float32, of a known shape.
        rate: the share to drop, in [0, 1).
        seed: two integers, others for each call.

    Returns:
        Of the shape of ``inputs``.
    """
    seed = tf.cast(seed, tf.uint32)
    places = tf.reshape(tf.range(inputs.shape.num_elements()), inputs.shape)
    mixed = _mix(_mix(tf.cast(places, tf.uint32) + seed[0]) ^ seed[1])
    # 24 bits make an exact float32 in [0, 1).
    uniform = tf.cast(tf.bitwise.right_shift(mixed, tf.constant(8, tf.uint32)), tf.float32) / 2**24
    return tf.where(uniform >= rate, inputs / (1 - rate), 0.0)


def _mix(x: Any) -> Any:
    """A bijection of 32 bits in which each bit in changes half of those out (Wellons 2018)."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = (x ^ tf.bitwise.right_shift(x, tf.constant(shift, tf.uint32))) * tf.constant(
            factor, tf.uint32
        )
    return x ^ tf.bitwise.right_shift(x, tf.constant(16, tf.uint32))

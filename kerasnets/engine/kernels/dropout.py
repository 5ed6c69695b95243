"""Dropout with masks from a hash function, because random numbers cost more than a small layer.

A mask needs one random bit per element, and the bits need not be cryptographically secure. The
position of each element is hashed together with the seed of the step. This takes a few integer
operations, which XLA vectorizes.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasnets._lazy import keras, tf
from kerasnets.engine.kernels.fused import fused

# For smaller batches, compiling takes longer than it saves.
_WORTH_COMPILING = 1 << 15  # elements per batch


def supports(layer: Any) -> bool:
    """Return whether a layer is a Dropout in float32 with an independent mask per element."""
    return (
        type(layer) is keras.layers.Dropout
        and 0 < layer.rate < 1
        and layer.noise_shape is None
        and layer.compute_dtype == "float32"
    )


def make_call(layer: Any, compile_for: int = 0) -> Callable[..., Any]:
    """Return a replacement for ``layer.call``.

    Args:
        layer: A layer that :func:`supports` accepts.
        compile_for: As for :func:`dropout`.
    """
    keras_call = layer.call

    def call(inputs: Any, training: bool = False) -> Any:
        if not training or not tf.is_tensor(inputs) or inputs.dtype != tf.float32:
            return keras_call(inputs, training=training)
        return dropout(inputs, layer.rate, layer.seed_generator.next(), compile_for)

    return call


def dropout(inputs: Any, rate: float, seed: Any, compile_for: int = 0) -> Any:
    """Set elements to zero with the given probability, and scale the others to keep the mean.

    Dropped elements are multiplied by 0, so they must be finite.

    Args:
        inputs: Tensor of any shape, float32.
        rate: Probability to drop an element, in (0, 1).
        seed: Two integers. They must differ from call to call.
        compile_for: Rows per full batch for which XLA compiles the mask; 0 for no compilation.

    Returns:
        A tensor with the shape of ``inputs``.
    """
    elements = 0 if None in inputs.shape[1:] else compile_for * math.prod(inputs.shape[1:])
    compile_for = compile_for if elements >= _WORTH_COMPILING else 0
    factors = fused(functools.partial(_factors, rate=rate), compile_for, inputs, seed)
    return inputs * tf.ensure_shape(tf.stop_gradient(factors), inputs.shape)


def _factors(inputs: Any, seed: Any, rate: float) -> Any:
    """Return 0 per dropped element, and ``1 / (1 - rate)`` per element that is kept."""
    seed = tf.cast(seed, tf.uint32)
    positions = tf.reshape(tf.range(tf.size(inputs)), tf.shape(inputs))
    hashed = _hash(_hash(tf.cast(positions, tf.uint32) + seed[0]) ^ seed[1])
    # 24 bits make an exact float32 in [0, 1).
    uniform = tf.cast(tf.bitwise.right_shift(hashed, tf.constant(8, tf.uint32)), tf.float32) / 2**24
    return tf.where(uniform >= rate, np.float32(1) / np.float32(1 - rate), np.float32(0))


def _hash(x: Any) -> Any:
    """Return a bijection of 32 bits; each input bit changes half the output bits (Wellons 2018)."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = (x ^ tf.bitwise.right_shift(x, tf.constant(shift, tf.uint32))) * tf.constant(
            factor, tf.uint32
        )
    return x ^ tf.bitwise.right_shift(x, tf.constant(16, tf.uint32))

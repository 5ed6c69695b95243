"""Adam in one operation a weight, where Keras takes a dozen.

TensorFlow has the whole update as one operation, which reads and writes each number once. The
arithmetic is that of Keras, so only last digits can differ.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from kerasnets._lazy import keras, tf


@contextmanager
def fast_adam(optimizer: Any) -> Iterator[None]:
    """Let an Adam of the plain kind run TensorFlow's operation in what is traced meanwhile."""
    if not _is_plain(optimizer):
        yield
        return

    def update(gradients: Sequence[Any], variables: Sequence[Any], learning_rate: Any) -> None:
        _update(optimizer, gradients, variables, learning_rate)

    optimizer._backend_update_step = update
    try:
        yield
    finally:
        del optimizer.__dict__["_backend_update_step"]


def _is_plain(optimizer: Any) -> bool:
    return (
        type(optimizer) in (keras.optimizers.Adam, keras.optimizers.AdamW)
        and not optimizer.amsgrad
        and float(np.float32(optimizer.beta_2)) < 1
    )


def _update(
    optimizer: Any, gradients: Sequence[Any], variables: Sequence[Any], learning_rate: Any
) -> None:
    step = tf.cast(optimizer.iterations + 1, tf.float32)
    beta_1, beta_2 = tf.constant(optimizer.beta_1), tf.constant(optimizer.beta_2)
    # The operation takes 1 - beta_2 of the rounded beta_2, a hundred-thousandth less at 0.999,
    # so the root of the velocity comes out that much smaller. Both its neighbours follow.
    rounded = math.sqrt((1 - float(np.float32(optimizer.beta_2))) / (1 - optimizer.beta_2))
    shared = {
        "beta1_power": beta_1**step,
        "beta2_power": beta_2**step,
        "lr": tf.cast(learning_rate, tf.float32) * rounded,
        "beta1": beta_1,
        "beta2": beta_2,
        "epsilon": tf.constant(optimizer.epsilon * rounded, tf.float32),
    }
    for gradient, variable in zip(gradients, variables, strict=True):
        if isinstance(gradient, tf.IndexedSlices) or variable.dtype != tf.float32:
            optimizer.update_step(gradient, variable, learning_rate)
            continue
        at = optimizer._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=optimizer._momentums[at].value.handle,
            v=optimizer._velocities[at].value.handle,
            grad=gradient,
            **shared,
        )

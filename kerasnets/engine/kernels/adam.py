"""Adam in one operation per weight tensor, where Keras runs about a dozen.

TensorFlow's operation reads and writes each number once. It uses the same formula as Keras, so
only the last digits can differ.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from kerasnets._lazy import keras, tf
from kerasnets._patching import own_attributes, patched


@contextmanager
def fast_adam(optimizer: Any) -> Iterator[None]:
    """Trace Adam and AdamW with TensorFlow's fused operation while the block runs.

    Args:
        optimizer: Any Keras optimizer. Other kinds, subclasses and AMSGrad are not changed.

    Raises:
        RuntimeError: inside the scope of a ``tf.distribute`` strategy. Keras sums the gradients of
            all replicas in the method that is replaced, so each would silently train alone.
    """
    if tf.distribute.has_strategy():
        raise RuntimeError(
            "The engine cannot train inside the scope of a tf.distribute strategy. Build and train "
            "the model outside of it; kerasnets.train(..., workers=…) trains on several machines."
        )
    if not _supports(optimizer):
        yield
        return

    def update(gradients: Sequence[Any], variables: Sequence[Any], learning_rate: Any) -> None:
        _update(optimizer, gradients, variables, learning_rate)

    with patched((optimizer, "_backend_update_step", update)):
        yield


def _supports(optimizer: Any) -> bool:
    return (
        type(optimizer) in (keras.optimizers.Adam, keras.optimizers.AdamW)
        and not optimizer.amsgrad
        and float(np.float32(optimizer.beta_2)) < 1
        # Methods that the user has replaced.
        and not {"_backend_update_step", "update_step"} & set(own_attributes(optimizer))
    )


def _update(
    optimizer: Any, gradients: Sequence[Any], variables: Sequence[Any], learning_rate: Any
) -> None:
    step = tf.cast(optimizer.iterations + 1, tf.float32)
    beta_1, beta_2 = tf.constant(optimizer.beta_1), tf.constant(optimizer.beta_2)
    # The operation calculates 1 - beta_2 from beta_2 in float32. At 0.999 this makes the velocity
    # 1.3e-5 smaller than Keras's, relatively. The learning rate and epsilon are scaled by the
    # square root of that factor, so that the step is the same.
    rounding = math.sqrt((1 - float(np.float32(optimizer.beta_2))) / (1 - optimizer.beta_2))
    arguments = {
        "beta1_power": beta_1**step,
        "beta2_power": beta_2**step,
        "lr": tf.cast(learning_rate, tf.float32) * rounding,
        "beta1": beta_1,
        "beta2": beta_2,
        "epsilon": tf.constant(optimizer.epsilon * rounding, tf.float32),
    }
    for gradient, variable in zip(gradients, variables, strict=True):
        if isinstance(gradient, tf.IndexedSlices) or variable.dtype != tf.float32:
            optimizer.update_step(gradient, variable, learning_rate)
            continue
        index = optimizer._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=optimizer._momentums[index].value.handle,
            v=optimizer._velocities[index].value.handle,
            grad=gradient,
            **arguments,
        )

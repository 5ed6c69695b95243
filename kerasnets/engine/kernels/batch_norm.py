"""Batch normalization in one operation, where Keras takes a dozen over the whole batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasnets._lazy import keras, tf


def is_plain_normalization(layer: Any) -> bool:
    """Whether it is a batch normalization over all axes but the last."""
    return (
        type(layer) is keras.layers.BatchNormalization
        and layer.built
        and layer.axis in (-1, layer.input_spec.ndim - 1)
        and layer.input_spec.ndim in (3, 4)
        and not layer.renorm
        and not layer.synchronized
        and layer.trainable
        and layer.compute_dtype == "float32"
    )


def normalization_call(layer: Any) -> Callable[..., Any]:
    """What stands in for the layer's ``call``."""
    usual = layer.call

    def call(inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not training or mask is not None or inputs.dtype != tf.float32:
            return usual(inputs, training=training, mask=mask)
        shape = tf.shape(inputs)
        channels = inputs.shape[-1]
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=tf.reshape(inputs, (shape[0], 1, -1, channels)),
            scale=tf.convert_to_tensor(layer.gamma) if layer.scale else tf.ones(channels),
            offset=tf.convert_to_tensor(layer.beta) if layer.center else tf.zeros(channels),
            mean=[],
            variance=[],
            epsilon=layer.epsilon,
            is_training=True,
        )
        # The operation gives the variance of the population estimated from the batch; Keras
        # keeps that of the batch.
        count = tf.cast(tf.size(inputs) // channels, tf.float32)
        variance *= (count - 1) / count
        for kept, new in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            kept.assign(kept * layer.momentum + new * (1 - layer.momentum))
        return tf.reshape(outputs, shape)

    return call

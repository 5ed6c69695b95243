"""Batch normalization in one operation, where Keras runs about a dozen on the whole batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasnets._lazy import keras, tf


def supports(layer: Any) -> bool:
    """Return whether a layer is a batch normalization of the last axis that can be replaced."""
    return (
        type(layer) is keras.layers.BatchNormalization
        and layer.built
        and layer.axis in (-1, layer.input_spec.ndim - 1)
        and layer.input_spec.ndim in (3, 4)
        and not getattr(layer, "renorm", False)  # exists since Keras 3.14
        and not layer.synchronized
        and layer.trainable
        and layer.compute_dtype == "float32"
    )


def make_call(layer: Any) -> Callable[..., Any]:
    """Return a replacement for ``layer.call``.

    In training it uses TensorFlow's fused operation. In inference and with a mask it calls Keras's
    own method.
    """
    keras_call = layer.call

    def call(inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not training or mask is not None or inputs.dtype != tf.float32:
            return keras_call(inputs, training=training, mask=mask)
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
        # The operation returns the unbiased variance; Keras keeps the biased variance.
        count = tf.cast(tf.size(inputs) // channels, tf.float32)
        variance *= (count - 1) / count
        for moving, new in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            moving.assign(moving * layer.momentum + new * (1 - layer.momentum))
        return tf.reshape(outputs, shape)

    return call

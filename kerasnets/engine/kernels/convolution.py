"""A convolution whose kernel covers the whole input, calculated as one matrix product."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from kerasnets._lazy import keras, tf


def supports(layer: Any) -> bool:
    """Return whether a layer is a Conv2D without padding, groups or dilation."""
    return (
        type(layer) is keras.layers.Conv2D
        and layer.padding == "valid"
        and layer.data_format == "channels_last"
        and layer.groups == 1
        and set(layer.dilation_rate) == {1}
    )


def make_convolution_op(layer: Any) -> Callable[[Any, Any], Any]:
    """Return a replacement for ``layer.convolution_op``.

    It calls Keras's own method if the kernel is smaller than the input.
    """
    keras_convolution_op = layer.convolution_op

    def convolution_op(inputs: Any, kernel: Any) -> Any:
        if tuple(inputs.shape[1:]) != tuple(kernel.shape[:-1]):
            return keras_convolution_op(inputs, kernel)
        features, filters = math.prod(kernel.shape[:-1]), kernel.shape[-1]
        kernel = tf.reshape(tf.convert_to_tensor(kernel), (features, filters))
        outputs = tf.matmul(tf.reshape(inputs, (-1, features)), kernel)
        return tf.reshape(outputs, (-1, 1, 1, filters))

    return convolution_op

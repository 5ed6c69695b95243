"""A convolution whose kernel covers the whole input, as the product of matrices that it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from kerasnets._lazy import keras, tf


def is_plain_convolution(layer: Any) -> bool:
    """Whether it is one of pictures without padding, groups or dilation."""
    return (
        type(layer) is keras.layers.Conv2D
        and layer.padding == "valid"
        and layer.data_format == "channels_last"
        and layer.groups == 1
        and set(layer.dilation_rate) == {1}
    )


def convolution_op(layer: Any) -> Callable[[Any, Any], Any]:
    """What stands in for the layer's ``convolution_op``."""
    usual = layer.convolution_op

    def convolution(inputs: Any, kernel: Any) -> Any:
        if tuple(inputs.shape[1:]) != tuple(kernel.shape[:-1]):
            return usual(inputs, kernel)
        terms, filters = math.prod(kernel.shape[:-1]), kernel.shape[-1]
        kernel = tf.reshape(tf.convert_to_tensor(kernel), (terms, filters))
        sums = tf.matmul(tf.reshape(inputs, (-1, terms)), kernel)
        return tf.reshape(sums, (-1, 1, 1, filters))

    return convolution

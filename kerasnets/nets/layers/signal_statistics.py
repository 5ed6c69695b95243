"""A layer that computes eight statistics of a signal."""

from __future__ import annotations

from typing import Any

from kerasnets._lazy import keras

COUNT = 8
# Added before each logarithm and division, so that the results for a constant signal are finite;
# far below the resolution of 1 µV.
_FLOOR = 0.1


@keras.saving.register_keras_serializable(package="kerasnets")
class SignalStatistics(keras.layers.Layer):
    """Mean, log variance, skewness, kurtosis, and four statistics of the differences.

    The last four are the logarithms of the mean and the largest absolute first difference, and
    the same for the second difference. Means measure line length, maxima measure spikes. Inputs
    have the shape ``(batch, samples)``, in µV, outputs ``(batch, 8)``.
    """

    def call(self, inputs: Any) -> Any:
        """The eight statistics of each signal."""
        ops = keras.ops
        mean = ops.mean(inputs, axis=1, keepdims=True)
        centered = inputs - mean
        square = ops.square(centered)
        variance = ops.mean(square, axis=1, keepdims=True) + _FLOOR
        skewness = ops.mean(square * centered, axis=1, keepdims=True) / (
            variance * ops.sqrt(variance)
        )
        kurtosis = ops.mean(ops.square(square), axis=1, keepdims=True) / ops.square(variance)
        first = inputs[:, 1:] - inputs[:, :-1]
        second = first[:, 1:] - first[:, :-1]
        logs = [
            ops.log(reduce(ops.abs(x), axis=1, keepdims=True) + _FLOOR)
            for x in (first, second)
            for reduce in (ops.mean, ops.max)
        ]
        return ops.concatenate([mean, ops.log(variance), skewness, kurtosis, *logs], axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Eight numbers per signal."""
        return (input_shape[0], COUNT)

"""The layer that sums a signal up in eight numbers."""

from __future__ import annotations

from typing import Any

from kerasnets._lazy import keras

COUNT = 8
# Added before each logarithm and division, so that a flat line gives finite numbers; far below
# what a converter of 1 µV resolves.
_FLOOR = 0.1


@keras.saving.register_keras_serializable(package="kerasnets")
class SignalStatistics(keras.layers.Layer):
    """Mean, log variance, skewness and kurtosis; how steep and how bent a signal is.

    Steep and bent are the logarithms of the mean and of the largest absolute first and second
    difference: of line length and of spikes. Takes signals of shape ``(batch, samples)``, in µV,
    and gives ``(batch, 8)``.
    """

    def call(self, inputs: Any) -> Any:
        """The eight numbers of each signal."""
        ops = keras.ops
        mean = ops.mean(inputs, axis=1, keepdims=True)
        centred = inputs - mean
        square = ops.square(centred)
        variance = ops.mean(square, axis=1, keepdims=True) + _FLOOR
        skewness = ops.mean(square * centred, axis=1, keepdims=True) / (
            variance * ops.sqrt(variance)
        )
        kurtosis = ops.mean(ops.square(square), axis=1, keepdims=True) / ops.square(variance)
        steep = inputs[:, 1:] - inputs[:, :-1]
        bent = steep[:, 1:] - steep[:, :-1]
        logs = [
            ops.log(reduce(ops.abs(x), axis=1, keepdims=True) + _FLOOR)
            for x in (steep, bent)
            for reduce in (ops.mean, ops.max)
        ]
        return ops.concatenate([mean, ops.log(variance), skewness, kurtosis, *logs], axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Eight numbers a signal."""
        return (input_shape[0], COUNT)

"""Losses of our own, which Keras can save and load."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnets._lazy import keras


@keras.saving.register_keras_serializable(package="kerasnets")
class StandardizedSquaredError(keras.losses.Loss):
    """Mean of the squared errors, each divided by the variance of its target.

    Targets in any units train as if they had variance 1, and several targets count the same. The
    loss of a model that always predicts the mean is 1.
    """

    def __init__(self, variance: Sequence[float], name: str = "loss", **arguments: Any) -> None:
        """Divide by these variances.

        Args:
            variance: one value per target.
            name: of the loss.
            arguments: of ``keras.losses.Loss``.
        """
        super().__init__(name=name, **arguments)
        self.variance = [float(value) for value in variance]

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the error of each row."""
        y_true = keras.ops.reshape(keras.ops.cast(y_true, y_pred.dtype), keras.ops.shape(y_pred))
        squared = keras.ops.square(y_pred - y_true) / keras.ops.cast(self.variance, y_pred.dtype)
        return keras.ops.mean(squared, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "variance": self.variance}

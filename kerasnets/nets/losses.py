"""Custom losses that Keras can save and load."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnets._lazy import keras


@keras.saving.register_keras_serializable(package="kerasnets")
class StandardizedSquaredError(keras.losses.Loss):
    """Mean squared error in which each error is divided by the variance of its target.

    Targets in any unit are trained as if they had variance 1, and several targets have equal
    weight. A model that always predicts the mean has a loss of 1.

    Args:
        variance: one value per target.
        name: the name of the loss.
        arguments: arguments of ``keras.losses.Loss``.
    """

    def __init__(self, variance: Sequence[float], name: str = "loss", **arguments: Any) -> None:
        super().__init__(name=name, **arguments)
        self.variance = [float(value) for value in variance]

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss per row, of shape ``(batch,)``."""
        y_true = keras.ops.reshape(keras.ops.cast(y_true, y_pred.dtype), keras.ops.shape(y_pred))
        squared = keras.ops.square(y_pred - y_true) / keras.ops.cast(self.variance, y_pred.dtype)
        return keras.ops.mean(squared, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the loss."""
        return {**super().get_config(), "variance": self.variance}

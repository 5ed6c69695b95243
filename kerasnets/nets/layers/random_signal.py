"""An augmentation layer: random shift, scale and reversal of signals."""

from __future__ import annotations

from typing import Any

from kerasnets._lazy import keras


@keras.saving.register_keras_serializable(package="kerasnets")
class RandomSignal(keras.layers.Layer):
    """Shift, scale and reverse each signal at random; the identity in inference.

    A shifted signal is continued by its reflection at that end, so that it has no jump. Inputs
    and outputs have the shape ``(batch, samples)``.

    Args:
        shift: the largest shift in samples, in either direction; less than the signal length.
        scale: the largest logarithm of the scale factor.
        reverse: reverse half of the signals, chosen at random.
        seed: the random seed. Training by a recipe replaces it by its own.
        arguments: arguments of ``keras.layers.Layer``.
    """

    def __init__(
        self,
        shift: int = 0,
        scale: float = 0.0,
        reverse: bool = False,
        seed: int | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.amounts = {"shift": shift, "scale": scale, "reverse": reverse}
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """The signals, changed in training."""
        if not training or not any(self.amounts.values()):
            return inputs
        ops, last = keras.ops, inputs.shape[1] - 1
        # The last axis is 1, so that all samples of a signal have the same random numbers.
        random = keras.random.uniform(
            (3, ops.shape(inputs)[0], 1), -1.0, 1.0, seed=self.seed_generator
        )
        shift = ops.round(random[0] * self.amounts["shift"])
        positions = ops.arange(last + 1, dtype="float32") + shift
        positions = last - ops.abs(last - ops.abs(positions))  # reflect at both ends
        if self.amounts["reverse"]:
            positions = ops.where(random[1] > 0, last - positions, positions)
        factor = ops.exp(random[2] * self.amounts["scale"])
        return ops.take_along_axis(inputs, ops.cast(positions, "int32"), axis=1) * factor

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the signals."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments of the layer."""
        return {**super().get_config(), **self.amounts, "seed": self.seed}

"""An augmentation layer: random gains of the channels of log spectrograms."""

from __future__ import annotations

from typing import Any

from kerasnets._lazy import keras


@keras.saving.register_keras_serializable(package="kerasnets")
class RandomGain(keras.layers.Layer):
    """Add a normally distributed number to each channel; the identity in inference.

    For a log spectrogram this is a random gain per frequency that is the same in all frames.
    Electrodes and amplifiers differ in this way between recordings. Inputs and outputs have the
    shape ``(batch, frames, channels)``.

    Args:
        deviation: the standard deviation, in units of the logarithm.
        seed: the random seed. Training by a recipe replaces it by its own.
        arguments: arguments of ``keras.layers.Layer``.
    """

    def __init__(self, deviation: float, seed: int | None = None, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.deviation, self.seed = deviation, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """The inputs, with random gains in training."""
        if not training or not self.deviation:
            return inputs
        shape = (keras.ops.shape(inputs)[0], 1, inputs.shape[2])
        return inputs + keras.random.normal(shape, 0.0, self.deviation, seed=self.seed_generator)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the inputs."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments of the layer."""
        return {**super().get_config(), "deviation": self.deviation, "seed": self.seed}

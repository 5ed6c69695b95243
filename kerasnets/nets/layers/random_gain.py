"""The layer that makes channels louder and softer at random while a net trains."""

from __future__ import annotations

from typing import Any

from kerasnets._lazy import keras


@keras.saving.register_keras_serializable(package="kerasnets")
class RandomGain(keras.layers.Layer):
    """Add a normal number to each channel of logarithms; the identity in inference.

    On a log spectrogram that is another gain for each frequency, the same in every frame: as
    electrodes and amplifiers differ from one recording to the next. Takes and gives
    ``(batch, frames, channels)``.

    Args:
        deviation: the standard deviation, in units of the logarithm.
        seed: of the draws; training by a recipe sets its own.
        arguments: Keras's own for layers.
    """

    def __init__(self, deviation: float, seed: int | None = None, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.deviation, self.seed = deviation, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """The logarithms, moved in training."""
        if not training or not self.deviation:
            return inputs
        shape = (keras.ops.shape(inputs)[0], 1, inputs.shape[2])
        return inputs + keras.random.normal(shape, 0.0, self.deviation, seed=self.seed_generator)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """That of the logarithms."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """What the layer is made again from."""
        return {**super().get_config(), "deviation": self.deviation, "seed": self.seed}

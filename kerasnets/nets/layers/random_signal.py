"""The layer that shifts, scales and turns round signals at random while a net trains."""

from __future__ import annotations

from typing import Any

from kerasnets._lazy import keras


@keras.saving.register_keras_serializable(package="kerasnets")
class RandomSignal(keras.layers.Layer):
    """Shift, scale and turn round each signal by amounts of its own; the identity in inference.

    What a shift moves in from outside is the signal's own reflection at that end, so that there
    is no jump. Takes and gives signals of shape ``(batch, samples)``.

    Args:
        shift: samples, at most, either way; less than the signal has.
        scale: logarithm, at most, of the factor by which a signal shrinks or grows.
        reverse: whether to run every other signal, by chance, backwards.
        seed: of the draws; training by a recipe sets its own.
        arguments: Keras's own for layers.
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
        """The signals, each changed in training."""
        if not training or not any(self.amounts.values()):
            return inputs
        ops, last = keras.ops, inputs.shape[1] - 1
        # One column a signal, so that its samples share what is drawn.
        drawn = keras.random.uniform(
            (3, ops.shape(inputs)[0], 1), -1.0, 1.0, seed=self.seed_generator
        )
        places = ops.arange(last + 1, dtype="float32") + ops.round(drawn[0] * self.amounts["shift"])
        places = last - ops.abs(last - ops.abs(places))
        if self.amounts["reverse"]:
            places = ops.where(drawn[1] > 0, last - places, places)
        factor = ops.exp(drawn[2] * self.amounts["scale"])
        return ops.take_along_axis(inputs, ops.cast(places, "int32"), axis=1) * factor

    def compute_output_shape(self, input_shape: Any) -> Any:
        """That of the signals."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """What the layer is made again from."""
        return {**super().get_config(), **self.amounts, "seed": self.seed}

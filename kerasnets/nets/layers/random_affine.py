"""The layer that turns, sizes, slants and moves images at random while a net trains."""

from __future__ import annotations

import math
from typing import Any

from kerasnets._lazy import keras


@keras.saving.register_keras_serializable(package="kerasnets")
class RandomAffine(keras.layers.Layer):
    """Turn, size, slant and move each image by amounts of its own; the identity in inference.

    One interpolation does all four, where Keras's random layers take one each. What comes in
    from outside the image is 0. Takes and gives images of shape ``(batch, size, size, channels)``.

    Args:
        rotation: degrees, at most, either way.
        scale: logarithm, at most, of the factor by which each axis shrinks or grows.
        shear: pixels sideways a pixel downwards, at most, either way.
        shift: pixels along each axis, at most, either way.
        seed: of the draws; training by a recipe sets its own.
        arguments: Keras's own for layers.
    """

    def __init__(
        self,
        rotation: float = 0.0,
        scale: float = 0.0,
        shear: float = 0.0,
        shift: float = 0.0,
        seed: int | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.amounts = {"rotation": rotation, "scale": scale, "shear": shear, "shift": shift}
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """The images, each changed in training."""
        if not training or not any(self.amounts.values()):
            return inputs
        return keras.ops.image.affine_transform(inputs, self._transforms(inputs))

    def _transforms(self, images: Any) -> Any:
        """A transform an image, ``(batch, 8)``: from a pixel's place to where its value is."""
        ops = keras.ops
        batch, middle = ops.shape(images)[0], (images.shape[1] - 1) / 2
        drawn = keras.random.uniform((6, batch), -1.0, 1.0, seed=self.seed_generator)
        angle = drawn[0] * math.radians(self.amounts["rotation"])
        across = ops.exp(drawn[1] * self.amounts["scale"])
        down = ops.exp(drawn[2] * self.amounts["scale"])
        slant = drawn[3] * self.amounts["shear"]
        cos, sin = ops.cos(angle), ops.sin(angle)
        x_of_x, y_of_x = cos * across, sin * across
        x_of_y, y_of_y = (slant * cos - sin) * down, (slant * sin + cos) * down
        # About the middle of the image, then moved.
        x_of_1 = middle - (x_of_x + x_of_y) * middle + drawn[4] * self.amounts["shift"]
        y_of_1 = middle - (y_of_x + y_of_y) * middle + drawn[5] * self.amounts["shift"]
        flat = ops.zeros_like(angle)
        rows = [x_of_x, x_of_y, x_of_1, y_of_x, y_of_y, y_of_1, flat, flat]
        return ops.stack(rows, axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """That of the images."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """What the layer is made again from."""
        return {**super().get_config(), **self.amounts, "seed": self.seed}

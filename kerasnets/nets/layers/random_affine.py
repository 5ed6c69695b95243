"""An augmentation layer: random rotation, scale, shear and shift of images."""

from __future__ import annotations

import math
from typing import Any

from kerasnets._lazy import keras


@keras.saving.register_keras_serializable(package="kerasnets")
class RandomAffine(keras.layers.Layer):
    """Rotate, scale, shear and shift each image by random amounts; the identity in inference.

    All four take a single interpolation, while Keras's random layers interpolate once each.
    Pixels from outside the image are 0. Inputs and outputs have the shape
    ``(batch, size, size, channels)``.

    Args:
        rotation: the largest rotation in degrees, in either direction.
        scale: the largest logarithm of the scale factor of each axis.
        shear: the largest shear, in pixels to the side per pixel down, in either direction.
        shift: the largest shift in pixels along each axis, in either direction.
        seed: the random seed. Training by a recipe replaces it by its own.
        arguments: arguments of ``keras.layers.Layer``.
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
        """The images, transformed in training."""
        if not training or not any(self.amounts.values()):
            return inputs
        return keras.ops.image.affine_transform(inputs, self._transforms(inputs))

    def _transforms(self, images: Any) -> Any:
        """One transform per image, ``(batch, 8)``: from output pixels to input pixels."""
        ops = keras.ops
        batch, center = ops.shape(images)[0], (images.shape[1] - 1) / 2
        random = keras.random.uniform((6, batch), -1.0, 1.0, seed=self.seed_generator)
        angle = random[0] * math.radians(self.amounts["rotation"])
        scale_x = ops.exp(random[1] * self.amounts["scale"])
        scale_y = ops.exp(random[2] * self.amounts["scale"])
        shear = random[3] * self.amounts["shear"]
        cos, sin = ops.cos(angle), ops.sin(angle)
        # Input pixel (x, y) = matrix · output pixel + offset.
        xx, yx = cos * scale_x, sin * scale_x
        xy, yy = (shear * cos - sin) * scale_y, (shear * sin + cos) * scale_y
        # The transform is about the center of the image; then comes the shift.
        offset_x = center - (xx + xy) * center + random[4] * self.amounts["shift"]
        offset_y = center - (yx + yy) * center + random[5] * self.amounts["shift"]
        zeros = ops.zeros_like(angle)
        return ops.stack([xx, xy, offset_x, yx, yy, offset_y, zeros, zeros], axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the images."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments of the layer."""
        return {**super().get_config(), **self.amounts, "seed": self.seed}

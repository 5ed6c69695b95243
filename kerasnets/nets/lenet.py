"""LeNet-5, the convolutional network on handwritten digits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnets._lazy import keras
from kerasnets.nets.blocks import classifier, dense_stack, image_input
from kerasnets.nets.catalogue import register
from kerasnets.nets.digits import like_mnist

_RECIPE: dict[str, Any] = {
    "rescaling": "none",
    "epochs": 15,
    "monitor": "val_accuracy",
    "threads": 1,
    "schedule": "cosine",  # with a constant rate, accuracy is 0.4 points lower
}


@register(
    "lenet5", data="mnist", source="S3", recipe_by_data=like_mnist(_RECIPE), as_reported=_RECIPE,
    **{**_RECIPE, "epochs": 40},  # for few images
)  # fmt: skip
def lenet5(
    *,
    filters: Sequence[int] = (6, 16, 120),
    units: Sequence[int] = (84,),
    activation: str = "tanh",
    size: int = 28,
    frame: int = 32,
    classes: int = 10,
) -> keras.Model:
    """Conv 6, 16, 120 × 5 tanh, average pool 2 between → 84 tanh → 10: 61,706 parameters.

    The LeNet-5 of S3, after LeCun et al., Proc. IEEE 86, 2278 (1998), with full connections
    between the convolutions. Each convolution reduces height and width by 4 pixels, so that
    images of 32 × 32 become a single pixel.

    Args:
        filters: the number of filters of each convolution. There is an average pooling before
            each convolution but the first.
        units: the width of each dense layer before the logits.
        activation: the activation function of all convolutions and dense layers.
        size: the height and width of the images in pixels from 0 to 255.
        frame: the height and width after the net adds background around the image.
        classes: the number of logits.
    """
    image, x = image_input(size, frame)
    for number, width in enumerate(filters, start=1):
        if number > 1:
            x = keras.layers.AveragePooling2D(2, name=f"pool_{number - 1}")(x)
        x = keras.layers.Conv2D(width, 5, activation=activation, name=f"conv_{number}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    return classifier(image, dense_stack(x, units, activation), classes)

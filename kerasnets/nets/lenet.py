"""LeNet-5, the convolutional network on handwritten digits."""

from __future__ import annotations

from collections.abc import Sequence

from kerasnets._lazy import keras
from kerasnets.nets.blocks import classifier, dense_stack, image_input
from kerasnets.nets.catalogue import register


@register(
    "lenet5", data="mnist", source="S3", rescaling="none", epochs=15, monitor="val_accuracy",
    schedule="cosine",  # at a constant rate it ends 0.4 points lower
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

    S3's LeNet-5, after LeCun et al., Proc. IEEE 86, 2278 (1998), with full connections between
    the convolutions. Each of them takes 4 pixels a side, so that 32 end at a single one.

    Args:
        filters: the filters of each convolution; an average pooling stands before all but the
            first.
        units: the width of each dense layer before the logits.
        activation: of every convolution and dense layer.
        size: pixels a side, from 0 to 255.
        frame: pixels a side after the net has put background around the image.
        classes: how many logits come out.
    """
    image, x = image_input(size, frame)
    for number, width in enumerate(filters, start=1):
        if number > 1:
            x = keras.layers.AveragePooling2D(2, name=f"pool_{number - 1}")(x)
        x = keras.layers.Conv2D(width, 5, activation=activation, name=f"conv_{number}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    return classifier("lenet5", image, dense_stack(x, units, activation), classes)

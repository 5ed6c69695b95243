"""Networks on handwritten digits: four multi-layer perceptrons and a convolutional network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnets._lazy import keras
from kerasnets.nets.blocks import classifier, dense_stack, image_input
from kerasnets.nets.catalogue import register

# The nets bring pixels to 0…1 themselves: scaling each pixel by its own spread would make the
# few strokes near the border hundreds of times as strong as any other.
_RECIPE: dict[str, Any] = {"rescaling": "none", "monitor": "val_accuracy"}


def _digit_mlp(
    name: str,
    *,
    units: Sequence[int],
    activation: str | Sequence[str],
    dropout: float,
    size: int,
    classes: int,
    frame: int | None = None,
) -> keras.Model:
    image, x = image_input(size, frame)
    x = keras.layers.Flatten(name="flatten")(x)
    return classifier(name, image, dense_stack(x, units, activation, dropout), classes)


@register("digit-mlp-tanh", data="mnist", source="S3", epochs=15, **_RECIPE)
def digit_mlp_tanh(
    *,
    units: Sequence[int] = (256, 64, 16),
    activation: str | Sequence[str] = "tanh",
    dropout: float = 0.0,
    size: int = 28,
    frame: int | None = 32,
    classes: int = 10,
) -> keras.Model:
    """1,024 pixels → 256 → 64 → 16 tanh → 10: 280,058 parameters.

    S3's comparison with LeNet-5, on the same framed images.

    Args:
        units: the width of each hidden layer.
        activation: one for all hidden layers, or one for each.
        dropout: the rate after each hidden layer.
        size: pixels a side, from 0 to 255.
        frame: pixels a side after the net has put background around the image; ``None`` for
            none.
        classes: how many logits come out.
    """
    return _digit_mlp("digit-mlp-tanh", **locals())


@register("digit-mlp-1", data="mnist", source="S4", epochs=10, **_RECIPE)
def digit_mlp_1(
    *,
    units: Sequence[int] = (100,),
    activation: str | Sequence[str] = "relu",
    dropout: float = 0.5,
    size: int = 28,
    classes: int = 10,
) -> keras.Model:
    """784 pixels → 100 ReLU, dropout 0.5 → 10: 79,510 parameters.

    S4's shallow net. Arguments as in ``digit-mlp-tanh``, without a frame.
    """
    return _digit_mlp("digit-mlp-1", **locals())


@register("digit-mlp-2", data="mnist", source="S4", epochs=10, **_RECIPE)
def digit_mlp_2(
    *,
    units: Sequence[int] = (150, 50),
    activation: str | Sequence[str] = "relu",
    dropout: float = 0.1,
    size: int = 28,
    classes: int = 10,
) -> keras.Model:
    """784 pixels → 150 → 50 ReLU, dropout 0.1 each → 10: 125,810 parameters.

    S4 allows 200 hidden units in two layers and gives neither widths nor rates; these are ours.
    Arguments as in ``digit-mlp-1``.
    """
    return _digit_mlp("digit-mlp-2", **locals())


@register("digit-mlp-3", data="mnist", source="S4", epochs=10, **_RECIPE)
def digit_mlp_3(
    *,
    units: Sequence[int] = (500, 350, 150),
    activation: str | Sequence[str] = "relu",
    dropout: float = 0.25,
    size: int = 28,
    classes: int = 10,
) -> keras.Model:
    """784 pixels → 500 → 350 → 150 ReLU, dropout 0.25 each → 10: 622,010 parameters.

    S4's deep net; the width that does not chain in its listing is the one before it here.
    Arguments as in ``digit-mlp-1``.
    """
    return _digit_mlp("digit-mlp-3", **locals())


@register("digit-cnn", data="mnist", source="S4", epochs=3, **_RECIPE)
def digit_cnn(
    *,
    filters: Sequence[int] = (32, 32),
    kernel_size: int = 3,
    units: Sequence[int] = (64,),
    dropout: float = 0.2,
    size: int = 28,
    classes: int = 10,
) -> keras.Model:
    """Two blocks of conv 32 × 3 ReLU, pool 2, dropout 0.2 → 64 ReLU → 10: 61,546 parameters.

    S4's CNN. The second convolution, and each further one, is normalised over the batch before
    its ReLU.

    Args:
        filters: the filters of each convolution.
        kernel_size: pixels a side under each kernel; no padding.
        units: the width of each dense layer before the logits.
        dropout: the rate after each pooling.
        size: pixels a side, from 0 to 255.
        classes: how many logits come out.
    """
    image, x = image_input(size)
    for number, width in enumerate(filters, start=1):
        x = keras.layers.Conv2D(width, kernel_size, name=f"conv_{number}")(x)
        if number > 1:
            x = keras.layers.BatchNormalization(name=f"conv_{number}_norm")(x)
        x = keras.layers.ReLU(name=f"conv_{number}_relu")(x)
        x = keras.layers.MaxPooling2D(2, name=f"pool_{number}")(x)
        if dropout:
            x = keras.layers.Dropout(dropout, name=f"conv_{number}_dropout")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    return classifier("digit-cnn", image, dense_stack(x, units, "relu"), classes)

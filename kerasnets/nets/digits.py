"""Networks on handwritten digits: four multi-layer perceptrons and two convolutional networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnets._lazy import keras
from kerasnets.nets.blocks import classifier, dense_stack, image_input
from kerasnets.nets.catalogue import register

# The nets bring pixels to 0…1 themselves: scaling each pixel by its own spread would make the
# few strokes near the border hundreds of times as strong as any other.
_RECIPE: dict[str, Any] = {"rescaling": "none", "monitor": "val_accuracy"}
# At a constant rate the last epochs only wander: down to 0 they gain up to half a point.
_DOWN_TO_0: dict[str, Any] = {**_RECIPE, "schedule": "cosine"}
_S4_MLP: dict[str, Any] = {"data": "mnist", "source": "S4", "epochs": 10, **_DOWN_TO_0}


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


@register("digit-mlp-tanh", data="mnist", source="S3", epochs=15, **_DOWN_TO_0)
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


@register("digit-mlp-1", batch_size=16, learning_rate=2e-3, **_S4_MLP)
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


@register("digit-mlp-2", **_S4_MLP)
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


@register("digit-mlp-3", batch_size=64, learning_rate=2e-3, **_S4_MLP)
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


@register(
    "digit-cnn-compact",
    data="mnist",
    source="own",
    epochs=10,
    batch_size=64,
    learning_rate=0.003,
    schedule="cosine",
    **_RECIPE,
)
def digit_cnn_compact(
    *,
    filters: Sequence[int] = (16, 24, 32, 48, 64),
    kernel_sizes: Sequence[int] = (5, 3, 3, 3, 3),
    strides: Sequence[int] = (2, 1, 1, 1, 1),
    pool_after: int = 3,
    dropout: float = 0.2,
    rotation: float = 10.0,
    scale: float = 0.1,
    shear: float = 0.1,
    shift: float = 2.0,
    size: int = 28,
    classes: int = 10,
) -> keras.Model:
    """Five convs 16 to 64, each normalised, on images moved at random → 10: 53,258 parameters.

    Ours, to do better than ``lenet5`` with fewer parameters: there are no dense layers but the
    logits. 28 pixels a side become 14 by stride 2, then 12, 10, by pooling 5, 3 and 1. Turning,
    sizing, slanting and moving the images is of training only.

    Args:
        filters: the filters of each convolution.
        kernel_sizes: pixels a side under the kernels of each convolution.
        strides: of each convolution; one with stride 2 is padded, the others are not.
        pool_after: the convolution, counted from 1, after which a max pooling of 2 stands.
        dropout: the rate before the logits.
        rotation: degrees, at most, by which training turns an image either way.
        scale: logarithm, at most, of the factor by which it sizes each axis.
        shear: pixels sideways a pixel downwards, at most, by which it slants.
        shift: pixels, at most, by which it moves along each axis.
        size: pixels a side, from 0 to 255.
        classes: how many logits come out.
    """
    # Here and not above: the layer is a Keras class, and names and summaries need no Keras.
    from kerasnets.nets.layers.random_affine import RandomAffine

    image, x = image_input(size)
    x = RandomAffine(rotation, scale, shear, shift, name="augment")(x)
    shapes = zip(filters, kernel_sizes, strides, strict=True)
    for number, (width, kernel_size, stride) in enumerate(shapes, start=1):
        x = keras.layers.Conv2D(
            width,
            kernel_size,
            strides=stride,
            padding="same" if stride > 1 else "valid",
            use_bias=False,
            name=f"conv_{number}",
        )(x)
        x = keras.layers.BatchNormalization(momentum=0.98, name=f"conv_{number}_norm")(x)
        x = keras.layers.ReLU(name=f"conv_{number}_relu")(x)
        if number == pool_after:
            x = keras.layers.MaxPooling2D(2, name="pool")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    return classifier("digit-cnn-compact", image, x, classes)

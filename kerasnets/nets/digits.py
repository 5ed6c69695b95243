"""Networks on handwritten digits: multilayer perceptrons and convolutional networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnets._lazy import keras
from kerasnets.nets.blocks import classifier, dense_stack, image_input
from kerasnets.nets.catalogue import register, variant

# The nets scale pixels to 0…1 themselves. Standardizing each pixel would amplify the few strokes
# near the border several hundred times.
_RECIPE: dict[str, Any] = {"rescaling": "none", "monitor": "val_accuracy"}
# With a constant learning rate, the last epochs bring no improvement. A decay to 0 improves
# accuracy by up to half a point.
_DECAY: dict[str, Any] = {**_RECIPE, "schedule": "cosine"}
# For data such as the 1,797 real digits of scikit-learn: an epoch has few steps.
_FEW_IMAGES: dict[str, Any] = {**_DECAY, "epochs": 40}
_S3: dict[str, Any] = {**_DECAY, "epochs": 15}
_S4: dict[str, Any] = {**_DECAY, "epochs": 10}
_S4_ONE_LAYER: dict[str, Any] = {**_S4, "batch_size": 16, "learning_rate": 2e-3}
_S4_THREE_LAYERS: dict[str, Any] = {**_S4, "batch_size": 64, "learning_rate": 2e-3}
_S4_CNN: dict[str, Any] = {**_RECIPE, "epochs": 3, "threads": 1}


def like_mnist(settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A recipe for each data set with as many images as MNIST."""
    return {"mnist": settings, "idx": settings}


@register(
    "digit-mlp-tanh",
    data="mnist",
    source="S3",
    recipe_by_data=like_mnist(_S3),
    as_reported=_S3,
    **_FEW_IMAGES,
)
def digit_mlp(
    *,
    units: int | Sequence[int] = (256, 64, 16),
    activation: str | Sequence[str] = "tanh",
    dropout: float = 0.0,
    size: int = 28,
    frame: int | None = 32,
    classes: int = 10,
) -> keras.Model:
    """1,024 pixels → 256 → 64 → 16 tanh → 10: 280,058 parameters.

    S3 compares it with LeNet-5 on the same images.

    Args:
        units: the width of each hidden layer; a single number is one layer.
        activation: one activation function for all hidden layers, or one per layer.
        dropout: the dropout rate after each hidden layer.
        size: the height and width of the images in pixels from 0 to 255.
        frame: the height and width after the net adds background around the image. ``None``:
            nothing is added.
        classes: the number of logits.
    """
    image, x = image_input(size, frame)
    x = keras.layers.Flatten(name="flatten")(x)
    return classifier(image, dense_stack(x, units, activation, dropout), classes)


variant(
    "digit-mlp-1", of="digit-mlp-tanh", source="S4",
    recipe={**_S4_ONE_LAYER, "epochs": 40},
    recipe_by_data=like_mnist(_S4_ONE_LAYER), as_reported=_S4_ONE_LAYER,
    units=(100,), activation="relu", dropout=0.5, frame=None,
    summary="784 pixels → 100 ReLU, dropout 0.5 → 10, the shallow net of S4: 79,510 parameters.",
)  # fmt: skip
# S4 allows 200 hidden units in two layers. The widths and dropout rates are our choice.
variant(
    "digit-mlp-2", of="digit-mlp-tanh", source="S4",
    recipe=_FEW_IMAGES, recipe_by_data=like_mnist(_S4), as_reported=_S4,
    units=(150, 50), activation="relu", dropout=0.1, frame=None,
    summary="784 pixels → 150 → 50 ReLU, dropout 0.1 each → 10: 125,810 parameters.",
)  # fmt: skip
# In the code of S4, one input width differs from the width of the layer before it; we use the
# width of that layer.
variant(
    "digit-mlp-3", of="digit-mlp-tanh", source="S4",
    recipe=_FEW_IMAGES, recipe_by_data=like_mnist(_S4_THREE_LAYERS), as_reported=_S4_THREE_LAYERS,
    units=(500, 350, 150), activation="relu", dropout=0.25, frame=None,
    summary="784 pixels → 500 → 350 → 150 ReLU, dropout 0.25 each → 10, the deep net of S4: "
    "622,010 parameters.",
)  # fmt: skip


@register(
    "digit-cnn", data="mnist", source="S4", recipe_by_data=like_mnist(_S4_CNN), as_reported=_S4_CNN,
    threads=1, **_FEW_IMAGES,
)  # fmt: skip
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

    The CNN of S4. All convolutions but the first have batch normalization before their ReLU.

    Args:
        filters: the number of filters of each convolution.
        kernel_size: the height and width of the kernels in pixels; without padding.
        units: the width of each dense layer before the logits.
        dropout: the dropout rate after each pooling.
        size: the height and width of the images in pixels from 0 to 255.
        classes: the number of logits.
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
    return classifier(image, dense_stack(x, units, "relu"), classes)


_COMPACT: dict[str, Any] = {
    **_DECAY,
    "epochs": 10,
    "batch_size": 64,
    "learning_rate": 0.003,
    "threads": 1,
}


@register(
    "digit-cnn-compact", data="mnist", source="own", recipe_by_data=like_mnist(_COMPACT),
    **{**_COMPACT, "epochs": 40},
)  # fmt: skip
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
    """Five convolutions 16 to 64 with batch normalization and augmentation → 10: 53,258 parameters.

    One of our reference nets, more accurate than ``lenet5`` with fewer parameters. The logits are
    its only dense layer. Images of 28 × 28 become 14 × 14 by a stride of 2, then 12, 10, 5 by
    pooling, 3 and 1. Augmentation by rotation, scale, shear and shift runs in training only.

    Args:
        filters: the number of filters of each convolution.
        kernel_sizes: the height and width of the kernels of each convolution, in pixels.
        strides: the stride of each convolution; strides above 1 use padding.
        pool_after: the number of the convolution, from 1, before a max pooling of size 2.
        dropout: the dropout rate before the logits.
        rotation: augmentation: the largest rotation in degrees, in either direction.
        scale: augmentation: the largest logarithm of the scale factor of each axis.
        shear: augmentation: the largest shear, in pixels to the side per pixel down.
        shift: augmentation: the largest shift in pixels along each axis.
        size: the height and width of the images in pixels from 0 to 255.
        classes: the number of logits.
    """
    # Imported here because the layer imports Keras. Names and summaries must work without Keras.
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
    return classifier(image, x, classes)

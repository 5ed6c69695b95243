"""Parts that the builders share: inputs, a stack of dense layers, the output layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnets._lazy import keras

SAMPLES = 178
CLASSES = 5


def signal_input(samples: int, shape: tuple[int, ...] | None = None) -> tuple[Any, Any]:
    """Create the input ``signal``.

    All seizure nets take the samples as the data set has them, so that data, servers and nets
    need no conversion between them.

    Args:
        samples: the number of samples.
        shape: the shape that the network uses. Default: ``(samples,)``.

    Returns:
        The input of shape ``(batch, samples)``, and the same values in ``shape``.
    """
    signal = keras.Input((samples,), name="signal", dtype="float32")
    if shape is None:
        return signal, signal
    return signal, keras.layers.Reshape(shape, name="as_sequence")(signal)


def image_input(size: int, frame: int | None = None) -> tuple[Any, Any]:
    """Create the input ``image`` of shape ``(batch, size, size, 1)``.

    The input takes pixels from 0 (background) to 255, as image files have them. The conversion
    is a part of the network, and therefore of its exported files.

    Args:
        size: the height and width in pixels.
        frame: the height and width after background is added around the image. Default: ``size``.

    Returns:
        The input, and its pixels from 0 to 1.

    Raises:
        ValueError: the frame is smaller than the image.
    """
    image = keras.Input((size, size, 1), name="image", dtype="float32")
    x = keras.layers.Rescaling(1 / 255, name="from_0_to_1")(image)
    missing = 0 if frame is None else frame - size
    if missing < 0:
        raise ValueError(
            f"An image of {size} × {size} pixels does not fit a frame of {frame} × {frame}."
        )
    if missing:
        sides = (missing // 2, missing - missing // 2)
        x = keras.layers.ZeroPadding2D((sides, sides), name="frame")(x)
    return image, x


def layer_widths(units: int | Sequence[int]) -> tuple[int, ...]:
    """The widths of a stack of layers; a single number is one layer.

    Raises:
        ValueError: ``units`` is neither a positive integer nor a sequence of them.
    """
    widths = tuple(units) if isinstance(units, list | tuple) else (units,)
    for width in widths:
        if isinstance(width, bool) or not hasattr(width, "__index__") or int(width) < 1:
            raise ValueError(
                f"units must be a positive integer or a list of positive integers, got {units!r}."
            )
    return widths


def dense_stack(
    x: Any, units: int | Sequence[int], activation: str | Sequence[str], dropout: float = 0.0
) -> Any:
    """Add a stack of dense layers, each with dropout after it if the rate is not 0.

    Args:
        x: the input of the stack.
        units: the width of each layer; a single number is one layer.
        activation: one activation function for all layers, or one per layer.
        dropout: the dropout rate.

    Raises:
        ValueError: the numbers of widths and activation functions differ.
    """
    widths = layer_widths(units)
    activations = [activation] * len(widths) if isinstance(activation, str) else activation
    if len(activations) != len(widths):
        raise ValueError(
            f"units has {len(widths)} layers and activation has {len(activations)}; "
            "pass one activation for all layers or one per layer."
        )
    for number, (width, function) in enumerate(zip(widths, activations, strict=True), start=1):
        x = keras.layers.Dense(width, activation=function, name=f"dense_{number}")(x)
        if dropout:
            x = keras.layers.Dropout(dropout, name=f"dense_{number}_dropout")(x)
    return x


def classifier(inputs: Any, x: Any, classes: int) -> keras.Model:
    """Complete a network with its linear output layer, ``logits`` of shape ``(batch, classes)``."""
    return keras.Model(inputs, keras.layers.Dense(classes, name="logits")(x))

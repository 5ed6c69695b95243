"""The pieces the builders share: the inputs, a stack of dense layers, the head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnets._lazy import keras

SAMPLES = 178
CLASSES = 5


def signal_input(samples: int, shape: tuple[int, ...] | None = None) -> tuple[Any, Any]:
    """The input ``signal`` of shape ``(batch, samples)``, and the same values in another shape.

    Every seizure net takes the row as the data set gives it, so that data, servers and nets
    need no adapters between them.
    """
    signal = keras.Input((samples,), name="signal", dtype="float32")
    if shape is None:
        return signal, signal
    return signal, keras.layers.Reshape(shape, name="as_sequence")(signal)


def image_input(size: int, frame: int | None = None) -> tuple[Any, Any]:
    """The input ``image`` of shape ``(batch, size, size, 1)``, and its pixels from 0 to 1.

    Images come in as the files have them, pixels from 0 to 255 on a background of 0; what a net
    needs besides is in the net, and so in its exported files.

    Args:
        size: pixels a side.
        frame: pixels a side after background has been put around the image; ``size`` by default.

    Raises:
        ValueError: if the frame is smaller than the image.
    """
    image = keras.Input((size, size, 1), name="image", dtype="float32")
    x = keras.layers.Rescaling(1 / 255, name="from_0_to_1")(image)
    around = 0 if frame is None else frame - size
    if around < 0:
        raise ValueError(f"An image of {size} pixels a side does not fit a frame of {frame}.")
    if around:
        sides = (around // 2, around - around // 2)
        x = keras.layers.ZeroPadding2D((sides, sides), name="frame")(x)
    return image, x


def dense_stack(
    x: Any, units: int | Sequence[int], activations: str | Sequence[str], dropout: float = 0.0
) -> Any:
    """Dense layers in a row, each followed by dropout where the rate is not 0.

    Raises:
        ValueError: if there are not as many activations as widths.
    """
    units = [units] if isinstance(units, int) else units
    if isinstance(activations, str):
        activations = [activations] * len(units)
    if len(activations) != len(units):
        raise ValueError(
            f"units names {len(units)} layers and activation names {len(activations)}; "
            "give one activation for all or one for each layer."
        )
    for number, (width, activation) in enumerate(zip(units, activations, strict=True), start=1):
        x = keras.layers.Dense(width, activation=activation, name=f"dense_{number}")(x)
        if dropout:
            x = keras.layers.Dropout(dropout, name=f"dense_{number}_dropout")(x)
    return x


def classifier(name: str, inputs: Any, x: Any, classes: int) -> keras.Model:
    """Close a network with its linear output layer, ``logits`` of shape ``(batch, classes)``."""
    return keras.Model(inputs, keras.layers.Dense(classes, name="logits")(x), name=name)

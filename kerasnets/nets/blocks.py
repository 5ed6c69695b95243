"""The pieces the builders share: the EEG input, a stack of dense layers, the head."""

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


def dense_stack(
    x: Any, units: Sequence[int], activations: str | Sequence[str], dropout: float = 0.0
) -> Any:
    """Dense layers in a row, each followed by dropout where the rate is not 0.

    Raises:
        ValueError: if there are not as many activations as widths.
    """
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

"""The layer that turns the length of a sequence into the Keras mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasnets._lazy import keras


@keras.saving.register_keras_serializable(package="kerasnets")
class LengthMask(keras.layers.Layer):
    """Mask what lies beyond the length of each sequence, and set it to 0.

    A sentinel value, as ``keras.layers.Masking`` wants, cannot do it: an empty visit is legal
    data. Here the mask comes from the lengths alone, so an empty visit is a step like any other.
    Padding is replaced, not multiplied: NaN or infinite padding reaches neither the outputs nor
    the gradients.

    Takes ``[visits, length]`` of shapes ``(batch, time, features)`` and ``(batch,)`` and gives
    visits of the same shape with the mask ``(batch, time)``. A length of 0 masks every step; a
    recurrent layer then gives its initial state. Lengths are checked where their values are
    known, that is, in eager calls; inside a compiled graph one above the padded time counts as
    the padded time.

    Raises:
        ValueError: if the shapes are others, or a length is negative or above the padded time.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Check the shapes; there are no weights."""
        if len(input_shape) != 2 or [len(shape) for shape in input_shape] != [3, 1]:
            raise ValueError(
                f"{self.name} takes [visits, length] of shapes (batch, time, features) and "
                f"(batch,), got {input_shape}."
            )

    def call(self, inputs: Any) -> Any:
        """The visits, 0 beyond each length."""
        visits, length = inputs
        check_lengths(length, visits.shape[1])
        valid = keras.ops.expand_dims(_within(visits, length), -1)
        return keras.ops.where(valid, visits, keras.ops.zeros_like(visits))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """True for each step within the length, shape ``(batch, time)``."""
        if isinstance(inputs[0], keras.KerasTensor):
            # Keras makes a mask an input of the layers it reaches, so it needs a node of its own.
            return StepsWithin(name=f"{self.name}_steps")(inputs)
        return _within(*inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """That of the visits."""
        return input_shape[0]


@keras.saving.register_keras_serializable(package="kerasnets")
class StepsWithin(keras.layers.Layer):
    """The mask itself: from ``[visits, length]``, true for each step within the length."""

    def call(self, inputs: Any) -> Any:
        """A boolean tensor of shape ``(batch, time)``."""
        return _within(*inputs)


def _within(visits: Any, length: Any) -> Any:
    # Counting ones, not a range: while a graph is built or counted, the time axis has no size.
    ones = keras.ops.ones_like(visits[:, :, 0], dtype="int32")
    return keras.ops.cumsum(ones, axis=1) <= keras.ops.expand_dims(length, 1)


def check_lengths(length: Any, time: int | None) -> None:
    """Refuse lengths that do not fit the padded time; pass over tensors without values.

    Raises:
        ValueError: if a length is negative or above ``time``.
    """
    if not isinstance(length, np.ndarray) and not hasattr(length, "numpy"):
        return
    values = np.asarray(length)
    if values.size and not 0 <= values.min() <= values.max() <= (time or 0):
        raise ValueError(
            f"lengths must be in [0, {time or 0}], got min={values.min()} and max={values.max()}. "
            "Right-pad the visits and pass their true lengths."
        )

"""A layer that converts the lengths of sequences to a Keras mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasnets._lazy import keras


@keras.saving.register_keras_serializable(package="kerasnets")
class LengthMask(keras.layers.Layer):
    """Mask the steps beyond the length of each sequence, and set them to 0.

    ``keras.layers.Masking`` needs a sentinel value, which does not exist here: an empty visit is
    valid data. This layer computes the mask from the lengths only, so that an empty visit is a
    step like any other. Padding is replaced by 0, not multiplied, so that NaN or infinite
    padding changes neither outputs nor gradients.

    Inputs are ``[visits, length]`` of shapes ``(batch, time, features)`` and ``(batch,)``. The
    output has the shape of ``visits`` and the mask ``(batch, time)``. A length of 0 masks every
    step; a recurrent layer then returns its initial state. Eager calls check the lengths. In a
    compiled graph, a length above the number of steps is used as the number of steps.

    Raises:
        ValueError: the shapes are different, or a length is negative or above the number of
            steps.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Check the input shapes."""
        if len(input_shape) != 2 or [len(shape) for shape in input_shape] != [3, 1]:
            raise ValueError(
                f"{self.name} takes [visits, length] of shapes (batch, time, features) and "
                f"(batch,), got {input_shape}."
            )

    def call(self, inputs: Any) -> Any:
        """The visits, with 0 beyond each length."""
        visits, length = inputs
        check_lengths(length, visits.shape[1])
        valid = keras.ops.expand_dims(_within(visits, length), -1)
        return keras.ops.where(valid, visits, keras.ops.zeros_like(visits))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of shape ``(batch, time)``: True for each step within the length."""
        if isinstance(inputs[0], keras.KerasTensor):
            # Keras passes a mask to other layers as an input, so it must be the output of a layer.
            return StepsWithin(name=f"{self.name}_steps")(inputs)
        return _within(*inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the visits."""
        return input_shape[0]


@keras.saving.register_keras_serializable(package="kerasnets")
class StepsWithin(keras.layers.Layer):
    """Compute the mask from ``[visits, length]``: True for each step within the length."""

    def call(self, inputs: Any) -> Any:
        """A boolean tensor of shape ``(batch, time)``."""
        return _within(*inputs)


def _within(visits: Any, length: Any) -> Any:
    # A sum of ones and not a range, because the time axis of a symbolic tensor has no size.
    ones = keras.ops.ones_like(visits[:, :, 0], dtype="int32")
    return keras.ops.cumsum(ones, axis=1) <= keras.ops.expand_dims(length, 1)


def check_lengths(length: Any, time: int | None) -> None:
    """Check that lengths are within the number of steps. Symbolic tensors are not checked.

    Raises:
        ValueError: a length is negative or above ``time``.
    """
    if not isinstance(length, np.ndarray) and not hasattr(length, "numpy"):
        return
    values = np.asarray(length)
    if values.size and not 0 <= values.min() <= values.max() <= (time or 0):
        raise ValueError(
            f"lengths must be in [0, {time or 0}], got min={values.min()} and max={values.max()}. "
            "Right-pad the visits and pass their true lengths."
        )

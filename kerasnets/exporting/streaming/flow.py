"""What is known about the tensors of a stream before its first chunk arrives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

Shape = tuple[int | None, ...]


class NotCausalError(Exception):
    """Why a layer cannot run on a stream; a sentence that continues the name of the layer."""


class AllSteps:
    """Replaces ``length`` inputs and masks: a stream has no padding, so every step is valid."""


@dataclass(frozen=True)
class Timing:
    """How many steps of a tensor exist after ``n`` steps of input: ``(n + offset) // stride``.

    Two tensors with equal timings have equally many steps after every chunk.

    Attributes:
        stride: the number of input steps per step of the tensor.
        offset: the input steps by which the tensor is ahead; negative if it is behind.
    """

    stride: int = 1
    offset: int = 0

    def of_windows(self, size: int, stride: int, before: int) -> Timing:
        """The timing of windows over a tensor with this timing.

        Args:
            size: the number of steps per window, at least ``stride``.
            stride: the number of steps between the starts of two windows.
            before: the number of zeros before the first step.
        """
        ahead = before - size + stride
        return Timing(self.stride * stride, self.offset + self.stride * ahead)

    def count(self, steps: int) -> int:
        """The number of steps after so many steps of input."""
        return max(0, (steps + self.offset) // self.stride)

    @property
    def first(self) -> int:
        """The number of input steps after which the first step exists."""
        return max(1, self.stride - self.offset)


@dataclass(frozen=True)
class Flow:
    """A tensor of the model, as it flows through a stream.

    A sequence has the tensor ``(batch, steps, …)``. Any other tensor is a value that the model
    computes from a whole sequence, such as the last state of a GRU. In a stream it has one value
    per step: the value if the sequence ended there. The values of all steps are rows of one
    tensor, ``(batch * steps, …)``, so that the layers that follow need not know about steps.

    Attributes:
        shape: the shape in the model, without batch. The first axis of a sequence is time.
        timing: when its steps exist.
        is_sequence: whether it has a time axis.
        zeros_before: zeros before the first step, which a following convolution must use up.
    """

    shape: Shape
    timing: Timing
    is_sequence: bool
    zeros_before: int = 0

    @property
    def features(self) -> tuple[int, ...]:
        """The sizes of the axes after time.

        Raises:
            NotCausalError: one of them is free.
        """
        sizes = self.shape[1:] if self.is_sequence else self.shape
        if any(size is None for size in sizes):
            raise NotCausalError(f"has a free axis besides time, in the shape {self.shape}")
        return tuple(int(size or 0) for size in sizes)

    @property
    def width(self) -> int:
        """The number of values per step."""
        return math.prod(self.features)


@dataclass(frozen=True, eq=False)
class State:
    """A tensor that is carried from one chunk to the next.

    Attributes:
        name: its name as an input of the step model; as an output it is ``new_<name>``.
        initial: its value at the start of a stream, for one row: shape ``(1, …)``.
    """

    name: str
    initial: np.ndarray


def is_flow(value: Any) -> bool:
    """Whether an argument of a call is a tensor of the stream."""
    return isinstance(value, Flow)

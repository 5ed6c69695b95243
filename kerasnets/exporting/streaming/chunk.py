"""The tensors of one call of a step model, with helpers for the rules of the layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kerasnets._lazy import tf
from kerasnets.exporting.streaming.flow import Flow, Timing


class Chunk:
    """One chunk of a stream on its way through the layers.

    A tensor without new steps holds one step of arbitrary values instead, because runtimes
    cannot run recurrent layers and convolutions on nothing. ``count`` is then 0.

    Attributes:
        new_states: the states after the chunk, by name.
    """

    def __init__(self, states: Mapping[str, Any], steps: Any) -> None:
        """Begin a chunk.

        Args:
            states: the states before the chunk, by name.
            steps: the number of input steps in the chunk, an integer tensor.
        """
        self._states = states
        self.new_states: dict[str, Any] = {}
        self._counts: dict[Timing, Any] = {Timing(): steps}

    def state(self, name: str) -> Any:
        """The state before the chunk."""
        return self._states[name]

    def keep(self, name: str, value: Any, timing: Timing | None = None) -> None:
        """Set the state after the chunk.

        Args:
            name: the state.
            value: its new value.
            timing: if given, the state stays as it was if there are no new steps of this timing.
        """
        old = self._states[name]
        if timing is not None:
            value = tf.where(self.count(timing) > 0, value, old)
        self.new_states[name] = with_shape(value, old.shape)

    def count(self, timing: Timing) -> Any:
        """The number of new steps of tensors with this timing."""
        return self._counts[timing]

    def set_count(self, timing: Timing, count: Any) -> None:
        """Set the number of new steps of tensors with this timing."""
        self._counts.setdefault(timing, count)


def at_least_one_step(x: Any, count: Any) -> Any:
    """Add a step of zeros to a sequence without steps."""
    return tf.concat([x, zero_steps(x, tf.maximum(1 - count, 0))], 1)


def zero_steps(x: Any, count: Any) -> Any:
    """So many steps of zeros, with the rows and features of a sequence."""
    return tf.zeros(tf.stack([tf.shape(x)[0], count, *x.shape[2:]]), x.dtype)


def as_rows(x: Any) -> Any:
    """The steps of ``(batch, steps, …)`` as rows ``(batch * steps, …)``."""
    rows = tf.reshape(x, tf.concat([[-1], tf.shape(x)[2:]], 0))
    return with_shape(rows, [None, *x.shape[2:]])


def as_steps(x: Any, flow: Flow, chunk: Chunk, batch: Any) -> Any:
    """The new steps of any tensor, of shape ``(batch, steps, …)``."""
    count = chunk.count(flow.timing)
    if not flow.is_sequence:
        shape = tf.concat([[batch, -1], tf.shape(x)[1:]], 0)
        x = with_shape(tf.reshape(x, shape), [None, None, *x.shape[1:]])
    return x[:, :count]


def with_shape(x: Any, shape: Any) -> Any:
    """The tensor with a known shape. Not ``tf.ensure_shape``, an operation LiteRT does not have."""
    x.set_shape(shape)
    return x

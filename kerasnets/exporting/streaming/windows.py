"""Rules for layers that compute each output from a window of steps: convolution and pooling.

The state holds the steps that later windows still need. With a stride, or without padding, their
number changes from chunk to chunk, and is a state, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasnets._lazy import keras, tf
from kerasnets._patching import patched
from kerasnets.exporting.streaming.chunk import Chunk, zero_steps
from kerasnets.exporting.streaming.flow import Flow, NotCausalError


@dataclass(frozen=True)
class Windows:
    """The windows of a layer.

    Attributes:
        reach: the number of steps from the first to the last step of a window.
        stride: the number of steps between the starts of two windows.
        before: the number of zeros that the layer adds before the first step.
    """

    reach: int
    stride: int
    before: int = 0

    @property
    def size(self) -> int:
        """The reach, or the stride if it is larger: the steps between two windows are skipped."""
        return max(self.reach, self.stride)


def windows_of(layer: Any) -> Windows:
    """The windows of a convolution, a pooling or a spectrogram.

    Raises:
        NotCausalError: a window has later steps than its output.
    """
    layers = keras.layers
    check_channels_last(layer)
    if isinstance(layer, layers.STFTSpectrogram):
        found = Windows(layer.frame_length, layer.frame_step or layer.frame_length // 2)
    elif isinstance(layer, layers.MaxPooling1D | layers.AveragePooling1D):
        found = Windows(layer.pool_size[0], layer.strides[0])
    else:
        reach = (layer.kernel_size[0] - 1) * layer.dilation_rate[0] + 1
        before = reach - 1 if layer.padding == "causal" else 0
        found = Windows(reach, layer.strides[0], before)
    if layer.padding == "same" and (found.reach > 1 or found.stride > 1):
        raise NotCausalError(
            f"looks ahead: padding='same' centres its window of {found.reach} steps. Train it with "
            "padding='causal' or 'valid'"
        )
    return found


def check_channels_last(layer: Any) -> None:
    """Check that the second axis of the inputs of a layer is time.

    Raises:
        NotCausalError: it is not.
    """
    if layer.data_format != "channels_last":
        raise NotCausalError(
            f"has data_format={layer.data_format!r}, so its second axis is not time"
        )


def slide(
    layer: Any, flow: Flow, out: tuple[int | None, ...], add_state: Callable[..., str]
) -> tuple[Flow, Callable[..., Any]]:
    """Plan a layer that computes outputs from windows.

    Args:
        layer: the layer.
        flow: its input, a sequence.
        out: the shape of its output, without batch.
        add_state: adds a state and returns its name.

    Returns:
        The output, and a function that runs the layer on a chunk.
    """
    windows = windows_of(layer)
    before = windows.before + flow.zeros_before
    size, stride = windows.size, windows.stride
    skipped = size - windows.reach  # a stride above the reach skips these before each window
    if before + skipped >= size:
        raise NotCausalError(f"gets {before} zeros before the first step, more than its window")
    timing = flow.timing.of_windows(size, stride, before + skipped)
    result = Flow(out, timing, is_sequence=True)
    if size == 1:
        return result, lambda chunk, x, **_: layer(x)
    held = size - 1
    samples = add_state("samples", np.zeros((1, held, *flow.features), "float32"))
    # With this timing, the number of steps that later windows need is always the same.
    fixed = stride == 1 and before + skipped == held
    pending = None if fixed else add_state("pending", np.array([before + skipped], "int32"))

    def run(chunk: Chunk, x: Any, *_: Any, **__: Any) -> Any:
        count, kept = chunk.count(flow.timing), held
        buffer = chunk.state(samples)
        if pending is not None:
            kept = tf.reduce_max(chunk.state(pending))  # equal in all rows
            buffer = buffer[:, held - kept :]
        steps = tf.concat([buffer, x[:, :count]], 1)
        complete = count
        if pending is not None:
            complete = tf.maximum(kept + count - size + stride, 0) // stride
            rest = kept + count - complete * stride
            zeros = zero_steps(steps, held - rest)
            chunk.keep(samples, tf.concat([zeros, steps[:, complete * stride :]], 1))
            chunk.keep(pending, tf.ones_like(chunk.state(pending)) * rest)
        else:
            chunk.keep(samples, steps[:, -held:])
        chunk.set_count(timing, complete)
        missing = zero_steps(steps, tf.maximum(size - kept - count, 0))
        steps = tf.concat([steps[:, skipped:], missing], 1)
        with patched((layer, "padding", "valid")):
            return layer(steps)

    return result, run

"""Layers with a sliding window: convolutions and pooling.

Positions in the padding count like all others, as in papers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnets.profiling.counts import Counts, Op, sum_of_products
from kerasnets.profiling.registry import Call, rule
from kerasnets.profiling.rules.activations import activation_ops
from kerasnets.profiling.rules.lora import lora_update
from kerasnets.profiling.sizes import Shape, Size, ceil_div, product, total


def channels_last(shape: Shape, data_format: str | None) -> Shape:
    """The axes of one sample in the order positions, channels."""
    return (*shape[2:], shape[1]) if data_format == "channels_first" else shape[1:]


def convolve(outputs: Shape, kernel: Shape, channels: Size, bias: bool, label: str = "") -> Op:
    """One sum of kernel · channels products per output."""
    return sum_of_products(
        "convolution", outputs, (*kernel, channels), bias=bias, label=label, window=kernel
    )


@rule("Conv1D", "Conv2D", "Conv3D")
def convolution(layer: Any, call: Call) -> list[Op]:
    """One sum of kernel · channels_in / groups products per output, plus the bias if any."""
    outputs = channels_last(call.output, layer.data_format)
    channels = channels_last(call.input, layer.data_format)[-1] // layer.groups
    sums = convolve(outputs, layer.kernel_size, channels, layer.use_bias)
    activation = activation_ops(layer.activation, call, outputs, after="convolution")
    return [*lora_update(layer), sums, *activation]


@rule("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
def transposed(layer: Any, call: Call) -> list[Op]:
    """Each input position adds kernel · filters products per channel to the output.

    The output starts from the bias or from zero, so that each product is a multiply–add.
    Products that fall into the cropped padding count too.
    """
    outputs = channels_last(call.output, layer.data_format)
    *positions, channels = channels_last(call.input, layer.data_format)
    sums = convolve(
        (*positions, layer.filters), layer.kernel_size, channels, True, "products to the output"
    )
    return [sums, *activation_ops(layer.activation, call, outputs, after="convolution")]


@rule("DepthwiseConv1D", "DepthwiseConv2D")
def depthwise(layer: Any, call: Call) -> list[Op]:
    """One sum over the kernel of a single channel per output, plus the bias if any."""
    outputs = channels_last(call.output, layer.data_format)
    sums = convolve(outputs, layer.kernel_size, 1, layer.use_bias)
    return [sums, *activation_ops(layer.activation, call, outputs, after="convolution")]


@rule("SeparableConv1D", "SeparableConv2D")
def separable(layer: Any, call: Call) -> list[Op]:
    """A depthwise convolution without bias, then a pointwise convolution across channels."""
    outputs = channels_last(call.output, layer.data_format)
    channels = channels_last(call.input, layer.data_format)[-1] * layer.depth_multiplier
    ones = (1,) * len(layer.kernel_size)
    return [
        convolve((*outputs[:-1], channels), layer.kernel_size, 1, False, "depthwise"),
        convolve(outputs, ones, channels, layer.use_bias, "pointwise"),
        *activation_ops(layer.activation, call, outputs, after="convolution"),
    ]


def pool(kind: str, outputs: Shape, window: Sequence[Size]) -> list[Op]:
    """Maximum or mean of one window per output.

    The maximum of n values takes n − 1 comparisons, their mean n − 1 additions and a division.
    """
    size = product(window)
    each = Counts(comparisons=size - 1)
    if "average" in kind:
        each = Counts(additions=size - 1, divisions=1)
    return [Op(kind, each, outputs, window=tuple(window), label=kind.replace("_", " "))]


def _pool_kind(layer: Any) -> str:
    return "max_pool" if "Max" in type(layer).__name__ else "average_pool"


_RANKS = (1, 2, 3)


@rule(*(f"{kind}Pooling{rank}D" for kind in ("Max", "Average") for rank in _RANKS))
def pooling(layer: Any, call: Call) -> list[Op]:
    """One window per output."""
    outputs = channels_last(call.output, layer.data_format)
    size = layer.pool_size
    return pool(_pool_kind(layer), outputs, (size,) if isinstance(size, int) else size)


@rule(*(f"Global{kind}Pooling{rank}D" for kind in ("Max", "Average") for rank in _RANKS))
def global_pooling(layer: Any, call: Call) -> list[Op]:
    """One window over all positions per channel."""
    *positions, channels = channels_last(call.input, layer.data_format)
    return pool(f"global_{_pool_kind(layer)}", (channels,), positions)


@rule(*(f"Adaptive{kind}Pooling{rank}D" for kind in ("Max", "Average") for rank in _RANKS))
def adaptive_pooling(layer: Any, call: Call) -> list[Op]:
    """Windows from ⌊i·in/out⌋ to ⌈(i+1)·in/out⌉ along each axis.

    The number of elements in all windows is the product over the axes of the summed window sizes.
    """
    *sides, channels = channels_last(call.input, layer.data_format)
    *targets, _ = channels_last(call.output, layer.data_format)
    elements = product(_window_sizes(side, n) for side, n in zip(sides, targets, strict=True))
    windows = product(targets)
    kind = f"adaptive_{_pool_kind(layer)}"
    each = Counts(comparisons=elements - windows)
    if "average" in kind:
        each = Counts(additions=elements - windows, divisions=windows)
    return [Op(kind, each, (channels,), label=kind.replace("_", " "))]


def _window_sizes(side: Size, windows: int) -> Size:
    """The sum of the sizes of all windows along an axis."""
    return total(
        ceil_div((index + 1) * side, windows) - index * side // windows for index in range(windows)
    )

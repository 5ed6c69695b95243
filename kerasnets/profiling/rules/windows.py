"""Layers that slide a window: convolutions and pooling.

Positions in the padding count like any other, as papers count them.
"""

from __future__ import annotations

from typing import Any

from kerasnets.profiling.counts import Counts, Op, sum_of_products
from kerasnets.profiling.registry import Call, rule
from kerasnets.profiling.rules.activations import activation_ops
from kerasnets.profiling.sizes import Shape, product


def channels_last(shape: Shape, data_format: str) -> Shape:
    """The axes of a sample with the channels at the end: positions first, filters last."""
    if data_format == "channels_first":
        return (*shape[2:], shape[1])
    return shape[1:]


@rule("Conv1D", "Conv2D", "Conv3D")
def convolution(layer: Any, call: Call) -> list[Op]:
    """Each output sums kernel · channels_in / groups products, onto a bias if there is one."""
    outputs = channels_last(call.output, layer.data_format)
    channels = channels_last(call.input, layer.data_format)[-1]
    sums = sum_of_products(
        "convolution",
        outputs,
        (*layer.kernel_size, channels // layer.groups),
        bias=layer.use_bias,
        window=layer.kernel_size,
    )
    return [sums, *activation_ops(layer.activation, outputs, after="convolution")]


def pool(layer: Any, call: Call, kind: str, window: Shape) -> list[Op]:
    """Maximum or mean of a window for each output.

    The maximum of n is n − 1 comparisons, their mean n − 1 additions and a division.
    """
    size = product(window)
    each = Counts(comparisons=size - 1)
    if kind == "average_pool":
        each = Counts(additions=size - 1, divisions=1)
    outputs = channels_last(call.output, layer.data_format)
    return [Op(kind, each, outputs, window=window, label=kind.replace("_", " "))]


@rule("MaxPooling1D", "MaxPooling2D", "MaxPooling3D")
def max_pooling(layer: Any, call: Call) -> list[Op]:
    """Kernel − 1 comparisons for each output."""
    return pool(layer, call, "max_pool", layer.pool_size)


@rule("AveragePooling1D", "AveragePooling2D", "AveragePooling3D")
def average_pooling(layer: Any, call: Call) -> list[Op]:
    """Kernel − 1 additions and a division for each output."""
    return pool(layer, call, "average_pool", layer.pool_size)

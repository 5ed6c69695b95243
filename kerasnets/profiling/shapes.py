"""Shapes with unknown axes: what becomes of a symbol when a layer changes the size of its axis.

Keras infers every axis it knows. What it leaves ``None`` is filled in here by the layer's own
arithmetic, so that a convolution over T steps gives T − 4 and not a new unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from kerasnets.profiling.registry import keras_name
from kerasnets.profiling.sizes import Shape, Size, ceil_div, product, ratio, simplified

Known: TypeAlias = "tuple[int | None, ...]"
ShapeRule: TypeAlias = Callable[[Any, Sequence[Shape], Known], Sequence["Size | None"]]

_SHAPE_RULES: dict[str, ShapeRule] = {}


def shape_rule(*names: str) -> Callable[[ShapeRule], ShapeRule]:
    """Register how layers of these names change unknown axes."""

    def enter(function: ShapeRule) -> ShapeRule:
        _SHAPE_RULES.update(dict.fromkeys(names, function))
        return function

    return enter


def fill(layer: Any, inputs: Sequence[Shape], known: Known) -> Sequence[Size | None]:
    """The output shape of a layer, with an expression for each axis that can be derived.

    Args:
        layer: the layer or operation.
        inputs: the shapes of its inputs.
        known: the output shape as Keras infers it.

    Returns:
        The shape with a batch axis of 1; ``None`` for an axis that no rule derives.
    """
    known = (1, *known[1:]) if known else known
    if None not in known:
        return known
    for cls in type(layer).__mro__:
        if (name := keras_name(cls)) in _SHAPE_RULES:
            sizes = _SHAPE_RULES[name](layer, inputs, known)
            break
    else:
        sizes = _same_axis(inputs, known)
    return [
        side if given is None else given
        for side, given in zip(map(_plain, sizes), known, strict=True)
    ]


def _plain(size: Size | None) -> Size | None:
    return None if size is None else simplified(size)


def _same_axis(inputs: Sequence[Shape], known: Known) -> list[Size | None]:
    """An unknown axis keeps the size the inputs have there, the largest if they broadcast."""
    sizes: list[Size | None] = list(known)
    for axis, side in enumerate(known):
        from_end = axis - len(known)
        there = {shape[from_end] for shape in inputs if len(shape) >= -from_end} - {1}
        if side is None and there:
            sizes[axis] = min(there, key=str)
    return sizes


def slid(size: Size, kernel: int, stride: int, dilation: int, padding: str) -> Size:
    """How many positions a window takes on an axis."""
    if padding == "valid":
        return (size - dilation * (kernel - 1) - 1) // stride + 1
    return ceil_div(size, stride)


def _per_axis(value: Any, axes: int) -> tuple[int, ...]:
    return (value,) * axes if isinstance(value, int) else tuple(value)


def spatial_axes(layer: Any, rank: int) -> range:
    """The axes that are neither batch nor channels."""
    first = getattr(layer, "data_format", "channels_last") == "channels_first"
    return range(2, rank) if first else range(1, rank - 1)


@shape_rule(
    *(f"{kind}{rank}D" for rank in (1, 2, 3) for kind in ("Conv", "MaxPooling", "AveragePooling")),
    *(f"{kind}{rank}D" for rank in (1, 2) for kind in ("DepthwiseConv", "SeparableConv")),
)
def _window(layer: Any, inputs: Sequence[Shape], known: Known) -> list[Size | None]:
    sizes: list[Size | None] = list(known)
    axes = spatial_axes(layer, len(known))
    kernels = getattr(layer, "kernel_size", None) or layer.pool_size
    dilations = _per_axis(getattr(layer, "dilation_rate", 1), len(axes))
    strides = _per_axis(layer.strides, len(axes))
    kernels = _per_axis(kernels, len(axes))
    for axis, kernel, stride, dilation in zip(axes, kernels, strides, dilations, strict=True):
        sizes[axis] = slid(inputs[0][axis], kernel, stride, dilation, layer.padding)
    return sizes


@shape_rule("Flatten")
def _flatten(layer: Any, inputs: Sequence[Shape], known: Known) -> list[Size | None]:
    return [1, product(inputs[0])]


@shape_rule("Reshape")
def _reshape(layer: Any, inputs: Sequence[Shape], known: Known) -> list[Size | None]:
    rest = product(side for side in known if side is not None)
    return [ratio(product(inputs[0]), rest) if side is None else side for side in known]


@shape_rule("Permute")
def _permute(layer: Any, inputs: Sequence[Shape], known: Known) -> list[Size | None]:
    return [1, *(inputs[0][axis] for axis in layer.dims)]


@shape_rule("Concatenate")
def _concatenate(layer: Any, inputs: Sequence[Shape], known: Known) -> list[Size | None]:
    sizes = _same_axis(inputs, known)
    sizes[layer.axis] = sum(shape[layer.axis] for shape in inputs)
    return sizes

"""Shapes with unknown axes: what becomes of a symbol when a layer changes the size of its axis.

Keras infers every axis it knows. What it leaves ``None`` is filled in here by the layer's own
arithmetic, so that a convolution over T steps gives T − 4 and not a new unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from kerasnets.profiling.einsum import label_sizes
from kerasnets.profiling.elementwise import ELEMENTWISE
from kerasnets.profiling.registry import keras_name
from kerasnets.profiling.sizes import (
    Shape,
    Size,
    ceil_div,
    product,
    put,
    ratio,
    simplified,
    symbols_of,
)

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
    """The output shape of a layer, with an expression for each axis its rule derives.

    Args:
        layer: the layer or operation.
        inputs: the shapes of its inputs.
        known: the output shape as Keras infers it.

    Returns:
        The shape; ``None`` for an axis that no rule derives.
    """
    if None not in known:
        return known
    sizes: Sequence[Size | None] = known
    for cls in type(layer).__mro__:
        if (name := keras_name(cls)) in _SHAPE_RULES:
            sizes = _SHAPE_RULES[name](layer, inputs, known)
            break
    return [
        side if given is None else given
        for side, given in zip(map(_plain, sizes), known, strict=True)
    ]


def probe(
    infer: Callable[[list[Shape]], Known],
    inputs: Sequence[Shape],
    sides: Sequence[Size | None],
) -> list[Size | None]:
    """Axes that no rule derives, from what Keras infers at three sets of sizes.

    An axis that is a · n + b at all three, with whole a and b and n the size of an input's axis,
    is taken for that.

    Args:
        infer: the output shape for known input shapes.
        inputs: the input shapes, with symbols.
        sides: the output shape with ``None`` for what is looked for.
    """
    symbols = sorted({s for shape in inputs for n in shape for s in symbols_of(n)}, key=str)
    # No symbol's sizes are a line of another's, or an axis could be taken for the wrong one.
    at = [{s: 60 + 37 * n + (5 + 7 * n * n) * i for i, s in enumerate(symbols)} for n in range(3)]
    outs = [infer([tuple(put(n, sizes) for n in shape) for shape in inputs]) for sizes in at]
    result = list(sides)
    for axis, side in enumerate(sides):
        if side is not None:
            continue
        for size in _candidates(inputs, axis):
            points = [put(size, sizes) for sizes in at]
            line = _line(points, [out[axis] for out in outs])
            if line is not None:
                result[axis] = simplified(size * line[0] + line[1])
                break
    return result


def _candidates(inputs: Sequence[Shape], axis: int) -> list[Size]:
    """The sizes an axis may come from: the same axis of an input first, then any unknown one."""
    same = [shape[axis] for shape in inputs if axis < len(shape)]
    every = [size for shape in inputs for size in shape]
    return [size for size in (*same, *every) if symbols_of(size)] or [1]


def _line(xs: Sequence[int], ys: Sequence[int | None]) -> tuple[int, int] | None:
    """The whole a and b of y = a · x + b through all points, if there are any."""
    if None in ys:
        return None
    if len(set(ys)) == 1:
        return 0, ys[0]  # type: ignore[return-value]
    if len(set(xs)) < len(xs):
        return None
    slope, rest = divmod(ys[1] - ys[0], xs[1] - xs[0])  # type: ignore[operator]
    offset = ys[0] - slope * xs[0]  # type: ignore[operator]
    fits = not rest and all(y == slope * x + offset for x, y in zip(xs, ys, strict=True))
    return (slope, offset) if fits else None


def _plain(size: Size | None) -> Size | None:
    return None if size is None else simplified(size)


def _same_axis(inputs: Sequence[Shape], known: Known) -> list[Size | None]:
    """An unknown axis keeps the size the inputs have there, the largest if they broadcast."""
    sizes: list[Size | None] = list(known)
    for axis, side in enumerate(known):
        from_end = axis - len(known)
        there = {shape[from_end] for shape in inputs if len(shape) >= -from_end}
        if side is None and there:
            sizes[axis] = min(there - {1} or {1}, key=str)
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


# Layers whose unknown axes are those of their first input.
_KEEPING = (
    "Dense Embedding Activation ReLU LeakyReLU PReLU ELU Softmax BatchNormalization "
    "LayerNormalization GroupNormalization RMSNormalization UnitNormalization Normalization "
    "Rescaling Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D Identity Masking "
    "SimpleRNN GRU LSTM RNN Bidirectional"
)


@shape_rule(*_KEEPING.split())
def _keeping(layer: Any, inputs: Sequence[Shape], known: Known) -> list[Size | None]:
    first = inputs[0]
    return [
        first[axis] if side is None and axis < len(first) else side
        for axis, side in enumerate(known)
    ]


@shape_rule("EinsumDense")
def _einsum_dense(layer: Any, inputs: Sequence[Shape], known: Known) -> list[Size | None]:
    sizes, kept = label_sizes(layer.equation, [inputs[0], tuple(layer.kernel.shape)])
    return [sizes[label] for label in kept]


_MERGING = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")


_SAME = (
    "ops.Cast",
    "ops.OnesLike",
    "ops.ZerosLike",
    "ops.Cumsum",
    "ops.Softmax",
    "ops.Sigmoid",
    "ops.Tanh",
    "ops.Relu",
)


@shape_rule(*_MERGING, *_SAME, *(f"ops.{name}" for name in ELEMENTWISE))
def _broadcast(layer: Any, inputs: Sequence[Shape], known: Known) -> list[Size | None]:
    return _same_axis(inputs, known)


@shape_rule("ops.ExpandDims")
def _expand_dims(op: Any, inputs: Sequence[Shape], known: Known) -> list[Size | None]:
    axes = op.axis if isinstance(op.axis, list | tuple) else (op.axis,)
    new = {axis % len(known) for axis in axes}
    old = iter(inputs[0])
    return [1 if axis in new else next(old) for axis in range(len(known))]


@shape_rule("Flatten")
def _flatten(layer: Any, inputs: Sequence[Shape], known: Known) -> list[Size | None]:
    return [known[0], product(inputs[0][1:])]


@shape_rule("Reshape")
def _reshape(layer: Any, inputs: Sequence[Shape], known: Known) -> list[Size | None]:
    rest = product(side for side in known[1:] if side is not None)
    whole = product(inputs[0][1:])
    return [ratio(whole, rest) if side is None else side for side in known]


@shape_rule("ops.Reshape")
def _reshape_operation(op: Any, inputs: Sequence[Shape], known: Known) -> list[Size | None]:
    """As asked for; one unknown side takes what the others leave."""
    given = tuple(op.newshape)
    if any(side is None or not isinstance(side, int) for side in given):
        return list(known)
    rest = product(side for side in given if side != -1)
    return [ratio(product(inputs[0]), rest) if side == -1 else side for side in given]


@shape_rule("Permute")
def _permute(layer: Any, inputs: Sequence[Shape], known: Known) -> list[Size | None]:
    return [known[0], *(inputs[0][axis] for axis in layer.dims)]


@shape_rule("Concatenate", "ops.Concatenate")
def _concatenate(layer: Any, inputs: Sequence[Shape], known: Known) -> list[Size | None]:
    sizes = _same_axis(inputs, known)
    sizes[layer.axis] = sum(shape[layer.axis] for shape in inputs)
    return sizes

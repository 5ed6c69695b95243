"""Output shapes with unknown axes, one rule per layer class.

Keras infers the size of every axis that it can. Axes that it leaves ``None`` are filled in here
with the arithmetic of the layer: a convolution over T steps has T − 4 outputs, not a new unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from kerasnets.profiling.einsum import label_sizes
from kerasnets.profiling.elementwise_ops import ELEMENTWISE
from kerasnets.profiling.registry import keras_name
from kerasnets.profiling.sizes import (
    Shape,
    Size,
    ceil_div,
    exact_div,
    product,
    simplify,
    substitute,
    symbols_of,
)

Known: TypeAlias = "tuple[int | None, ...]"
ShapeRule: TypeAlias = Callable[[Any, Sequence[Shape], Known], Sequence["Size | None"]]

_SHAPE_RULES: dict[str, ShapeRule] = {}


def shape_rule(*names: str) -> Callable[[ShapeRule], ShapeRule]:
    """Register the decorated function as the shape rule of Keras classes with these names."""

    def register(function: ShapeRule) -> ShapeRule:
        _SHAPE_RULES.update(dict.fromkeys(names, function))
        return function

    return register


def fill_unknown(layer: Any, inputs: Sequence[Shape], known: Known) -> Sequence[Size | None]:
    """The output shape of a layer, with an expression for each unknown axis.

    Args:
        layer: the layer or operation.
        inputs: the shapes of its inputs.
        known: the output shape as Keras infers it, with ``None`` for unknown axes.

    Returns:
        The shape. An axis that no rule covers is still ``None``.
    """
    if None not in known:
        return known
    sizes: Sequence[Size | None] = known
    for cls in type(layer).__mro__:
        if (name := keras_name(cls)) in _SHAPE_RULES:
            sizes = _SHAPE_RULES[name](layer, inputs, known)
            break
    return [
        (None if size is None else simplify(size)) if side is None else side
        for size, side in zip(sizes, known, strict=True)
    ]


def probe(
    infer: Callable[[list[Shape]], Known],
    inputs: Sequence[Shape],
    sides: Sequence[Size | None],
) -> list[Size | None]:
    """Find expressions for unknown axes from what Keras infers for three sets of input sizes.

    If an axis is a · n + b in all three cases, with integers a and b and an input axis n, this
    is used as its expression.

    Args:
        infer: function from known input shapes to the output shape.
        inputs: the input shapes, with symbols.
        sides: the output shape, with ``None`` for unknown axes.
    """
    symbols = sorted({s for shape in inputs for n in shape for s in symbols_of(n)}, key=str)
    # The sizes of any two symbols are not linearly related, so axes cannot be confused.
    cases = [
        {s: 60 + 37 * n + (5 + 7 * n * n) * i for i, s in enumerate(symbols)} for n in range(3)
    ]
    outputs = [
        infer([tuple(substitute(n, sizes) for n in shape) for shape in inputs]) for sizes in cases
    ]
    result = list(sides)
    for axis, side in enumerate(sides):
        if side is not None:
            continue
        for size in _candidates(inputs, axis):
            points = [substitute(size, sizes) for sizes in cases]
            line = _line(points, [output[axis] for output in outputs])
            if line is not None:
                result[axis] = simplify(size * line[0] + line[1])
                break
    return result


def _candidates(inputs: Sequence[Shape], axis: int) -> list[Size]:
    """Input sizes that an axis may depend on: the same axis first, then all unknown ones."""
    same_axis = [shape[axis] for shape in inputs if axis < len(shape)]
    all_axes = [size for shape in inputs for size in shape]
    return [size for size in (*same_axis, *all_axes) if symbols_of(size)] or [1]


def _line(xs: Sequence[int], ys: Sequence[int | None]) -> tuple[int, int] | None:
    """The integers a and b of a line y = a · x + b through all points, if there is one."""
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


def _broadcast_shape(inputs: Sequence[Shape], known: Known) -> list[Size | None]:
    """Each unknown axis has the size of the inputs on that axis, with broadcasting."""
    sizes: list[Size | None] = list(known)
    for axis, side in enumerate(known):
        from_end = axis - len(known)
        found = {shape[from_end] for shape in inputs if len(shape) >= -from_end}
        if side is None and found:
            sizes[axis] = min(found - {1} or {1}, key=str)
    return sizes


def conv_output_length(size: Size, kernel: int, stride: int, dilation: int, padding: str) -> Size:
    """The number of positions of a convolution or pooling window along one axis."""
    if padding == "valid":
        return (size - dilation * (kernel - 1) - 1) // stride + 1
    return ceil_div(size, stride)


def _per_axis(value: Any, axes: int) -> tuple[int, ...]:
    return (value,) * axes if isinstance(value, int) else tuple(value)


def spatial_axes(layer: Any, rank: int) -> range:
    """The axes between batch and channels, or after them with ``"channels_first"``."""
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
        size = inputs[0][axis]
        sizes[axis] = conv_output_length(size, kernel, stride, dilation, layer.padding)
    return sizes


# Layers whose unknown axes have the sizes of their first input.
_SAME_AS_INPUT = (
    "Dense Embedding Activation ReLU LeakyReLU PReLU ELU Softmax BatchNormalization "
    "LayerNormalization GroupNormalization RMSNormalization UnitNormalization Normalization "
    "Rescaling Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D Identity Masking "
    "SimpleRNN GRU LSTM RNN Bidirectional"
)


@shape_rule(*_SAME_AS_INPUT.split())
def _same_as_input(layer: Any, inputs: Sequence[Shape], known: Known) -> list[Size | None]:
    first = inputs[0]
    return [
        first[axis] if side is None and axis < len(first) else side
        for axis, side in enumerate(known)
    ]


@shape_rule("EinsumDense")
def _einsum_dense(layer: Any, inputs: Sequence[Shape], known: Known) -> list[Size | None]:
    sizes, output_labels = label_sizes(layer.equation, [inputs[0], tuple(layer.kernel.shape)])
    return [sizes[label] for label in output_labels]


_MERGING = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")

_OPERATIONS = ("Cast", "OnesLike", "ZerosLike", "Cumsum", "Softmax", "Sigmoid", "Tanh", "Relu")


@shape_rule(*_MERGING, *(f"ops.{name}" for name in (*_OPERATIONS, *ELEMENTWISE)))
def _broadcast(layer: Any, inputs: Sequence[Shape], known: Known) -> list[Size | None]:
    return _broadcast_shape(inputs, known)


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
    elements = product(inputs[0][1:])
    return [exact_div(elements, rest) if side is None else side for side in known]


@shape_rule("ops.Reshape")
def _reshape_operation(op: Any, inputs: Sequence[Shape], known: Known) -> list[Size | None]:
    """The requested shape; an axis of -1 takes the remaining elements."""
    requested = tuple(op.newshape)
    if any(side is None or not isinstance(side, int) for side in requested):
        return list(known)
    rest = product(side for side in requested if side != -1)
    elements = product(inputs[0])
    return [exact_div(elements, rest) if side == -1 else side for side in requested]


@shape_rule("Permute")
def _permute(layer: Any, inputs: Sequence[Shape], known: Known) -> list[Size | None]:
    return [known[0], *(inputs[0][axis] for axis in layer.dims)]


@shape_rule("Concatenate", "ops.Concatenate")
def _concatenate(layer: Any, inputs: Sequence[Shape], known: Known) -> list[Size | None]:
    sizes = _broadcast_shape(inputs, known)
    sizes[layer.axis] = sum(shape[layer.axis] for shape in inputs)
    return sizes

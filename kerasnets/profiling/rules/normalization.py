"""Normalisations, as Keras computes them in inference."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kerasnets.profiling.counts import Op, elementwise
from kerasnets.profiling.registry import Call, rule
from kerasnets.profiling.sizes import Shape, Size, product, ratio


@rule("Normalization")
def normalization(layer: Any, call: Call) -> list[Op]:
    """(x − mean) / max(√variance, ε): a subtraction and a division for each element.

    √ and max are taken in the call, once for each entry of the statistics.
    """
    outputs = call.sample(call.output)
    entries = tuple(call.input[axis] for axis in layer._keep_axis) or (1,)
    if layer.invert:
        scale = elementwise("normalize", outputs, "x · σ + mean", additions=1, multiplications=1)
    else:
        scale = elementwise("normalize", outputs, "(x − mean) / σ", additions=1, divisions=1)
    deviation = elementwise(
        "deviation", entries, "σ = max(√variance, ε)", comparisons=1, transcendentals=1
    )
    return [scale, deviation]


@rule("BatchNormalization", "ops.BatchNorm")
def batch_normalization(layer: Any, call: Call) -> list[Op]:
    """Elements become x · s + t; s = γ / √(variance + ε) and t = β − mean · s for each channel."""
    channels = (call.input[layer.axis],)
    return [
        *_inverse_deviation(channels, _has_scale(layer, call)),
        elementwise("shift", channels, "t = β − mean · s", additions=1, multiplications=1),
        elementwise("normalize", call.sample(call.output), "x · s + t",
                    additions=1, multiplications=1),
    ]  # fmt: skip


def _has_scale(layer: Any, call: Call) -> bool:
    """Whether there is a γ; an operation has it among its arguments."""
    return bool(layer.scale) if hasattr(layer, "scale") else len(call.operands) > 4


def _inverse_deviation(entries: Shape, scale: bool) -> list[Op]:
    """γ · rsqrt(variance + ε); the product only where there is a γ."""
    ops = [elementwise("rsqrt", entries, "1 / √(variance + ε)", additions=1, transcendentals=1)]
    if scale:
        ops.append(elementwise("scale", entries, "· γ", multiplications=1))
    return ops


def moments(groups: Shape, size: Size) -> list[Op]:
    """Mean and variance of n elements.

    The mean is n − 1 additions and a division; the variance as many again, after a subtraction
    and a square for each element.
    """
    return [
        elementwise("mean", groups, additions=size - 1, divisions=1),
        elementwise("variance", groups, additions=2 * size - 1, multiplications=size, divisions=1),
    ]


@rule("LayerNormalization")
def layer_normalization(layer: Any, call: Call) -> list[Op]:
    """Moments over the axes, then x · s + t with s = γ · rsqrt(variance + ε), t = β − mean · s."""
    return _standardize(call, _size(call.input, layer.axis), layer.scale, layer.center)


@rule("ops.LayerNorm")
def layer_norm(op: Any, call: Call) -> list[Op]:
    """As the layer; γ and β are among its arguments."""
    learned = len(call.operands)
    return _standardize(call, _size(call.input, op.axis), learned > 1, learned > 2)


def _standardize(call: Call, size: Size, scale: bool, center: bool) -> list[Op]:
    outputs = call.sample(call.output)
    groups = (ratio(product(outputs), size),)
    # Without γ all of a group share one s, and without γ and β one t.
    shift = outputs if scale or center else groups
    ops = [
        *moments(groups, size),
        elementwise("rsqrt", groups, "r = 1 / √(variance + ε)", additions=1, transcendentals=1),
        elementwise("negate", groups, "−mean", additions=1),
    ]
    if scale:
        ops.append(elementwise("scale", outputs, "s = γ · r", multiplications=1))
    products = elementwise("shift", outputs if scale else groups, "−mean · s", multiplications=1)
    ops.append(products)
    if center:
        ops.append(elementwise("shift", shift, "+ β", additions=1))
    return [
        *ops,
        elementwise("normalize", outputs, "x · s + t", additions=1, multiplications=1),
    ]


def _size(shape: Shape, axis: int | Iterable[int]) -> Size:
    """How many elements are normalised together."""
    return product(shape[at] for at in ([axis] if isinstance(axis, int) else axis))


@rule("GroupNormalization")
def group_normalization(layer: Any, call: Call) -> list[Op]:
    """Moments of each group, s and t for each of its channels, x · s + t for each element."""
    outputs = call.sample(call.output)
    channels = (call.input[layer.axis],)
    groups = (layer.groups,)
    ops = [
        *moments(groups, ratio(product(outputs), layer.groups)),
        elementwise("rsqrt", groups, "r = 1 / √(variance + ε)", additions=1, transcendentals=1),
        elementwise("negate", groups, "−mean", additions=1),
    ]
    entries = channels if layer.scale else groups
    if layer.scale:
        ops.append(elementwise("scale", channels, "s = γ · r", multiplications=1))
    ops.append(elementwise("shift", entries, "−mean · s", multiplications=1))
    if layer.center:
        ops.append(elementwise("shift", channels, "+ β", additions=1))
    return [
        *ops,
        elementwise("normalize", outputs, "x · s + t", additions=1, multiplications=1),
    ]


@rule("RMSNormalization", "ops.RMSNorm")
def rms_normalization(layer: Any, call: Call) -> list[Op]:
    """Elements become x · rsqrt(mean(x²) + ε) · γ."""
    outputs = call.sample(call.output)
    size = _size(call.input, layer.axis)
    groups = (ratio(product(outputs), size),)
    return [
        elementwise("mean", groups, "mean of squares", additions=size - 1, multiplications=size,
                    divisions=1),
        elementwise("rsqrt", groups, "1 / √(mean + ε)", additions=1, transcendentals=1),
        elementwise("normalize", outputs, "x · r · γ", multiplications=2),
    ]  # fmt: skip


@rule("UnitNormalization", "ops.Normalize")
def unit_normalization(layer: Any, call: Call) -> list[Op]:
    """Squares summed, one comparison and root a vector, one product an element."""
    outputs = call.sample(call.output)
    size = _size(call.input, layer.axis)
    groups = (ratio(product(outputs), size),)
    return [
        elementwise("sum", groups, "Σx²", additions=size - 1, multiplications=size),
        elementwise("rsqrt", groups, "1 / √max(Σx², ε²)", comparisons=1, transcendentals=1),
        elementwise("normalize", outputs, "x · r", multiplications=1),
    ]


@rule("SpectralNormalization")
def spectral_normalization(layer: Any, call: Call) -> list[Op]:
    """The layer inside: the power iterations belong to training."""
    return call.inner(layer.layer, call.inputs, call.outputs)

"""Normalization layers, as Keras computes them in inference."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kerasnets.profiling.counts import Op, elementwise
from kerasnets.profiling.registry import Call, rule
from kerasnets.profiling.sizes import Shape, Size, exact_div, product


@rule("Normalization")
def normalization(layer: Any, call: Call) -> list[Op]:
    """(x − mean) / max(√variance, ε): one subtraction and one division per element.

    Each call computes √ and max again, once per entry of the statistics.
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
    """X · s + t per element, with s = γ / √(variance + ε) and t = β − mean · s per channel."""
    channels = (call.input[layer.axis],)
    return [
        *_inverse_deviation(channels, _has_scale(layer, call)),
        elementwise("shift", channels, "t = β − mean · s", additions=1, multiplications=1),
        elementwise("normalize", call.sample(call.output), "x · s + t",
                    additions=1, multiplications=1),
    ]  # fmt: skip


def _has_scale(layer: Any, call: Call) -> bool:
    """Whether there is a γ, which is an attribute of a layer or an argument of an operation."""
    return bool(layer.scale) if hasattr(layer, "scale") else len(call.operands) > 4


def _inverse_deviation(entries: Shape, scale: bool) -> list[Op]:
    """γ · rsqrt(variance + ε); without γ there is no product."""
    ops = [elementwise("rsqrt", entries, "1 / √(variance + ε)", additions=1, transcendentals=1)]
    if scale:
        ops.append(elementwise("scale", entries, "· γ", multiplications=1))
    return ops


def moments(groups: Shape, size: Size) -> list[Op]:
    """Mean and variance of n elements.

    The mean takes n − 1 additions and one division. The variance takes a subtraction and a
    square per element, then the same again.
    """
    return [
        elementwise("mean", groups, additions=size - 1, divisions=1),
        elementwise("variance", groups, additions=2 * size - 1, multiplications=size, divisions=1),
    ]


@rule("LayerNormalization")
def layer_normalization(layer: Any, call: Call) -> list[Op]:
    """Moments, then x · s + t with s = γ · rsqrt(variance + ε) and t = β − mean · s."""
    return _standardize(call, _size(call.input, layer.axis), layer.scale, layer.center)


@rule("ops.LayerNorm")
def layer_norm(op: Any, call: Call) -> list[Op]:
    """The same as the layer; γ and β are arguments."""
    arrays = len(call.operands)
    return _standardize(call, _size(call.input, op.axis), arrays > 1, arrays > 2)


def _standardize(call: Call, size: Size, scale: bool, center: bool) -> list[Op]:
    outputs = call.sample(call.output)
    groups = (exact_div(product(outputs), size),)
    # Without γ there is one s per group; without γ and β there is also one t per group.
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
    """The number of elements that are normalized together."""
    return product(shape[index] for index in ([axis] if isinstance(axis, int) else axis))


@rule("GroupNormalization")
def group_normalization(layer: Any, call: Call) -> list[Op]:
    """Moments per group, s and t per channel, x · s + t per element."""
    outputs = call.sample(call.output)
    channels = (call.input[layer.axis],)
    groups = (layer.groups,)
    ops = [
        *moments(groups, exact_div(product(outputs), layer.groups)),
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
    """X · rsqrt(mean(x²) + ε) · γ per element."""
    outputs = call.sample(call.output)
    size = _size(call.input, layer.axis)
    groups = (exact_div(product(outputs), size),)
    return [
        elementwise("mean", groups, "mean of squares", additions=size - 1, multiplications=size,
                    divisions=1),
        elementwise("rsqrt", groups, "1 / √(mean + ε)", additions=1, transcendentals=1),
        elementwise("normalize", outputs, "x · r · γ", multiplications=2),
    ]  # fmt: skip


@rule("UnitNormalization", "ops.Normalize")
def unit_normalization(layer: Any, call: Call) -> list[Op]:
    """A sum of squares, a comparison and a root per vector, one product per element."""
    outputs = call.sample(call.output)
    size = _size(call.input, layer.axis)
    groups = (exact_div(product(outputs), size),)
    return [
        elementwise("sum", groups, "Σx²", additions=size - 1, multiplications=size),
        elementwise("rsqrt", groups, "1 / √max(Σx², ε²)", comparisons=1, transcendentals=1),
        elementwise("normalize", outputs, "x · r", multiplications=1),
    ]


@rule("SpectralNormalization")
def spectral_normalization(layer: Any, call: Call) -> list[Op]:
    """The wrapped layer; power iterations run in training only."""
    return call.inner(layer.layer, call.inputs, call.outputs)

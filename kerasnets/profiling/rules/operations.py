"""Operations of ``keras.ops`` in a functional graph: elementwise, reductions, windows."""

from __future__ import annotations

from typing import Any

import sympy

from kerasnets.profiling.counts import Counts, Op
from kerasnets.profiling.elementwise_ops import ELEMENTWISE
from kerasnets.profiling.registry import Call, UnsupportedError, rule
from kerasnets.profiling.rules.normalization import moments as moments_of
from kerasnets.profiling.rules.windows import channels_last, convolve, pool
from kerasnets.profiling.sizes import exact_div, is_known, product

_ROOT = Counts(transcendentals=1)


@rule(*(f"ops.{name}" for name in ELEMENTWISE))
def elementwise_operation(op: Any, call: Call) -> list[Op]:
    """The same scalar operations for each element of the output."""
    name = type(op).__name__
    kind, each = ELEMENTWISE[name]
    return [Op(kind, each, call.sample(call.output), label=name.lower())]


@rule(
    *(f"ops.{name}" for name in ("Sum", "Prod", "Max", "Min", "Amax", "Amin", "Any", "All")),
    *(f"ops.{name}" for name in ("Argmax", "Argmin", "Mean", "Average", "CountNonzero")),
)
def reduction(op: Any, call: Call) -> list[Op]:
    """Combine n elements into one output with n − 1 operations; a mean also divides."""
    name = type(op).__name__
    outputs = call.sample(call.output)
    size = exact_div(product(call.input), product(call.output))
    if name in ("Mean", "Average"):
        return [Op("mean", Counts(additions=size - 1, divisions=1), outputs, label="mean")]
    if name in ("Sum", "CountNonzero"):
        each = Counts(additions=size - 1)
    elif name == "Prod":
        each = Counts(multiplications=size - 1)
    else:
        each = Counts(comparisons=size - 1)
    return [Op("reduction", each, outputs, label=name.lower())]


@rule("ops.Var", "ops.Std", "ops.Moments")
def variance(op: Any, call: Call) -> list[Op]:
    """Mean and variance, and a square root for the standard deviation."""
    outputs = call.sample(call.output)
    ops = moments_of(outputs, exact_div(product(call.input), product(call.output)))
    if type(op).__name__ == "Std":
        ops.append(Op("root", _ROOT, outputs, label="√variance"))
    return ops


@rule("ops.Logsumexp")
def logsumexp(op: Any, call: Call) -> list[Op]:
    """Subtract the maximum, take exponentials, sum, take the logarithm, add the maximum."""
    size = exact_div(product(call.input), product(call.output))
    each = Counts(additions=2 * size, comparisons=size - 1, transcendentals=size + 1)
    return [Op("logsumexp", each, call.sample(call.output), label="log Σ exp")]


@rule("ops.Norm")
def norm(op: Any, call: Call) -> list[Op]:
    """√Σx²; other norms have no rule."""
    if op.ord not in (None, 2, "fro"):
        raise UnsupportedError(f"no rule for a norm of order {op.ord!r}")
    size = exact_div(product(call.input), product(call.output))
    each = Counts(additions=size - 1, multiplications=size, transcendentals=1)
    return [Op("norm", each, call.sample(call.output), label="√Σx²")]


@rule("ops.Cumsum", "ops.Cumprod")
def cumulative(op: Any, call: Call) -> list[Op]:
    """One operation per element, except for the first of each row."""
    elements = product(call.input)
    size = elements if op.axis is None else call.input[op.axis]
    rows = exact_div(elements, size)
    counts = {"Cumsum": Counts(additions=size - 1), "Cumprod": Counts(multiplications=size - 1)}
    return [Op("cumulative", counts[type(op).__name__], (rows,), label="running total")]


@rule("ops.Conv")
def convolution(op: Any, call: Call) -> list[Op]:
    """One sum per output over a kernel of shape (positions, channels / groups, filters)."""
    *kernel, channels, _ = call.operands[1]
    outputs = channels_last(call.output, op.data_format)
    return [convolve(outputs, tuple(kernel), channels, False)]


@rule("ops.DepthwiseConv")
def depthwise(op: Any, call: Call) -> list[Op]:
    """One sum per output over the kernel of a single channel."""
    kernel = call.operands[1][:-2]
    return [convolve(channels_last(call.output, op.data_format), kernel, 1, False)]


@rule("ops.SeparableConv")
def separable(op: Any, call: Call) -> list[Op]:
    """A depthwise convolution, then a pointwise convolution across its channels."""
    *kernel, channels, multiplier = call.operands[1]
    channels *= multiplier
    outputs = channels_last(call.output, op.data_format)
    ones = (1,) * len(kernel)
    return [
        convolve((*outputs[:-1], channels), tuple(kernel), 1, False, "depthwise"),
        convolve(outputs, ones, channels, False, "pointwise"),
    ]


@rule("ops.Sort", "ops.Argsort")
def sort(op: Any, call: Call) -> list[Op]:
    """The comparisons that merge sort needs at most: n · ⌈log₂ n⌉ − 2^⌈log₂ n⌉ + 1 per row."""
    elements = product(call.sample(call.input))
    size = elements if op.axis is None else call.input[op.axis]
    levels = (size - 1).bit_length() if is_known(size) else sympy.ceiling(sympy.log(size, 2))
    each = Counts(comparisons=size * levels - 2**levels + 1)
    return [Op("sort", each, (exact_div(elements, size),), label=type(op).__name__.lower())]


@rule("ops.MaxPool", "ops.AveragePool")
def pooling(op: Any, call: Call) -> list[Op]:
    """One window per output."""
    outputs = channels_last(call.output, op.data_format)
    size = op.pool_size
    window = (size,) * (len(outputs) - 1) if isinstance(size, int) else tuple(size)
    return pool("max_pool" if "Max" in type(op).__name__ else "average_pool", outputs, window)

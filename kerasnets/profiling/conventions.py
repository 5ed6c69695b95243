"""Conventions: what turns scalar operations into the one number called FLOPs.

A convention is a function that takes an :class:`Op` and returns its cost: a number, or a tuple
of factors whose product it is, which explanations then write out. It prices a step once: what is
repeated for each time step is multiplied by the profiler.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from kerasnets._errors import unknown_name
from kerasnets.profiling.counts import Op
from kerasnets.profiling.sizes import Factor, Term, product, written

Cost: TypeAlias = "int | Any | tuple[Factor, ...]"
Convention: TypeAlias = Callable[[Op], Cost]

_CONVENTIONS: dict[str, Convention] = {}


def convention(name: str) -> Callable[[Convention], Convention]:
    """Register the decorated function as a convention that ``profile`` takes by name.

    Args:
        name: a name no other convention has.

    Raises:
        ValueError: if the name is taken.
    """

    def enter(function: Convention) -> Convention:
        if name in _CONVENTIONS:
            raise ValueError(f"The convention {name!r} is already registered; choose another name.")
        _CONVENTIONS[name] = function
        return function

    return enter


def get_convention(name: str) -> Convention:
    """The convention of a name.

    Raises:
        ValueError: if there is none; the message names the nearest ones.
    """
    if name not in _CONVENTIONS:
        raise unknown_name("convention", name, _CONVENTIONS)
    return _CONVENTIONS[name]


def list_conventions() -> dict[str, str]:
    """Every convention's name with the first line of its docstring."""
    return {
        name: (function.__doc__ or "").partition("\n")[0]
        for name, function in sorted(_CONVENTIONS.items())
    }


@convention("exact")
def exact(op: Op) -> Cost:
    """Every scalar operation counts 1, a multiply–add 2."""
    if op.terms and op.bias:
        return (2, *op.terms, *op.outputs)
    if op.terms:
        length = " · ".join(["2", *map(written, op.terms)])
        return (Term(f"({length} − 1)", 2 * product(op.terms) - 1), *op.outputs)
    return (op.each.operations, *op.outputs)


@convention("macs")
def macs(op: Op) -> Cost:
    """Multiply–adds of matrix products and convolutions count 1, all else nothing."""
    return (*op.terms, *op.outputs) if op.macs else 0


@convention("s2")
def s2(op: Op) -> Cost:
    """S2's rules: one channel under a kernel, a convolution's ReLU once per filter, sigmoid 3.

    A convolution costs 2 · kernel per position and filter whatever its input channels, without
    its bias; ReLU costs 1 per filter after a convolution and 1 per unit after a dense layer;
    pooling 1 per output; sigmoid 3 (exp, add, divide), tanh 7.
    """
    if op.kind == "convolution":
        return (2, *op.window, *op.outputs)
    if op.kind == "relu" and op.after == "convolution":
        return op.outputs[-1:]
    each = {"max_pool": 1, "average_pool": 1, "sigmoid": 3, "tanh": 7}.get(op.kind)
    return exact(op) if each is None else (each, *op.outputs)


@convention("s5")
def s5(op: Op) -> Cost:
    """S5's rules: one channel under a kernel, no bias in convolutions, pooling 1 per output.

    A convolution costs 2 · kernel − 1 per position and filter whatever its input channels;
    ReLU 1 and pooling 1 per output; all else as in ``exact``, which is S5's own way with dense
    layers, sigmoid (4), tanh (6) and the GRU.
    """
    if op.kind == "convolution":
        size = product(op.window)
        return (Term(f"(2 · {written(size)} − 1)", 2 * size - 1), *op.outputs)
    if op.kind in ("max_pool", "average_pool"):
        return (1, *op.outputs)
    return exact(op)


# What tf.profiler's float_operation prints for one output of a kind, where that is not every
# scalar operation. Functions without a registered figure print nothing; that is its choice.
_TF_EACH = {
    "relu": 0,
    "relu6": 0,
    "leaky_relu": 0,
    "sigmoid": 0,
    "tanh": 0,
    "global_max_pool": 0,
    "rsqrt": 3,  # an addition, and rsqrt as 2
    "deviation": 1,  # a maximum; a root prints nothing
}


@convention("tf")
def tf(op: Op) -> Cost:
    """What tf.profiler's float_operation prints for the layers it is right about.

    Matrix products and convolutions 2 · terms an output, a bias 1 more; pools their window;
    softmax 5 an element; an activation nothing.
    """
    if op.terms:
        each = Term(f"(2 · {' · '.join(map(written, op.terms))}{' + 1' if op.bias else ''})",
                    2 * product(op.terms) + op.bias)  # fmt: skip
        return (each, *op.outputs)
    if op.kind in ("max_pool", "average_pool", "global_average_pool"):
        return (*op.window, *op.outputs)
    if op.kind == "softmax":
        return (5, *op.window, *op.outputs)
    return (_TF_EACH.get(op.kind, op.each.operations), *op.outputs)

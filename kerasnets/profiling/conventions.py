"""Conventions: functions that turn scalar operations into the one number called FLOPs.

A convention takes an :class:`Op` and returns its cost: a number, or a tuple of factors whose
product is the cost and which explanations show one by one. It prices a single repetition of the
step; the profiler multiplies by the repetitions, such as time steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from kerasnets._errors import unknown_name
from kerasnets._plugins import import_plugins
from kerasnets.profiling.counts import Op
from kerasnets.profiling.sizes import Factor, Term, format_factor, product

Cost: TypeAlias = "int | Any | tuple[Factor, ...]"
Convention: TypeAlias = Callable[[Op], Cost]

_CONVENTIONS: dict[str, Convention] = {}


def convention(name: str) -> Callable[[Convention], Convention]:
    """Register the decorated function as a convention, for ``profile(..., convention=name)``.

    Args:
        name: the name of the convention; it must be new.

    Raises:
        ValueError: the name is already registered.
    """

    def register(function: Convention) -> Convention:
        if name in _CONVENTIONS:
            raise ValueError(f"The convention {name!r} is already registered; choose another name.")
        _CONVENTIONS[name] = function
        return function

    return register


def get_convention(name: str) -> Convention:
    """Look up a convention by name.

    Raises:
        ValueError: there is no such convention. The message lists the closest names.
    """
    if name not in _CONVENTIONS:
        import_plugins("conventions")
    if name not in _CONVENTIONS:
        raise unknown_name("convention", name, _CONVENTIONS)
    return _CONVENTIONS[name]


def list_conventions() -> dict[str, str]:
    """The name of each convention with the first line of its docstring."""
    import_plugins("conventions")
    return {
        name: (function.__doc__ or "").partition("\n")[0]
        for name, function in sorted(_CONVENTIONS.items())
    }


@convention("exact")
def exact(op: Op) -> Cost:
    """Each scalar operation counts 1, a multiply–add 2."""
    if op.terms and op.bias:
        return (2, *op.terms, *op.outputs)
    if op.terms:
        length = " · ".join(["2", *map(format_factor, op.terms)])
        return (Term(f"({length} − 1)", 2 * product(op.terms) - 1), *op.outputs)
    return (op.each.operations, *op.outputs)


@convention("macs")
def macs(op: Op) -> Cost:
    """Multiply–adds of matrix products and convolutions count 1, everything else 0."""
    return (*op.terms, *op.outputs) if op.macs else 0


# What tf.profiler's float_operation reports per output, for the kinds where this is not the
# number of scalar operations. It reports nothing for functions without a registered cost.
_TF_EACH = {
    "relu": 0,
    "relu6": 0,
    "leaky_relu": 0,
    "sigmoid": 0,
    "tanh": 0,
    "global_max_pool": 0,
    "rsqrt": 3,  # one addition, and 2 for rsqrt
    "deviation": 1,  # the maximum; the square root is not reported
}


@convention("tf")
def tf(op: Op) -> Cost:
    """What tf.profiler's float_operation reports, for the layers it counts correctly.

    Matrix products and convolutions cost 2 · terms per output, plus 1 for a bias; pooling costs
    its window; softmax costs 5 per element; other activation functions cost nothing.
    """
    if op.terms:
        terms = " · ".join(map(format_factor, op.terms))
        each = Term(f"(2 · {terms}{' + 1' if op.bias else ''})", 2 * product(op.terms) + op.bias)
        return (each, *op.outputs)
    if op.kind in ("max_pool", "average_pool", "global_average_pool"):
        return (*op.window, *op.outputs)
    if op.kind == "softmax":
        return (5, *op.window, *op.outputs)
    return (_TF_EACH.get(op.kind, op.each.operations), *op.outputs)

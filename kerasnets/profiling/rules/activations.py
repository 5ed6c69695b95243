"""Activation functions, scalar operation by scalar operation as their definitions write them.

A branch counts both sides and the comparison that chooses, as vectorised code runs it.
"""

from __future__ import annotations

from typing import Any

from kerasnets.profiling.counts import Counts, Op
from kerasnets.profiling.registry import Call, UnsupportedError, rule
from kerasnets.profiling.sizes import Shape

_SIGMOID = Counts(additions=2, divisions=1, transcendentals=1)  # 1 / (1 + exp(−x))
_TANH = Counts(additions=3, divisions=1, transcendentals=2)  # (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)
_SOFTPLUS = Counts(additions=1, transcendentals=2)  # log(1 + exp(x))
_HARD_SIGMOID = Counts(additions=1, comparisons=2, divisions=1)  # clip(x / 6 + 0.5, 0, 1)
_MULTIPLY = Counts(multiplications=1)
_ELU = Counts(additions=1, multiplications=1, comparisons=1, transcendentals=1)

# Of one element.
ACTIVATIONS = {
    "linear": Counts(),
    "relu": Counts(comparisons=1),
    "relu6": Counts(comparisons=2),
    "leaky_relu": Counts(multiplications=1, comparisons=1),
    "elu": _ELU,  # α · (exp(x) − 1) below zero
    "celu": _ELU + Counts(divisions=1),  # α · (exp(x / α) − 1)
    "selu": _ELU + _MULTIPLY,
    "sigmoid": _SIGMOID,
    "hard_sigmoid": _HARD_SIGMOID,
    "log_sigmoid": _SOFTPLUS + Counts(additions=2),  # −softplus(−x)
    "sparse_sigmoid": Counts(additions=1, multiplications=1, comparisons=2),
    "tanh": _TANH,
    "hard_tanh": Counts(comparisons=2),
    "tanh_shrink": _TANH + Counts(additions=1),  # x − tanh(x)
    "softplus": _SOFTPLUS,
    "sparse_plus": Counts(additions=1, multiplications=2, comparisons=2),  # (x + 1)² / 4
    "squareplus": Counts(additions=2, multiplications=2, transcendentals=1),  # (x + √(x²+b)) / 2
    "softsign": Counts(additions=1, comparisons=1, divisions=1),  # x / (|x| + 1)
    "soft_shrink": Counts(additions=2, comparisons=2),
    "hard_shrink": Counts(comparisons=2),  # |x| > threshold
    "threshold": Counts(comparisons=1),
    "silu": _SIGMOID + _MULTIPLY,
    "hard_silu": _HARD_SIGMOID + _MULTIPLY,
    "exponential": Counts(transcendentals=1),
    "mish": _SOFTPLUS + _TANH + _MULTIPLY,
    # x / 2 · (1 + erf(x / √2)), which is Keras's default
    "gelu": Counts(additions=1, multiplications=3, transcendentals=1),
}


def activation_ops(activation: Any, outputs: Shape, after: str = "", label: str = "") -> list[Op]:
    """The steps of an activation function on an output of some shape.

    Args:
        activation: a Keras activation function, layer, or ``None``.
        outputs: the shape it works on.
        after: the kind of sums it follows inside a layer.
        label: what is said of it in explanations.

    Raises:
        UnsupportedError: if it is not one of Keras's own.
    """
    name = "linear" if activation is None else getattr(activation, "__name__", "")
    if name in ("softmax", "log_softmax"):
        return softmax(outputs, log=name == "log_softmax", label=label)
    if name not in ACTIVATIONS:
        raise UnsupportedError(f"the activation {activation!r} has no rule")
    if name == "linear":
        return []
    return [Op(name, ACTIVATIONS[name], outputs, after=after, label=f"{label} {name}".strip())]


def softmax(outputs: Shape, axis: int = -1, *, log: bool = False, label: str = "") -> list[Op]:
    """N exponentials, n − 1 additions and n divisions; the logarithm needs one log a row."""
    size = outputs[axis]
    rows = tuple(side for at, side in enumerate(outputs) if at != axis % len(outputs))
    rows = rows or (1,)
    each = Counts(additions=size - 1, divisions=size, transcendentals=size)
    if log:
        each = Counts(additions=size - 1 + size, transcendentals=size + 1)
    name = "log_softmax" if log else "softmax"
    return [Op(name, each, rows, label=label or name, window=(size,))]


@rule("Activation")
def activation(layer: Any, call: Call) -> list[Op]:
    """The activation function it is given."""
    return activation_ops(layer.activation, call.sample(call.output))


@rule("ReLU")
def relu(layer: Any, call: Call) -> list[Op]:
    """One comparison; one more for a maximum, a product for a slope, a sum for a threshold."""
    each = Counts(
        comparisons=1 + (layer.max_value is not None),
        multiplications=int(bool(layer.negative_slope)),
    )
    return [Op("relu", each, call.sample(call.output), label="ReLU")]


@rule("LeakyReLU", "PReLU")
def leaky_relu(layer: Any, call: Call) -> list[Op]:
    """max(x, 0) + α · min(x, 0) as one comparison and one product."""
    return activation_ops_by_name("leaky_relu", call)


@rule("ELU")
def elu(layer: Any, call: Call) -> list[Op]:
    """As the activation ``elu``."""
    return activation_ops_by_name("elu", call)


@rule("Softmax")
def softmax_layer(layer: Any, call: Call) -> list[Op]:
    """As the activation ``softmax``, over its axis."""
    return softmax(call.output, layer.axis)


def activation_ops_by_name(name: str, call: Call) -> list[Op]:
    """The steps of the named activation on a call's output."""
    return [Op(name, ACTIVATIONS[name], call.sample(call.output), label=name)]

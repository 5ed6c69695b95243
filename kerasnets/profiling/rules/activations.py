"""Activation functions: the scalar operations in their definitions.

A function with a branch counts both branches and the comparison, as in vectorized code.
"""

from __future__ import annotations

from typing import Any

from kerasnets.profiling.counts import Counts, Op
from kerasnets.profiling.registry import Call, UnsupportedError, rule
from kerasnets.profiling.sizes import Shape, ceil_div, exact_div, product

_SIGMOID = Counts(additions=2, divisions=1, transcendentals=1)  # 1 / (1 + exp(−x))
_TANH = Counts(additions=3, divisions=1, transcendentals=2)  # (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)
_SOFTPLUS = Counts(additions=1, transcendentals=2)  # log(1 + exp(x))
_HARD_SIGMOID = Counts(additions=1, comparisons=2, divisions=1)  # clip(x / 6 + 0.5, 0, 1)
_MULTIPLY = Counts(multiplications=1)
_ELU = Counts(additions=1, multiplications=1, comparisons=1, transcendentals=1)

# Scalar operations per element.
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
    # x / 2 · (1 + erf(x / √2)), the default of Keras
    "gelu": Counts(additions=1, multiplications=3, transcendentals=1),
    # x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))
    "gelu_tanh": _TANH + Counts(additions=2, multiplications=6),
}


def activation_ops(
    activation: Any, call: Call, outputs: Shape, after: str = "", label: str = ""
) -> list[Op]:
    """The steps of an activation function.

    Args:
        activation: a Keras activation function or layer, any other function, or ``None``.
        call: the call of the layer that the activation belongs to.
        outputs: the shape of the values that it is applied to, without the batch axis.
        after: the kind of the step before it in the same layer.
        label: a description for explanations.

    Raises:
        UnsupportedError: the function has no rule and cannot be traced.
    """
    name = "linear" if activation is None else getattr(activation, "__name__", "")
    if getattr(activation, "__module__", "keras").split(".")[0] != "keras":
        return call.inner(activation, [(1, *outputs)], [(1, *outputs)])
    if name in ("softmax", "log_softmax"):
        return softmax(outputs, log=name == "log_softmax", label=label)
    if name == "glu":
        return _glu(outputs)
    if name == "sparsemax":
        raise UnsupportedError("the number of steps of sparsemax depends on its values")
    if name not in ACTIVATIONS:
        return call.inner(activation, [(1, *outputs)], [(1, *outputs)])
    return named_activation(name, outputs, after, label)


def named_activation(name: str, outputs: Shape, after: str = "", label: str = "") -> list[Op]:
    """The steps of an activation function in ``ACTIVATIONS``."""
    if name == "linear":
        return []
    return [Op(name, ACTIVATIONS[name], outputs, after=after, label=f"{label} {name}".strip())]


def _glu(outputs: Shape) -> list[Op]:
    """One half of the last axis times the sigmoid of the other half."""
    each = _SIGMOID + _MULTIPLY
    return [Op("glu", each, (*outputs[:-1], ceil_div(outputs[-1], 2)), label="glu")]


def softmax(outputs: Shape, axis: int = -1, *, log: bool = False, label: str = "") -> list[Op]:
    """For a row of n values: n exponentials, n − 1 additions and n divisions.

    With ``log``, one logarithm per row and n subtractions replace the divisions.
    """
    size = outputs[axis]
    at = axis % len(outputs)
    rows = tuple(side for side in (*outputs[:at], *outputs[at + 1 :]) if side != 1) or (1,)
    each = Counts(additions=size - 1, divisions=size, transcendentals=size)
    if log:
        each = Counts(additions=size - 1 + size, transcendentals=size + 1)
    name = "log_softmax" if log else "softmax"
    return [Op(name, each, rows, label=label or name, window=(size,))]


@rule("Activation")
def activation(layer: Any, call: Call) -> list[Op]:
    """The activation function of the layer."""
    return activation_ops(layer.activation, call, call.sample(call.input))


@rule("ReLU", "activations.ReLU")
def relu(layer: Any, call: Call) -> list[Op]:
    """One comparison; one more for a maximum; a comparison, product and sum for a slope."""
    slope = int(bool(layer.negative_slope))
    each = Counts(
        comparisons=1 + (layer.max_value is not None) + slope,
        multiplications=slope,
        additions=slope,
    )
    return [Op("relu", each, call.sample(call.output), label="relu")]


@rule("PReLU")
def prelu(layer: Any, call: Call) -> list[Op]:
    """relu(x) − α · relu(−x): two comparisons, two changes of sign, one product and one sum."""
    each = Counts(additions=3, multiplications=1, comparisons=2)
    return [Op("prelu", each, call.sample(call.output), label="prelu")]


@rule("LeakyReLU")
def leaky_relu(layer: Any, call: Call) -> list[Op]:
    """max(x, α · x)."""
    return named_activation("leaky_relu", call.sample(call.output))


@rule("ELU")
def elu(layer: Any, call: Call) -> list[Op]:
    """The activation function ``elu``."""
    return named_activation("elu", call.sample(call.output))


@rule("Softmax", "ops.Softmax")
def softmax_layer(layer: Any, call: Call) -> list[Op]:
    """The activation function ``softmax`` along one or several axes."""
    axes = layer.axis if isinstance(layer.axis, list | tuple) else (layer.axis,)
    if len(axes) > 1:
        size = product(call.output[axis] for axis in axes)
        return softmax((exact_div(product(call.output), size), size))
    return softmax(call.output, axes[0])


@rule("ops.LogSoftmax")
def log_softmax(op: Any, call: Call) -> list[Op]:
    """The activation function ``log_softmax``."""
    return softmax(call.output, op.axis, log=True)


# Class names of operations in keras.ops, and the activation functions they compute.
_OPERATIONS = {
    "Relu": "relu", "Relu6": "relu6", "Sigmoid": "sigmoid", "SparseSigmoid": "sparse_sigmoid",
    "Softplus": "softplus", "Softsign": "softsign", "SoftShrink": "soft_shrink",
    "SparsePlus": "sparse_plus", "Silu": "silu", "Squareplus": "squareplus",
    "LogSigmoid": "log_sigmoid", "LeakyRelu": "leaky_relu", "HardSigmoid": "hard_sigmoid",
    "HardSilu": "hard_silu", "Elu": "elu", "Selu": "selu", "Celu": "celu",
    "TanhShrink": "tanh_shrink", "HardTanh": "hard_tanh", "HardShrink": "hard_shrink",
    "Threshold": "threshold", "Tanh": "tanh",
}  # fmt: skip


@rule(*(f"ops.{name}" for name in _OPERATIONS), "activations.Mish")
def operation(op: Any, call: Call) -> list[Op]:
    """The activation function that the operation computes."""
    name = _OPERATIONS.get(type(op).__name__, "mish")
    return named_activation(name, call.sample(call.output))


@rule("ops.Gelu")
def gelu(op: Any, call: Call) -> list[Op]:
    """GELU with erf, or with its approximation by tanh."""
    name = "gelu_tanh" if getattr(op, "approximate", True) else "gelu"
    return named_activation(name, call.sample(call.output))


@rule("ops.Glu")
def glu(op: Any, call: Call) -> list[Op]:
    """One half of an axis times the sigmoid of the other half."""
    return [Op("glu", _SIGMOID + _MULTIPLY, call.sample(call.output), label="glu")]

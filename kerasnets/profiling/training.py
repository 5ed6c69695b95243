"""The cost that training adds: backward pass, layers active in training only, weight update.

The backward cost of each kind of step follows from the chain rule. ``dy`` is the gradient of the
loss with respect to an output; the next layer has already computed it. The cost of a step is
that of the gradients with respect to its inputs and weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from kerasnets._errors import unknown_name
from kerasnets.profiling.counts import PRODUCT_KINDS, Counts, Op, elementwise
from kerasnets.profiling.rules.normalization import moments
from kerasnets.profiling.sizes import Steps, exact_div, product
from kerasnets.profiling.walk import LayerCall

_MULTIPLY = Counts(multiplications=1)

# Backward cost per element. It uses the output y where possible, which the forward pass keeps.
_ACTIVATIONS = {
    "relu": Counts(comparisons=1),  # dy where x > 0
    "relu6": Counts(comparisons=2),
    "hard_tanh": Counts(comparisons=2),
    "leaky_relu": Counts(comparisons=1, multiplications=1),
    "sigmoid": Counts(additions=1, multiplications=2),  # dy · y · (1 − y)
    "tanh": Counts(additions=1, multiplications=2),  # dy · (1 − y²)
    "exponential": _MULTIPLY,  # dy · y
    "dropout": Counts(multiplications=2),  # dy · mask · 1/keep
}


def training_ops(call: LayerCall) -> list[Op]:
    """The steps that training adds to a call, without the weight update.

    Args:
        call: the call with its forward steps.

    Returns:
        Forward steps that run in training only, then backward steps.
    """
    has_weights = bool(getattr(call.layer, "trainable_weights", ()))
    extras = _training_only_ops(call)
    if not any(x.requires_grad for x in call.outputs):
        return extras
    to_inputs = any(x.requires_grad for x in call.inputs)
    forward = (*call.ops, *extras)
    return [*extras, *(step for op in forward for step in backward(op, to_inputs, has_weights))]


def update_op(parameters: int, optimizer: str) -> list[Op]:
    """The weight update: it runs once per batch, so its cost does not depend on the batch size."""
    if not parameters:
        return []
    return [Op("update", UPDATES[optimizer], (parameters,), label=optimizer, phase="update")]


def backward(op: Op, to_inputs: bool, has_weights: bool) -> list[Op]:
    """The backward steps of one forward step.

    Args:
        op: the forward step.
        to_inputs: whether the gradient with respect to the inputs of the layer is needed.
        has_weights: whether the layer has trainable weights.
    """
    if op.kind in PRODUCT_KINDS:
        return list(_product_backward(op, to_inputs, has_weights))
    return [replace(op, each=_backward_each(op), label=f"backward {op.label}", phase="backward")]


def _product_backward(op: Op, to_inputs: bool, has_weights: bool) -> Iterable[Op]:
    """The backward steps of a sum of products.

    A forward product w · x adds dy · w to the gradient of x and dy · x to the gradient of w.
    Each of these is one multiply–add, because both sums start at zero. A bias takes one addition
    of dy per output.

    A recurrent layer needs the gradient of its state, even if it is the first layer of a network.
    """
    recurrent = any(isinstance(factor, Steps) for factor in op.repeats)
    two_tensors = op.kind == "matmul"
    each = Counts(multiply_adds=product(op.terms))
    step = replace(op, each=each, bias=True, phase="backward")
    if to_inputs or recurrent or two_tensors:
        yield replace(step, label=f"gradient of inputs {op.label}".strip())
    if has_weights or two_tensors:
        yield replace(step, label=f"gradient of weights {op.label}".strip())
    if has_weights and op.bias:
        yield Op("bias", Counts(additions=1), op.outputs, label="gradient of bias",
                 repeats=op.repeats, phase="backward")  # fmt: skip


def _backward_each(op: Op) -> Counts:
    if op.kind in _ACTIVATIONS:
        return _ACTIVATIONS[op.kind]
    if op.kind == "softmax":
        return _softmax_backward(op)
    if op.kind.endswith("max_pool"):
        return Counts(additions=1)  # dy is added to the largest input of the window
    if op.kind.endswith("average_pool"):
        return Counts(additions=product(op.window), divisions=1)  # dy / n is added to each input
    return _chain_rule(op.each)


def _softmax_backward(op: Op) -> Counts:
    """The gradient y · (dy − Σ dy · y): 2n products, n − 1 additions, n subtractions per row."""
    size = product(op.window)
    return Counts(multiply_adds=size - 1, multiplications=1 + size, additions=size)


def _chain_rule(each: Counts) -> Counts:
    """The chain rule, applied to each scalar operation separately.

    - a ± b: one addition of dy to the gradient of an input.
    - a · b: two multiply–adds, dy · b and dy · a.
    - a / b: dy / b and −(dy / b) · y, so one division, one product, one change of sign and two
      additions.
    - f(x): dy · f′(x), counted as two products.
    - a comparison: one comparison, because dy is added to the gradient of the selected input.
    """
    return Counts(
        multiply_adds=2 * each.multiplications,
        additions=each.additions + 3 * each.divisions,
        multiplications=each.divisions + 2 * each.transcendentals,
        comparisons=each.comparisons,
        divisions=each.divisions,
    )


def _training_only_ops(call: LayerCall) -> list[Op]:
    """The forward steps that a layer runs in training but not in inference."""
    if not getattr(call.layer, "trainable", True):
        return []  # Keras runs a frozen batch normalization in inference mode
    rule = _TRAINING_ONLY.get(type(call.layer).__name__)
    return rule(call) if rule else []


def _dropout(call: LayerCall) -> list[Op]:
    """Compare a random number with the rate, multiply by the mask, multiply by 1/keep.

    The generation of the random number is not counted.
    """
    outputs = call.outputs[0].shape[1:]
    return [elementwise("dropout", outputs, "dropout", comparisons=1, multiplications=2)]


def _batch_statistics(call: LayerCall) -> list[Op]:
    """Moments over the batch, and two moving averages m · old + (1 − m) · new per channel."""
    shape = call.inputs[0].shape
    channels = shape[call.layer.axis]
    size = exact_div(product(shape), channels)
    moving = elementwise("moving", (channels,), "moving averages", additions=2, multiplications=4)
    return [*moments((channels,), size), moving]


_TRAINING_ONLY: dict[str, Callable[[LayerCall], list[Op]]] = {
    "Dropout": _dropout,
    "SpatialDropout1D": _dropout,
    "SpatialDropout2D": _dropout,
    "SpatialDropout3D": _dropout,
    "BatchNormalization": _batch_statistics,
}

# Operations per parameter, in the formulas of Keras's optimizers.
UPDATES = {
    # w − lr · g
    "sgd": Counts(additions=1, multiplications=1),
    # m ← β · m − lr · g, w + m
    "momentum": Counts(additions=2, multiplications=2),
    # v ← ρ · v + (1 − ρ) · g², w − lr · g / √(v + ε)
    "rmsprop": Counts(additions=3, multiplications=4, divisions=1, transcendentals=1),
    # v ← v + g², w − lr · g / √(v + ε)
    "adagrad": Counts(additions=3, multiplications=2, divisions=1, transcendentals=1),
    # m ← m + (g − m)(1 − β₁), v ← v + (g² − v)(1 − β₂), w − m · α / (√v + ε)
    "adam": Counts(additions=6, multiplications=4, divisions=1, transcendentals=1),
    # the same after w − w · decay · lr
    "adamw": Counts(additions=7, multiplications=5, divisions=1, transcendentals=1),
}


def optimizer_name(model: Any, optimizer: str | None) -> str:
    """The update rule: ``optimizer`` if passed, else the compiled optimizer, else Adam.

    Raises:
        ValueError: there is no rule for the optimizer.
    """
    compiled = getattr(model, "optimizer", None)
    name = optimizer or (type(compiled).__name__.lower() if compiled else "adam")
    if optimizer is None and name == "sgd" and getattr(compiled, "momentum", False):
        name = "momentum"
    if name not in UPDATES:
        raise unknown_name("optimizer", name, UPDATES)
    return name

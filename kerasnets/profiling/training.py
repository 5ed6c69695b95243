"""What training adds: the backward pass, layers that act in training only, the update.

Backward costs follow from the chain rule, one derivation a kind of step. ``dy`` is the gradient
of the loss by an output, which the layer behind has worked out; what a step costs is sending it
on to whatever it was computed from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from kerasnets._errors import unknown_name
from kerasnets.profiling.counts import PRODUCT_KINDS, Counts, Op, elementwise
from kerasnets.profiling.rules.normalization import moments
from kerasnets.profiling.sizes import Steps, product, ratio
from kerasnets.profiling.walk import Visit

_MULTIPLY = Counts(multiplications=1)

# Of one element, from its output y where that is known: y is kept from the forward pass.
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


def training_ops(visit: Visit) -> list[Op]:
    """The steps training adds to a call, without the update: forward extras, then backward.

    Args:
        visit: the call, with its forward steps.
    """
    weights = bool(getattr(visit.layer, "trainable_weights", ()))
    extras = _extras(visit)
    if not any(x.grows for x in visit.outputs):
        return extras
    ahead = any(x.grows for x in visit.inputs)
    back = [step for op in (*visit.ops, *extras) for step in backward(op, ahead, weights)]
    return [*extras, *back]


def update_op(parameters: int, optimizer: str) -> list[Op]:
    """The update of some parameters: once for a batch, whatever its size."""
    if not parameters:
        return []
    return [Op("update", UPDATES[optimizer], (parameters,), label=optimizer, phase="update")]


def backward(op: Op, ahead: bool, weights: bool) -> list[Op]:
    """The steps that send the gradient of one forward step on.

    Args:
        op: the forward step.
        ahead: whether the gradient of the layer's inputs is needed.
        weights: whether the layer has weights to train.
    """
    if op.kind in PRODUCT_KINDS:
        return list(_product_backward(op, ahead, weights))
    return [replace(op, each=_backward_each(op), label=f"backward {op.label}", phase="backward")]


def _product_backward(op: Op, ahead: bool, weights: bool) -> Iterable[Op]:
    """Each forward product w · x sends dy · w to x and dy · x to w.

    Either is one multiply–add onto a sum that starts at zero. A bias is one addition of dy for
    each output.

    A recurrent layer needs the gradient of its state, so also the first layer of a net sends it.
    """
    recurrent = any(isinstance(factor, Steps) for factor in op.repeats)
    both = op.kind == "matmul"
    each = Counts(multiply_adds=product(op.terms))
    step = replace(op, each=each, bias=True, phase="backward")
    if ahead or recurrent or both:
        yield replace(step, label=f"gradient of inputs {op.label}".strip())
    if weights or both:
        yield replace(step, label=f"gradient of weights {op.label}".strip())
    if weights and op.bias:
        yield Op("bias", Counts(additions=1), op.outputs, label="gradient of bias",
                 repeats=op.repeats, phase="backward")  # fmt: skip


def _backward_each(op: Op) -> Counts:
    if op.kind in _ACTIVATIONS:
        return _ACTIVATIONS[op.kind]
    if op.kind == "softmax":
        return _softmax_backward(op)
    if op.kind.endswith("max_pool"):
        return Counts(additions=1)  # dy goes to the largest of the window
    if op.kind.endswith("average_pool"):
        return Counts(additions=product(op.window), divisions=1)  # dy / n to each
    return _chain_rule(op.each)


def _softmax_backward(op: Op) -> Counts:
    """Y · (dy − Σ dy · y): n products, n − 1 additions, n subtractions, n products a row."""
    size = product(op.window)
    return Counts(multiply_adds=size - 1, multiplications=1 + size, additions=size)


def _chain_rule(each: Counts) -> Counts:
    """The chain rule on each scalar operation by itself.

    a ± b passes dy on: one addition onto what an input has from elsewhere. a · b sends dy · b
    and dy · a: two multiply–adds. a / b sends dy / b and −(dy / b) · y: a division, a product,
    a change of sign, two additions. A function sends dy · f′(x): two products. A choice sends
    dy to the side it took: one comparison.
    """
    return Counts(
        multiply_adds=2 * each.multiplications,
        additions=each.additions + 3 * each.divisions,
        multiplications=each.divisions + 2 * each.transcendentals,
        comparisons=each.comparisons,
        divisions=each.divisions,
    )


def _extras(visit: Visit) -> list[Op]:
    """What layers do in training and not in inference."""
    if not getattr(visit.layer, "trainable", True):
        return []  # Keras runs a frozen batch normalisation as in inference
    extra = _EXTRAS.get(type(visit.layer).__name__)
    return extra(visit) if extra else []


def _dropout(visit: Visit) -> list[Op]:
    """A comparison of a random number with the rate, a product with the mask, one with 1/keep.

    Drawing the number is not counted.
    """
    outputs = visit.outputs[0].shape[1:]
    return [elementwise("dropout", outputs, "dropout", comparisons=1, multiplications=2)]


def _batch_statistics(visit: Visit) -> list[Op]:
    """Moments over the batch and two moving averages m · old + (1 − m) · new a channel."""
    shape = visit.inputs[0].shape
    channels = shape[visit.layer.axis]
    size = ratio(product(shape), channels)
    moving = elementwise("moving", (channels,), "moving averages", additions=2, multiplications=4)
    return [*moments((channels,), size), moving]


_EXTRAS: dict[str, Callable[[Visit], list[Op]]] = {
    "Dropout": _dropout,
    "SpatialDropout1D": _dropout,
    "SpatialDropout2D": _dropout,
    "SpatialDropout3D": _dropout,
    "BatchNormalization": _batch_statistics,
}

# Of one parameter, as Keras's optimizers write their update.
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
    # and w − w · decay · lr first
    "adamw": Counts(additions=7, multiplications=5, divisions=1, transcendentals=1),
}


def optimizer_name(model: Any, optimizer: str | None) -> str:
    """The update rule: the one given, else the compiled optimizer's, else Adam's.

    Raises:
        ValueError: if there is no rule of that name.
    """
    compiled = getattr(model, "optimizer", None)
    name = optimizer or (type(compiled).__name__.lower() if compiled else "adam")
    if name == "sgd" and getattr(compiled, "momentum", False):
        name = "momentum"
    if name not in UPDATES:
        raise unknown_name("optimizer", name, UPDATES)
    return name

"""Sums of products: dense layers, Einstein sums, matrix products in a graph."""

from __future__ import annotations

from typing import Any

import sympy

from kerasnets.profiling.counts import Op, elementwise, sum_of_products
from kerasnets.profiling.registry import Call, UnsupportedError, rule
from kerasnets.profiling.rules.activations import activation_ops, named_activation
from kerasnets.profiling.sizes import Shape, Size, product, ratio, simplified


@rule("Dense")
def dense(layer: Any, call: Call) -> list[Op]:
    """2 · in · out with a bias: each output sums ``in`` products onto it; 1 less without."""
    outputs = call.sample(call.output)
    sums = sum_of_products("dense", outputs, call.input[-1:], bias=layer.use_bias)
    return [
        sums,
        *activation_ops(layer.activation, call, outputs, after="dense"),
        *_lora(layer, call),
    ]


def _lora(layer: Any, call: Call) -> list[Op]:
    """Two thin products beside the kernel, and their scaled sum onto the output."""
    if not getattr(layer, "lora_enabled", False):
        return []
    positions, outputs = call.sample(call.input)[:-1], call.sample(call.output)
    rank = layer.lora_rank
    return [
        sum_of_products("dense", (*positions, rank), call.input[-1:], label="LoRA down"),
        sum_of_products("dense", outputs, (rank,), label="LoRA up"),
        elementwise("scale", outputs, "LoRA scale and sum", additions=1, multiplications=1),
    ]


@rule("EinsumDense")
def einsum_dense(layer: Any, call: Call) -> list[Op]:
    """The Einstein sum of input and kernel, onto a bias if there is one."""
    kernel = tuple(layer.kernel.shape)
    outputs, terms = contraction(layer.equation, [call.input, kernel])
    sums = sum_of_products("dense", outputs, terms, bias=layer.bias is not None)
    return [sums, *activation_ops(layer.activation, call, outputs, after="dense")]


def contraction(equation: str, shapes: list[Shape]) -> tuple[Shape, Shape]:
    """The sizes an Einstein sum keeps and those it sums over.

    Args:
        equation: such as ``"abc,cd->abd"``; ``...`` stands for the axes left over.
        shapes: the shapes of its operands.
    """
    equation = equation.replace(" ", "")
    inputs, arrow, kept = equation.partition("->")
    sizes: dict[str, Size] = {}
    labelled = []
    for labels, shape in zip(inputs.split(","), shapes, strict=True):
        labels = _spelled_out(labels, len(shape))
        labelled.append(labels)
        for label, side in zip(labels, shape, strict=True):
            # A side of 1 is broadcast.
            sizes[label] = side if sizes.get(label, 1) == 1 else sizes[label]
    joined = "".join(labelled)
    if not arrow:
        kept = "".join(sorted(x for x in set(joined) if joined.count(x) == 1))
    kept = _spelled_out(kept, len(kept.replace("...", "")) + _left_over(inputs, shapes))
    outputs = tuple(sizes[label] for label in kept)
    terms = tuple(side for label, side in sizes.items() if label not in kept)
    # The batch axis of 1 says nothing in a calculation.
    return tuple(side for side in outputs if side != 1) or (1,), terms or (1,)


def _left_over(inputs: str, shapes: list[Shape]) -> int:
    """How many axes ``...`` stands for."""
    pairs = zip(inputs.split(","), shapes, strict=True)
    return max((len(s) - len(x.replace(".", "")) for x, s in pairs if "..." in x), default=0)


def _spelled_out(labels: str, rank: int) -> str:
    """``...`` replaced by labels of its own, numbered from the right."""
    if "..." not in labels:
        return labels
    extra = rank - len(labels.replace("...", ""))
    return labels.replace("...", "".join(chr(0x2460 + at) for at in reversed(range(extra))))


@rule("ops.Einsum")
def einsum(op: Any, call: Call) -> list[Op]:
    """The Einstein sum of two operands; a single one is only summed or moved."""
    shapes = list(call.operands)
    if len(shapes) > 2:
        raise UnsupportedError("an Einstein sum of more than two operands has no one order")
    outputs, terms = contraction(op.subscripts, shapes)
    if len(shapes) == 1:
        return [elementwise("sum", outputs, additions=product(terms) - 1)]
    return [_products(outputs, terms)]


@rule("ops.Matmul")
def matmul(op: Any, call: Call) -> list[Op]:
    """Each output sums products along the last axis of the first operand."""
    return [_products(call.sample(call.output), call.operands[0][-1:])]


@rule("ops.Dot", "ops.Inner", "ops.Tensordot", "ops.Vdot", "ops.Outer", "ops.Kron")
def tensordot(op: Any, call: Call) -> list[Op]:
    """Every pair of entries meets once in each output: |a| · |b| / |out| = terms²."""
    first, second = (product(shape) for shape in call.operands[:2])
    squared = ratio(first * second, product(call.output))
    terms = simplified(sympy.sqrt(squared))
    return [_products(call.sample(call.output), (terms,))]


@rule("Dot")
def dot(layer: Any, call: Call) -> list[Op]:
    """Products summed along the chosen axes; each vector scaled to length 1 first if asked."""
    axes = layer.axes if isinstance(layer.axes, list | tuple) else (layer.axes, layer.axes)
    ops = [_products(call.sample(call.output), (call.inputs[0][axes[0]],))]
    if layer.normalize:
        for shape, axis in zip(call.inputs, axes, strict=True):
            size = shape[axis]
            rows = (ratio(product(shape), size),)
            ops += [
                elementwise("norm", rows, "√Σx²", additions=size - 1, multiplications=size,
                            comparisons=1, transcendentals=1),
                elementwise("normalize", call.sample(shape), "x / √Σx²", divisions=1),
            ]  # fmt: skip
    return ops


def _products(outputs: Shape, terms: Shape) -> Op:
    if product(terms) == 1:
        return elementwise("multiply", outputs, multiplications=1)
    return sum_of_products("matmul", outputs, terms)


@rule("ReversibleEmbedding")
def reversible_embedding(layer: Any, call: Call) -> list[Op]:
    """A lookup; in reverse a matrix product with the embeddings, then tanh if it is capped."""
    reverse = call.kwargs.get("reverse", len(call.args) > 1 and call.args[1])
    if not reverse:
        return []
    outputs = call.sample(call.output)
    ops = [_products(outputs, call.input[-1:])]
    if layer.logit_soft_cap is not None:
        ops += named_activation("tanh", outputs)
        ops.append(elementwise("scale", outputs, "soft cap", multiplications=1, divisions=1))
    return ops

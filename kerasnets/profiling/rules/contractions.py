"""Sums of products: dense layers, Einstein sums, matrix products in a graph."""

from __future__ import annotations

from typing import Any

import sympy

from kerasnets.profiling.counts import Op, elementwise, sum_of_products
from kerasnets.profiling.einsum import label_sizes
from kerasnets.profiling.registry import Call, UnsupportedError, rule
from kerasnets.profiling.rules.activations import activation_ops, named_activation
from kerasnets.profiling.sizes import Shape, product, ratio, simplified


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
    """The sizes an Einstein sum keeps, without batch axes of 1, and those it sums over."""
    sizes, kept = label_sizes(equation, shapes)
    terms = tuple(side for label, side in sizes.items() if label not in kept)
    return tuple(sizes[x] for x in kept if sizes[x] != 1) or (1,), terms or (1,)


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

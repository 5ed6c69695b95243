"""Sums of products: dense layers, Einstein sums, matrix products."""

from __future__ import annotations

from typing import Any

import sympy

from kerasnets.profiling.counts import Op, elementwise, sum_of_products
from kerasnets.profiling.einsum import contraction_path, label_sizes
from kerasnets.profiling.registry import Call, rule
from kerasnets.profiling.rules.activations import activation_ops, named_activation
from kerasnets.profiling.rules.lora import lora_update, quantized_lora
from kerasnets.profiling.sizes import Shape, exact_div, product, simplify


@rule("Dense")
def dense(layer: Any, call: Call) -> list[Op]:
    """One sum of ``in`` products per output: 2 · in operations with a bias, one less without."""
    outputs = call.sample(call.output)
    sums = sum_of_products("dense", outputs, call.input[-1:], bias=layer.use_bias)
    return [
        sums,
        *activation_ops(layer.activation, call, outputs, after="dense"),
        *_lora(layer, call),
    ]


def _lora(layer: Any, call: Call) -> list[Op]:
    if not getattr(layer, "lora_enabled", False):
        return []
    return quantized_lora(layer, call) if layer.quantization_mode else lora_update(layer)


@rule("EinsumDense")
def einsum_dense(layer: Any, call: Call) -> list[Op]:
    """The Einstein sum of input and kernel, plus the bias if there is one."""
    kernel = tuple(layer.kernel.shape)
    outputs, terms = contraction(layer.equation, [call.input, kernel])
    sums = sum_of_products("dense", outputs, terms, bias=layer.bias is not None)
    activation = activation_ops(layer.activation, call, outputs, after="dense")
    return [*lora_update(layer), sums, *activation]


def contraction(equation: str, shapes: list[Shape]) -> tuple[Shape, Shape]:
    """The sizes of the output axes, without axes of 1, and the sizes of the summed axes."""
    sizes, output_labels = label_sizes(equation, shapes)
    terms = tuple(side for label, side in sizes.items() if label not in output_labels)
    return tuple(sizes[x] for x in output_labels if sizes[x] != 1) or (1,), terms or (1,)


@rule("ops.Einsum")
def einsum(op: Any, call: Call) -> list[Op]:
    """The Einstein sum of two operands; a single operand is only summed or transposed.

    TensorFlow contracts more operands two at a time, in the order that opt_einsum chooses.
    """
    ops = []
    for equation, shapes in contraction_path(op.subscripts, list(call.operands)):
        outputs, terms = contraction(equation, shapes)
        if len(shapes) == 1:
            ops.append(elementwise("sum", outputs, additions=product(terms) - 1))
        else:
            ops.append(_products(outputs, terms))
    return ops


@rule("ops.Matmul")
def matmul(op: Any, call: Call) -> list[Op]:
    """One sum of products along the last axis of the first operand, per output."""
    return [_products(call.sample(call.output), call.operands[0][-1:])]


@rule("ops.Dot", "ops.Inner", "ops.Tensordot", "ops.Vdot", "ops.Outer", "ops.Kron")
def tensordot(op: Any, call: Call) -> list[Op]:
    """The number of terms per output follows from the sizes: |a| · |b| / |out| = terms²."""
    first, second = (product(shape) for shape in call.operands[:2])
    squared = exact_div(first * second, product(call.output))
    terms = simplify(sympy.sqrt(squared))
    return [_products(call.sample(call.output), (terms,))]


@rule("Dot")
def dot(layer: Any, call: Call) -> list[Op]:
    """Sums of products along ``axes``; with ``normalize``, vectors are scaled to length 1 first."""
    axes = layer.axes if isinstance(layer.axes, list | tuple) else (layer.axes, layer.axes)
    ops = [_products(call.sample(call.output), (call.inputs[0][axes[0]],))]
    if layer.normalize:
        for shape, axis in zip(call.inputs, axes, strict=True):
            size = shape[axis]
            rows = (exact_div(product(shape), size),)
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
    """A lookup; in reverse a matrix product with the embeddings, then tanh if logits are capped."""
    reverse = call.kwargs.get("reverse", len(call.args) > 1 and call.args[1])
    if not reverse:
        return []
    outputs = call.sample(call.output)
    ops = [_products(outputs, call.input[-1:])]
    if layer.logit_soft_cap is not None:
        ops += named_activation("tanh", outputs)
        ops.append(elementwise("scale", outputs, "soft cap", multiplications=1, divisions=1))
    return ops

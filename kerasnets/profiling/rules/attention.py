"""Attention layers: projections, scores, softmax, weighted sums of values."""

from __future__ import annotations

from typing import Any

from kerasnets.profiling.counts import Op, elementwise, sum_of_products
from kerasnets.profiling.registry import Call, rule
from kerasnets.profiling.rules.activations import named_activation, softmax
from kerasnets.profiling.sizes import Shape, Size, product

_ARGUMENTS = ("query", "value", "key", "query_mask", "value_mask", "key_mask", "attention_mask")


def attend(
    rows: Shape, queries: Size, keys: Size, size: Size, values: Size, mask: bool
) -> list[Op]:
    """The steps of softmax(q · kᵀ, masked) · v.

    Args:
        rows: the sizes of all other axes: heads and batch axes.
        queries: the number of queries.
        keys: the number of keys.
        size: the size of a query and of a key.
        values: the size of a value.
        mask: whether a mask is applied, which is one selection per score.
    """
    scores = (*rows, queries, keys)
    ops = [sum_of_products("matmul", scores, (size,), label="scores q · k")]
    if mask:
        ops.append(elementwise("mask", scores, "mask", comparisons=1))
    return [
        *ops,
        *softmax(scores, label="softmax"),
        sum_of_products("matmul", (*rows, queries, values), (keys,), label="weights · v"),
    ]


def _masked(call: Call) -> bool:
    named = call.named(*_ARGUMENTS)
    return any(name.endswith("mask") for name in named) or bool(call.kwargs.get("use_causal_mask"))


@rule("MultiHeadAttention")
def multi_head(layer: Any, call: Call) -> list[Op]:
    """Projections of queries, keys and values per head, attention, and an output projection."""
    named = call.named(*_ARGUMENTS)
    query, value = named["query"], named["value"]
    key = named.get("key", value)
    axes = layer._attention_axes
    queries, keys = (product(shape[axis] for axis in axes) for shape in (query, value))
    other_axes = [query[axis] for axis in range(1, len(query) - 1) if axis not in axes]
    rows = (*other_axes, layer.num_heads)
    width = layer._value_dim
    return [
        *_projected(call, layer._query_dense, query, "query"),
        *_projected(call, layer._key_dense, key, "key"),
        *_projected(call, layer._value_dense, value, "value"),
        elementwise("scale", (*rows, queries, layer._key_dim), "q / √size", multiplications=1),
        *attend(rows, queries, keys, layer._key_dim, width, _masked(call)),
        *_projected(call, layer._output_dense, (*query[:-1], layer.num_heads, width), "output"),
    ]


def _projected(call: Call, layer: Any, shape: Shape, label: str) -> list[Op]:
    return [op.labelled(label) for op in call.inner(layer, [shape])]


@rule("GroupedQueryAttention")
def grouped_query(layer: Any, call: Call) -> list[Op]:
    """Multi-head attention in which groups of query heads share keys and values."""
    named = call.named(*_ARGUMENTS)
    query, value = named["query"], named["value"]
    key = named.get("key", value)
    heads, size = layer.num_query_heads, layer.head_dim
    queries, keys = query[1], value[1]
    gate = []
    if getattr(layer, "use_gate", False):
        gate = [
            *_projected(call, layer._gate_dense, query, "gate"),
            *named_activation("sigmoid", (queries, heads, size), label="gate"),
            elementwise("gate", (queries, heads, size), "gated values", multiplications=1),
        ]
    return [
        *_projected(call, layer._query_dense, query, "query"),
        *_projected(call, layer._key_dense, key, "key"),
        *_projected(call, layer._value_dense, value, "value"),
        elementwise("scale", (heads, queries, size), "q / √size", multiplications=1),
        *attend((heads,), queries, keys, size, size, _masked(call)),
        *gate,
        *_projected(call, layer._output_dense, (1, queries, heads, size), "output"),
    ]


@rule("Attention", "AdditiveAttention")
def attention(layer: Any, call: Call) -> list[Op]:
    """A score for each query and key, softmax, weighted sums of the values.

    A score is a dot product, optionally scaled, or for additive attention Σ scale · tanh(q + k).
    """
    query, value = call.inputs[:2]
    key = call.inputs[2] if len(call.inputs) > 2 else value
    queries, keys, size = query[-2], key[-2], query[-1]
    pairs = (queries, keys)
    additive = type(layer).__name__ == "AdditiveAttention"
    weights = [
        *softmax(pairs),
        sum_of_products("matmul", (queries, value[-1]), (keys,), label="weights · v"),
    ]
    if call.kwargs.get("use_causal_mask"):
        weights.insert(0, elementwise("mask", pairs, "mask", comparisons=1))
    if not additive and layer.score_mode == "dot":
        scale = [] if layer.scale is None else [elementwise("scale", pairs, multiplications=1)]
        scores = sum_of_products("matmul", pairs, (size,), label="scores q · k")
        return [scores, *scale, *weights]
    # Additive attention always multiplies by its scale, also if the scale is not trained.
    scaled = additive or layer.scale is not None
    return [
        elementwise("add", (*pairs, size), "q + k", additions=1),
        *named_activation("tanh", (*pairs, size)),
        *([elementwise("scale", (*pairs, size), multiplications=1)] if scaled else []),
        elementwise("sum", pairs, "sum over entries", additions=size - 1),
        *([] if additive else [elementwise("scale", pairs, "weight", multiplications=1)]),
        *weights,
    ]


@rule("ops.DotProductAttention")
def dot_product_attention(op: Any, call: Call) -> list[Op]:
    """Scaled attention of queries (batch, T, heads, size) to keys (batch, S, heads, size)."""
    (_, queries, heads, size), (_, keys, _, _), value = call.inputs[:3]
    masked = len(call.inputs) > 3 or op.is_causal
    return [
        elementwise("scale", (heads, queries, size), "q / √size", multiplications=1),
        *attend((heads,), queries, keys, size, value[-1], masked),
    ]

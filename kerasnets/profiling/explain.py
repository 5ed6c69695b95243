"""The calculation behind each number of a profile, written out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from kerasnets.profiling.counts import Op
from kerasnets.profiling.sizes import Factor, Term, format_factor, format_size, product, sum_term
from kerasnets.profiling.table import format_shape, title
from kerasnets.profiling.totals import LayerProfile, ProfileTotals


def explain(profile: ProfileTotals) -> str:
    """Write out the parameters and costs of every layer as sums and products, then the totals.

    The parameters of a dense layer, for example, are ``(178 + 1) · 16 = 2,864``.
    """
    blocks = [_layer(layer) for layer in profile.layers]
    return "\n\n".join([title(profile), *blocks, _total(profile)])


def _layer(layer: LayerProfile) -> str:
    head = f"{layer.path} ({layer.type}) → {', '.join(map(format_shape, layer.output_shapes))}"
    lines = [("parameters", parameters(layer.weights))] if layer.weights else []
    lines += [(_name(op), _calculation(cost)) for op, cost in layer.steps]
    if len(layer.steps) > 1:
        sums = " + ".join(format_size(product(cost)) for _, cost in layer.steps)
        lines.append(("total", f"{sums} = {format_size(layer.flops)}"))
    if layer.reason:
        lines.append(("not counted" if layer.supported else "NOT COUNTED", layer.reason))
    width = max((len(name) for name, _ in lines), default=0)
    return "\n".join([head, *(f"  {name:<{width}}  {text}" for name, text in lines)])


def _name(op: Op) -> str:
    if op.terms and not op.label:
        return "products and bias" if op.bias else "products"
    return op.label or op.kind


def _calculation(cost: Sequence[Factor]) -> str:
    """Format a cost as ``2 · 178 · 16 = 5,696``."""
    if len(cost) == 1:
        return format_size(product(cost))
    return f"{' · '.join(map(format_factor, cost))} = {format_size(product(cost))}"


def parameters(weights: Sequence[tuple[int, ...]]) -> str:
    """Format weight shapes as a sum; shapes with the same last axis share a product.

    >>> parameters([(178, 16), (16,)])
    '(178 + 1) · 16 = 2,864'
    """
    by_last_axis: dict[int, list[Factor]] = defaultdict(list)
    for *rest, last in (shape or (1,) for shape in weights):
        by_last_axis[last].append(_product_term(rest))
    parts = [(sum_term(*counts), last) for last, counts in by_last_axis.items()]
    result = sum(product(part) for part in parts)
    text = " + ".join(" · ".join(map(format_factor, part)) for part in parts)
    return f"{text} = {format_size(result)}"


def _product_term(sides: Sequence[int]) -> Factor:
    if len(sides) < 2:
        return product(sides)
    return Term(" · ".join(map(str, sides)), product(sides))


def _total(profile: ProfileTotals) -> str:
    at_least = "≥ " if profile.unsupported else ""
    parts = [layer.flops for layer in profile.layers if layer.flops != 0]
    sums = f"{' + '.join(map(format_size, parts))} = " if len(parts) > 1 else ""
    flops = format_size(profile.flops)
    return f"parameters  {profile.params:,}\nFLOPs       {at_least}{sums}{flops}"

"""The calculation behind each number, written out as one does it by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from kerasnets.profiling.counts import Op
from kerasnets.profiling.profile import LayerProfile, Profile
from kerasnets.profiling.sizes import Factor, Term, number, product, sum_term, written
from kerasnets.profiling.table import shape, title


def explain(profile: Profile) -> str:
    """Every layer's parameters and costs as sums and products, then the totals.

    Such as ``(178 + 1) · 16 = 2,864`` for the parameters of a dense layer.
    """
    blocks = [_layer(layer) for layer in profile.layers]
    return "\n\n".join([title(profile), *blocks, _total(profile)])


def _layer(layer: LayerProfile) -> str:
    head = f"{layer.path} ({layer.type}) → {', '.join(map(shape, layer.output_shapes))}"
    lines = [("parameters", parameters(layer.weights))] if layer.weights else []
    lines += [(_name(op), _calculation(cost)) for op, cost in layer.steps]
    if len(layer.steps) > 1:
        sums = " + ".join(number(product(cost)) for _, cost in layer.steps)
        lines.append(("together", f"{sums} = {number(layer.flops)}"))
    if layer.reason:
        lines.append(("not counted" if layer.supported else "NOT COUNTED", layer.reason))
    width = max((len(name) for name, _ in lines), default=0)
    return "\n".join([head, *(f"  {name:<{width}}  {text}" for name, text in lines)])


def _name(op: Op) -> str:
    if op.terms and not op.label:
        return "products and bias" if op.bias else "products"
    return op.label or op.kind


def _calculation(cost: Sequence[Factor]) -> str:
    """A cost as ``2 · 178 · 16 = 5,696``."""
    if len(cost) == 1:
        return number(product(cost))
    return f"{' · '.join(map(written, cost))} = {number(product(cost))}"


def parameters(weights: Sequence[tuple[int, ...]]) -> str:
    """Weight shapes as a sum, those that share their last axis together: ``(178 + 1) · 16``."""
    rows: dict[int, list[Factor]] = defaultdict(list)
    for *rest, last in (sides or (1,) for sides in weights):
        rows[last].append(_rest(rest))
    parts = [(sum_term(*counts), last) for last, counts in rows.items()]
    result = sum(product(part) for part in parts)
    text = " + ".join(" · ".join(map(written, part)) for part in parts)
    return f"{text} = {number(result)}"


def _rest(sides: Sequence[int]) -> Factor:
    if len(sides) < 2:
        return product(sides)
    return Term(" · ".join(map(str, sides)), product(sides))


def _total(profile: Profile) -> str:
    at_least = "≥ " if profile.unsupported else ""
    parts = [layer.flops for layer in profile.layers if layer.flops != 0]
    sums = " + ".join(map(number, parts)) or "0"
    equals = f"{sums} = " if len(parts) > 1 else ""
    return f"parameters  {profile.params:,}\nFLOPs       {at_least}{equals}{number(profile.flops)}"

"""Normalisations."""

from __future__ import annotations

from typing import Any

from kerasnets.profiling.counts import Op, elementwise
from kerasnets.profiling.registry import Call, rule


@rule("Normalization")
def normalization(layer: Any, call: Call) -> list[Op]:
    """(x − mean) / max(√variance, ε): a subtraction and a division for each element.

    √ and max are taken in the call, once for each entry of the statistics.
    """
    outputs = call.sample(call.output)
    entries = tuple(call.input[axis] for axis in layer._keep_axis) or (1,)
    if layer.invert:
        scale = elementwise("normalize", outputs, additions=1, multiplications=1)
    else:
        scale = elementwise("normalize", outputs, "x − mean, / σ", additions=1, divisions=1)
    deviation = elementwise(
        "deviation", entries, "max(√variance, ε)", comparisons=1, transcendentals=1
    )
    return [scale, deviation]

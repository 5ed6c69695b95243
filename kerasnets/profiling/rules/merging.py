"""Layers that merge several tensors element by element."""

from __future__ import annotations

from typing import Any

from kerasnets.profiling.counts import Op, elementwise
from kerasnets.profiling.registry import Call, rule

_OPERATION_KIND = {
    "Add": "additions",
    "Subtract": "additions",
    "Average": "additions",
    "Multiply": "multiplications",
    "Maximum": "comparisons",
    "Minimum": "comparisons",
}


@rule(*_OPERATION_KIND)
def merge(layer: Any, call: Call) -> list[Op]:
    """Combine n inputs with n − 1 operations per output; the average also divides."""
    name = type(layer).__name__
    counts: dict[str, Any] = {_OPERATION_KIND[name]: len(call.inputs) - 1}
    if name == "Average":
        counts["divisions"] = 1
    return [elementwise(name.lower(), call.sample(call.output), **counts)]

"""Layers that join several tensors element by element."""

from __future__ import annotations

from typing import Any

from kerasnets.profiling.counts import Op, elementwise
from kerasnets.profiling.registry import Call, rule

_EACH: dict[str, str] = {
    "Add": "additions",
    "Subtract": "additions",
    "Average": "additions",
    "Multiply": "multiplications",
    "Maximum": "comparisons",
    "Minimum": "comparisons",
}


@rule(*_EACH)
def merge(layer: Any, call: Call) -> list[Op]:
    """N − 1 operations for n inputs on each output; the average divides as well."""
    name = type(layer).__name__
    counts: dict[str, Any] = {_EACH[name]: len(call.inputs) - 1}
    if name == "Average":
        counts["divisions"] = 1
    return [elementwise(name.lower(), call.sample(call.output), **counts)]

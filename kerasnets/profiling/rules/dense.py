"""Dense layers, and lookups that need no arithmetic."""

from __future__ import annotations

from typing import Any

from kerasnets.profiling.counts import Op, sum_of_products
from kerasnets.profiling.registry import Call, rule
from kerasnets.profiling.rules.activations import activation_ops


@rule("Dense")
def dense(layer: Any, call: Call) -> list[Op]:
    """2 · in · out with a bias: each output sums ``in`` products onto it; 1 less without."""
    outputs = call.sample(call.output)
    sums = sum_of_products("dense", outputs, call.input[-1:], bias=layer.use_bias)
    return [sums, *activation_ops(layer.activation, outputs, after="dense")]

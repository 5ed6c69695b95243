"""How the course reports S2 and S5 count FLOPs, as conventions of the profiler.

Importing this module registers the conventions ``s2`` and ``s5``.
"""

from __future__ import annotations

from kerasnets.profiling.conventions import Cost, convention, exact
from kerasnets.profiling.counts import Op
from kerasnets.profiling.sizes import Term, format_factor, product


@convention("s2")
def s2(op: Op) -> Cost:
    """Report S2: one input channel per convolution, ReLU after a convolution is 1 per filter.

    A convolution costs 2 · kernel per position and filter, for any number of input channels, and
    its bias costs nothing. ReLU costs 1 per filter after a convolution and 1 per unit after a
    dense layer. Pooling costs 1 per output, sigmoid 3 (exp, addition, division) and tanh 7.
    """
    if op.kind == "convolution":
        return (2, *op.window, *op.outputs)
    if op.kind == "relu" and op.after == "convolution":
        return op.outputs[-1:]
    each = {"max_pool": 1, "average_pool": 1, "sigmoid": 3, "tanh": 7}.get(op.kind)
    return exact(op) if each is None else (each, *op.outputs)


@convention("s5")
def s5(op: Op) -> Cost:
    """Report S5: one input channel and no bias per convolution, pooling is 1 per output.

    A convolution costs 2 · kernel − 1 per position and filter, for any number of input channels.
    ReLU and pooling cost 1 per output. Everything else is as in ``exact``, which agrees with S5
    on dense layers, sigmoid (4), tanh (6) and the GRU.
    """
    if op.kind == "convolution":
        size = product(op.window)
        return (Term(f"(2 · {format_factor(size)} − 1)", 2 * size - 1), *op.outputs)
    if op.kind in ("max_pool", "average_pool"):
        return (1, *op.outputs)
    return exact(op)

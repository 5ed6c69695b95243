"""How many rows the largest batch of a verification has: 64, or fewer for a large model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kerasnets.exporting.samples import EXAMPLES, Arrays
from kerasnets.exporting.signature import Served
from kerasnets.profiling import profile
from kerasnets.profiling.sizes import is_known

# Keras keeps the outputs of all layers in memory until the model has run.
_MOST_BYTES = 2**30
_MOST_MACS = 32 * 10**9
_FEWEST = 2


@dataclass(frozen=True)
class BatchSize:
    """The largest batch of a verification, and why it is not larger.

    Attributes:
        rows: its number of rows, 2 to 64.
        bytes_per_row: the size of the inputs, and of the outputs of all layers, for one row.
        macs_per_row: the multiply-adds for one row.
    """

    rows: int
    bytes_per_row: int
    macs_per_row: int

    @property
    def is_limited(self) -> bool:
        """Whether the batch is smaller than for a small model."""
        return self.rows < EXAMPLES


def largest_batch(served: Served, inputs: Arrays) -> BatchSize:
    """Find how many rows a model can compute with about 1 GiB of memory and 32 GMACs.

    The memory and the multiply-adds are those that the profiler knows. They are too low for a model
    with layers that it cannot count.

    Args:
        served: the model.
        inputs: any number of rows, which have the size of each free axis.
    """
    size = sum(array[:1].nbytes for array in inputs.values())
    memory, macs = _cost(served, inputs)
    size += memory
    rows = min(EXAMPLES, _MOST_BYTES // max(size, 1), _MOST_MACS // max(macs, 1))
    return BatchSize(max(_FEWEST, rows), size, macs)


def _cost(served: Served, inputs: Arrays) -> tuple[int, int]:
    """The bytes of the outputs of all layers, and the multiply-adds, for one row."""
    try:
        cost = profile(served.model)
        if cost.symbols:
            free = _largest_free_axis(served, inputs)
            cost = cost.at(**dict.fromkeys(cost.symbols, free))
    except ValueError:  # a layer has no output for these sizes, or has unknown inputs
        return 0, 0
    known = [size if is_known(size) else 0 for size in (cost.activation_bytes, cost.macs)]
    return int(known[0]), int(known[1])


def _largest_free_axis(served: Served, inputs: Arrays) -> int:
    """The largest size of the axes other than the batch that are free."""
    sizes = [
        size
        for info in served.inputs
        for axis, size in zip(info.shape[1:], np.shape(inputs[info.name])[1:], strict=True)
        if axis is None
    ]
    return max(1, *sizes) if sizes else 1

"""Whether the outputs of a model for a row depend on the other rows of a batch."""

from __future__ import annotations

import numpy as np

from kerasnets.exporting.samples import Arrays, first_samples
from kerasnets.exporting.signature import Served

_TOLERANCE = 1e-4


def rows_are_independent(served: Served, samples: Arrays, rows: int = 7) -> bool:
    """Compare the outputs for some rows next to two sets of other rows.

    Only then can a graph answer an invalid row with NaN, and no rows with no rows.

    Args:
        served: the model.
        samples: inputs with which it runs.
        rows: the number of rows, at least 2.

    Returns:
        Whether every output has one row per row of the inputs, and the outputs are equal.
    """
    tensors = (*served.inputs, *served.outputs)
    if any(not info.shape or info.shape[0] is not None for info in tensors):
        return False
    batch = first_samples(samples, rows)
    others = {name: array.copy() for name, array in batch.items()}
    for array in others.values():
        array[1::2] = array[0]
    first, second = served.run(batch), served.run(others)
    return all(
        len(first[name]) == len(second[name]) == rows
        and _equal(first[name][::2], second[name][::2])
        for name in first
    )


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    if a.dtype.kind != "f":
        return np.array_equal(a, b)
    scale = max(1.0, float(np.abs(a).max(initial=0)))
    return bool(np.allclose(a / scale, b / scale, rtol=0, atol=_TOLERANCE, equal_nan=True))

"""Find the ranges of int8 activations for which a model keeps its predictions.

The converter gives each activation the range of its values for the calibration examples. A few
large values make the 256 steps of that range coarse for all others. So ranges are also tried for
examples whose values are clipped, and the best is used.
"""

from __future__ import annotations

import numpy as np

from kerasnets.exporting.litert.flatbuffer import with_names
from kerasnets.exporting.litert.write_litert import convert
from kerasnets.exporting.samples import Arrays
from kerasnets.exporting.signature import Served
from kerasnets.exporting.verification.runtimes.litert_check import load_litert_content
from kerasnets.exporting.weights_report import agreement

# The share of the values that are not clipped, in percent.
_KEPT = (100.0, 99.99, 99.9, 99.5, 99.0, 98.0, 97.0, 96.0)


def convert_with_best_ranges(
    served: Served, batch: int | None, calibration: Arrays
) -> tuple[bytes, float]:
    """Convert a model to int8 weights and activations.

    Args:
        served: the model.
        batch: the size of the batch axis, or ``None`` to leave it free.
        calibration: raw training examples by input name.

    Returns:
        The file whose predictions for the calibration examples are most often those of Keras, and
        how much of their values was not clipped for it, in percent. A model that is not a
        classifier is not clipped.
    """
    kept = _KEPT if served.is_classifier else _KEPT[:1]
    expected = served.run(calibration)
    best, best_kept, highest = b"", kept[0], -1.0
    for share in kept:
        content = convert(
            served, batch, quantize="full-int8", samples=one_by_one(clip(calibration, share))
        )
        if len(kept) == 1:
            return content, share
        _, _, run = load_litert_content(with_names(content, served, {}))
        found = agreement(served, run(calibration), expected)
        if found > highest:
            best, best_kept, highest = content, share, found
    return best, best_kept


def clip(arrays: Arrays, share: float) -> Arrays:
    """Clip floating-point values to the range that has the given share of them, in percent."""
    outside = (100 - share) / 2
    return {
        name: array.clip(*np.percentile(array, [outside, 100 - outside])).astype(array.dtype)
        if array.dtype.kind == "f"
        else array
        for name, array in arrays.items()
    }


def one_by_one(arrays: Arrays) -> list[Arrays]:
    """The examples of arrays, each as a batch of one."""
    rows = len(next(iter(arrays.values())))
    return [{name: array[row : row + 1] for name, array in arrays.items()} for row in range(rows)]

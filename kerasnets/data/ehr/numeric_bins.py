"""Limits between bins of numeric values: quantiles of the training split, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

DIGITS = 4  # significant digits of values and limits


class ValueCounts:
    """How often each value of each code occurs, with the values rounded to 4 significant digits.

    So the memory does not grow with the number of events, and the sum of the counts of all shards
    does not depend on their order or on the engine.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._counts: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def add(self, table: pa.Table) -> None:
        """Add the counts of :func:`kerasnets.data.ehr.events.training_values`."""
        encoded = table["code"].combine_chunks().dictionary_encode()
        names, code = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
        values = round_digits(table["numeric_value"].to_numpy().astype(np.float64))
        counts = table["events"].to_numpy().astype(np.int64)
        order = np.argsort(code, kind="stable")
        bounds = np.searchsorted(code[order], np.arange(len(names) + 1))
        for number, name in enumerate(names):
            rows = order[bounds[number] : bounds[number + 1]]
            old = self._counts.get(name, (np.zeros(0), np.zeros(0, np.int64)))
            pairs = (np.concatenate([old[0], values[rows]]), np.concatenate([old[1], counts[rows]]))
            distinct, place = np.unique(pairs[0], return_inverse=True)
            total = np.zeros(len(distinct), np.int64)
            np.add.at(total, place, pairs[1])
            self._counts[name] = distinct, total

    def edges(self, bins: int) -> dict[str, list[float]]:
        """The limits between the bins of each code with at least two different values.

        A value belongs to the bin whose lower limit is the last one that is not above it. If many
        values are equal, there are fewer than ``bins`` bins.
        """
        quantiles = np.arange(1, bins) / bins
        return {
            name: edges
            for name, (values, counts) in sorted(self._counts.items())
            if (edges := _quantiles(values, counts, quantiles))
        }


def round_digits(values: np.ndarray) -> np.ndarray:
    """Round to 4 significant digits."""
    size = np.floor(np.log10(np.abs(np.where(values == 0, 1, values))))
    scale = 10.0 ** (DIGITS - 1 - size)
    # float64 holds the rounded decimals of all float32 values; written and read, they are equal.
    return np.where(np.isfinite(scale) & (scale > 0), np.round(values * scale) / scale, values)


def _quantiles(values: np.ndarray, counts: np.ndarray, quantiles: Iterable[float]) -> list[float]:
    """For each share, the smallest value that has at least this share of the counts below it.

    Args:
        values: ascending.
        counts: how often each occurs.
        quantiles: shares from 0 to 1.

    Returns:
        Ascending values, each once; none if all values are equal.
    """
    below = np.cumsum(counts) / counts.sum()
    places = np.searchsorted(below, list(quantiles)) + 1
    return np.unique(values[places[places < len(values)]]).tolist()

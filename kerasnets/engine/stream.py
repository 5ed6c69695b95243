"""Copy data to tensors, all rows at once or one chunk at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasnets.engine.schedule import Steps
from kerasnets.engine.sources import Source

_CHUNK_BYTES = 1 << 26


class Feed:
    """Copies the rows of a source to tensors for compiled steps.

    A source that takes less than half of the machine's memory is copied once. A larger one, such
    as memory-mapped files, is copied in chunks of several steps.

    Attributes:
        resident: whether all rows are copied at once.
    """

    def __init__(
        self, source: Source, own_rows: Callable[[Any], tuple[Any, Any]] | None = None
    ) -> None:
        """Prepare the feed; nothing is copied yet.

        Args:
            source: the rows.
            own_rows: of several workers, returns the first and the last row of a batch that this
                worker takes, from the number of rows of the batch.
        """
        self.source, self.own_rows, self.resident = source, own_rows, fits_in_memory(source)
        self._tensors: tuple[Any, ...] | None = None

    def __call__(self, steps: Steps) -> tuple[tuple[Any, ...], Steps]:
        """Return tensors with the rows of the steps, and the steps with row numbers in them."""
        if self.resident:
            if self._tensors is None:
                self._tensors = self.source.tensors()
            return self._tensors, steps
        exists = steps.rows >= 0
        taken = exists & self._is_own(exists)
        rows = np.where(exists, 0, -1).astype(np.int32)
        rows[taken] = np.arange(taken.sum())
        return self.source.tensors(steps.rows[taken]), Steps(rows, steps.buckets)

    def _is_own(self, exists: np.ndarray) -> np.ndarray | bool:
        """Which places of each batch this worker reads; the first one if it has no row."""
        if self.own_rows is None:
            return True
        first, last = self.own_rows(exists.sum(axis=1, keepdims=True))
        first, last = np.where(first == last, 0, first), np.where(first == last, 1, last)
        places = np.arange(exists.shape[1])
        return (first <= places) & (places < last)

    def max_steps(self, batch_size: int) -> int:
        """Return the largest number of steps per call, which limits the size of a chunk."""
        if self.resident:
            return 2**31 - 1
        bytes_per_row = -(-self.source.nbytes // len(self.source))
        return max(1, _CHUNK_BYTES // max(1, bytes_per_row * batch_size))


def fits_in_memory(source: Source) -> bool:
    """Whether a source, which will be copied, takes less than half of the machine's memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return source.can_be_resident and source.nbytes < memory / 2

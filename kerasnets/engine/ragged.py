"""Ragged sequences of sets of codes. Their batches are built inside a compiled step."""

from __future__ import annotations

import abc
import functools
from collections.abc import Hashable
from typing import Any

import numpy as np

from kerasnets._lazy import tf
from kerasnets.engine.sources import Source


class RaggedCodes(Source):
    """Sequences of sets of codes, such as the visits of a patient, stored without padding.

    A batch is ``{"visits": (batch, time, features) float32, "length": (batch,) int32}`` with
    multi-hot visits. A subclass defines ``codes``, ``code_offsets`` and ``visit_offsets``. Visit
    ``v`` has the codes ``codes[code_offsets[v]:code_offsets[v + 1]]``. Sequence ``i`` has the
    visits from ``visit_offsets[i]`` up to, but not including, ``visit_offsets[i + 1]``.
    """

    codes: np.ndarray
    code_offsets: np.ndarray
    visit_offsets: np.ndarray

    @property
    @abc.abstractmethod
    def features(self) -> int:
        """Number of different codes, the width of a visit."""

    def __len__(self) -> int:
        return len(self.visit_offsets) - 1

    @functools.cached_property
    def lengths(self) -> np.ndarray:
        """Visits per sequence, int32, at least 1."""
        return np.diff(self.visit_offsets).astype(np.int32)

    @property
    def nbytes(self) -> int:
        """Bytes of codes and offsets."""
        return 4 * (2 * len(self.codes) + 3 * len(self))

    def batch_spec(self) -> dict[str, Any]:
        """Return the specs of ``visits`` and ``length``."""
        return {
            "visits": tf.TensorSpec((None, None, self.features), tf.float32),
            "length": tf.TensorSpec((None,), tf.int32),
        }

    def key(self) -> Hashable:
        """Return the identity of the source, because a compiled step depends on all sequences."""
        return id(self)

    @property
    def can_be_resident(self) -> bool:
        """Whether int32, the type of all indices in a compiled step, can number all codes."""
        return len(self.codes) < 2**31 - 1

    def tensors(self, rows: np.ndarray | None = None) -> tuple[Any, ...]:
        """Return the codes, the step of each code, and begin, count and length per sequence.

        With ``rows``, only the codes of these sequences are read, so ``codes`` and
        ``code_offsets`` may be memory-mapped and larger than the memory.
        """
        return self._tensors if rows is None else self._convert(rows)

    @functools.cached_property
    def _tensors(self) -> tuple[Any, ...]:
        return self._convert(np.arange(len(self)))

    def _convert(self, rows: np.ndarray) -> tuple[Any, ...]:
        lengths = self.lengths[rows]
        visit = _ranges(self.visit_offsets[:-1][rows], lengths)
        first, end = self.code_offsets[:-1][visit], self.code_offsets[1:][visit]
        steps = np.repeat(_ranges(np.zeros_like(lengths), lengths), end - first)
        codes = self.codes[_ranges(first, end - first)]
        begins = np.concatenate([[0], np.cumsum(end - first)])
        begins = begins[np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])]
        # Append a code that belongs to no visit, because tf.gather fails on an empty tensor.
        codes, steps = (np.append(array, 0) for array in (codes, steps))
        arrays = (codes, steps, begins[:-1], np.diff(begins), lengths)
        return tuple(tf.constant(array.astype(np.int32)) for array in arrays)

    def gather(self, tensors: tuple[Any, ...], rows: Any, length: Any) -> dict[str, Any]:
        """Build multi-hot visits from the indices of their codes.

        The codes of a sequence are contiguous. The same number of codes is read for every
        row: the largest number that a row of that padded length has. So every shape is known when
        a step is compiled.
        """
        codes, steps, begins, counts, lengths = tensors
        max_codes, longest = self._max_codes, len(self._max_codes) - 1
        fixed = isinstance(length, int)
        if fixed:
            count = int(max_codes[min(length, longest)])
        else:
            count = tf.gather(tf.constant(max_codes), tf.minimum(length, longest))
        index = tf.range(count)[tf.newaxis]
        exists = index < tf.gather(counts, rows)[:, tf.newaxis]
        index = tf.where(exists, tf.gather(begins, rows)[:, tf.newaxis] + index, 0)
        row = tf.broadcast_to(tf.range(tf.size(rows))[:, tf.newaxis], tf.shape(index))
        # Codes that do not exist go to a step after the last one, which is cut off below.
        step = tf.where(exists, tf.gather(steps, index), length)
        cells = tf.stack([row, step, tf.gather(codes, index)], axis=-1)
        shape = (tf.size(rows), length + 1, self.features)
        visits = tf.scatter_nd(cells, tf.ones(tf.shape(index)), shape)[:, :-1]
        static_shape = (rows.shape[0], length if fixed else None, self.features)
        return {
            "visits": tf.ensure_shape(visits, static_shape),
            "length": tf.gather(lengths, rows),
        }

    @property
    def _starts(self) -> np.ndarray:
        """Index of the first code of each sequence, and the number of all codes."""
        return np.asarray(self.code_offsets)[self.visit_offsets]

    @functools.cached_property
    def _max_codes(self) -> np.ndarray:
        """For each length, the largest number of codes in a sequence of at most this length."""
        counts = np.zeros(int(self.lengths.max(initial=0)) + 1, np.int32)
        np.maximum.at(counts, self.lengths, np.diff(self._starts))
        return np.maximum.accumulate(counts)


def _ranges(first: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Consecutive integers from each of ``first``, ``sizes`` many, one range after the other."""
    ends = np.cumsum(sizes, dtype=np.int64)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - (ends - sizes), sizes)

"""Batches of sequences of like length, so that little of what is computed is padding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOST_PADDING = 0.1  # of the steps computed
MOST_BUCKETS = 32


@dataclass(frozen=True)
class Buckets:
    """Sequences sorted into a few padded times; every batch has one of them.

    Attributes:
        lengths: of the sequences, shape ``(n,)``.
        times: the padded times, ascending; the last is the longest length.
    """

    lengths: np.ndarray
    times: np.ndarray

    @property
    def padding(self) -> float:
        """The share of padding among the steps computed, from 0 to 1."""
        computed = self.times[self.bucket_of()].sum()
        return float(1 - self.lengths.sum() / computed)

    def steps(self, batch_size: int) -> int:
        """Batches an epoch: each bucket fills its own, and may leave a smaller one."""
        counts = np.bincount(self.bucket_of(), minlength=len(self.times))
        return int(np.ceil(counts / batch_size).sum())

    def batches(self, batch_size: int, rng: np.random.Generator | None = None) -> list[np.ndarray]:
        """The rows of each batch, every row in one of them.

        Args:
            batch_size: rows a batch, but for the last of each bucket.
            rng: shuffles the rows of each bucket, and then the batches; without it, both are in
                order.
        """
        bucket_of = self.bucket_of()
        batches = []
        for bucket in range(len(self.times)):
            rows = np.flatnonzero(bucket_of == bucket)
            rows = rows if rng is None else rng.permutation(rows)
            batches += [rows[at : at + batch_size] for at in range(0, len(rows), batch_size)]
        if rng is None:
            return batches
        return [batches[index] for index in rng.permutation(len(batches))]

    def time(self, rows: np.ndarray) -> int:
        """The padded time of a batch."""
        longest = self.lengths[rows].max()
        return int(self.times[np.searchsorted(self.times, longest)])

    def bucket_of(self) -> np.ndarray:
        """The number of the bucket of each sequence, shape ``(n,)``."""
        return np.searchsorted(self.times, self.lengths)


def make_buckets(
    lengths: np.ndarray, most_padding: float = MOST_PADDING, most: int = MOST_BUCKETS
) -> Buckets:
    """The fewest buckets with at most a share of padding, at the times that leave the least.

    Each bucket is a shape to compile and a batch that may stay small, so fewer are better.

    Args:
        lengths: of the sequences, at least one.
        most_padding: the share allowed among the steps computed.
        most: buckets at most, whatever padding they leave.
    """
    values, counts = np.unique(lengths, return_counts=True)
    below = np.concatenate([[0], np.cumsum(counts)])
    true_steps = int((values * counts).sum())
    # computed[j]: the least steps for the j shortest lengths, in as many buckets as there are
    # rounds; cut[k][j]: where the last of them begins.
    computed = np.concatenate([[0], np.full(len(values), np.inf)])
    cuts: list[np.ndarray] = []
    while len(cuts) < min(most, len(values)):
        # Row i, column j: the last bucket holds the lengths from i to before j.
        last = values[None, :] * (below[None, 1:] - below[:-1, None])
        whole = np.where(np.tri(len(values), dtype=bool).T, computed[:-1, None] + last, np.inf)
        cuts.append(whole.argmin(axis=0))
        computed = np.concatenate([[np.inf], whole.min(axis=0)])
        if 1 - true_steps / computed[-1] <= most_padding:
            break
    times, end = [], len(values)
    for cut in reversed(cuts):
        times.append(values[end - 1])
        end = int(cut[end - 1])
    return Buckets(np.asarray(lengths), np.array(times[::-1]))

"""Batches of sequences of similar length, to compute less padding."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

MAX_PADDING = 0.1  # share of the computed time steps
MAX_BUCKETS = 32


@dataclass(frozen=True, eq=False)
class Buckets:
    """Sequences sorted into a few buckets; each bucket has one padded length.

    Attributes:
        lengths: length of each sequence, shape ``(n,)``.
        bucket_lengths: padded length of each bucket, ascending; the last is the longest length.
    """

    lengths: np.ndarray
    bucket_lengths: np.ndarray

    @functools.cached_property
    def bucket_of(self) -> np.ndarray:
        """Index of the bucket of each sequence, shape ``(n,)``."""
        return np.searchsorted(self.bucket_lengths, self.lengths)

    @property
    def padding(self) -> float:
        """Share of padding among the computed time steps, from 0 to 1."""
        computed = self.bucket_lengths[self.bucket_of].sum()
        return float(1 - self.lengths.sum() / computed)

    def steps(self, batch_size: int) -> int:
        """Number of batches per epoch. Each bucket may end with a smaller batch."""
        counts = np.bincount(self.bucket_of, minlength=len(self.bucket_lengths))
        return int(np.ceil(counts / batch_size).sum())

    def batches(self, batch_size: int, rng: np.random.Generator | None = None) -> list[np.ndarray]:
        """Return the rows of each batch; every row is in exactly one batch.

        Args:
            batch_size: rows per batch; the last batch of each bucket may be smaller.
            rng: shuffles the rows of each bucket and then the batches. Without it, nothing is
                shuffled.
        """
        batches = []
        for bucket in range(len(self.bucket_lengths)):
            rows = np.flatnonzero(self.bucket_of == bucket)
            rows = rows if rng is None else rng.permutation(rows)
            batches += [rows[at : at + batch_size] for at in range(0, len(rows), batch_size)]
        if rng is None:
            return batches
        return [batches[index] for index in rng.permutation(len(batches))]


def make_buckets(
    lengths: np.ndarray, max_padding: float = MAX_PADDING, max_buckets: int = MAX_BUCKETS
) -> Buckets:
    """Find the smallest number of buckets that keeps padding below a limit.

    Every bucket adds a shape to compile and may end with a small batch, so fewer are better. For
    that number of buckets, the bucket lengths with the least padding are chosen.

    Args:
        lengths: length of each sequence, at least one sequence.
        max_padding: largest share of padding among the computed time steps.
        max_buckets: upper limit for the number of buckets, whatever the padding.
    """
    values, counts = np.unique(lengths, return_counts=True)
    shorter = np.concatenate([[0], np.cumsum(counts)]).tolist()  # sequences below each value
    true_steps = int((values * counts).sum())
    # least[j]: fewest computed steps for the j shortest distinct lengths with the buckets so far.
    least = [0.0] + [math.inf] * len(values)
    starts: list[list[int]] = []  # starts[k][j - 1]: where the last of k + 1 buckets begins
    while len(starts) < min(max_buckets, len(values)):
        least, start = _add_bucket(least, values.tolist(), shorter)
        starts.append(start)
        if 1 - true_steps / least[-1] <= max_padding:
            break
    bucket_lengths, end = [], len(values)
    for start in reversed(starts):
        bucket_lengths.append(values[end - 1])
        end = start[end - 1]
    return Buckets(np.asarray(lengths), np.array(bucket_lengths[::-1]))


def _add_bucket(
    least: list[float], values: list[int], shorter: list[int]
) -> tuple[list[float], list[int]]:
    """Return the fewest computed steps with one more bucket, and where that bucket begins.

    The last bucket from value ``i`` to value ``j`` costs ``values[j] * (shorter[j + 1] -
    shorter[i])``. For each ``j`` the best ``i`` is the lowest of lines with slope ``-shorter[i]``
    at ``values[j]``: slopes fall and queries rise, so one pass over a convex hull is enough.
    """
    hull: list[int] = []
    new_least, start, at = [math.inf], [], 0

    def line(i: int, x: float) -> float:
        return least[i] - shorter[i] * x

    def crossing(i: int, j: int) -> float:
        return (least[j] - least[i]) / (shorter[j] - shorter[i])

    for j, value in enumerate(values):
        if least[j] < math.inf:
            while len(hull) > 1 and crossing(hull[-2], hull[-1]) >= crossing(hull[-1], j):
                hull.pop()
            hull.append(j)
        at = min(at, len(hull) - 1)
        while at + 1 < len(hull) and line(hull[at + 1], value) < line(hull[at], value):
            at += 1
        if at < 0:  # fewer distinct lengths than buckets
            at = 0
            new_least.append(math.inf)
            start.append(0)
            continue
        new_least.append(line(hull[at], value) + value * shorter[j + 1])
        start.append(hull[at])
    return new_least, start

"""Bootstrap confidence intervals. All rows of a group are resampled together."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

RESAMPLES = 1000
_PERCENTILES = (2.5, 97.5)

# Takes the number of times each row was drawn, shape (n,). Returns the value of each metric.
Statistics = Callable[[np.ndarray], Mapping[str, float]]


def bootstrap_intervals(
    statistics: Statistics,
    rows: int,
    groups: np.ndarray | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, list[float]]:
    """Compute 95 % percentile intervals by resampling groups with replacement.

    Args:
        statistics: function that takes the number of times each row was drawn, float64 of shape
            ``(rows,)``, and returns the value of each metric. If a metric is undefined for
            a resample, it is missing or NaN, and the resample is left out for this metric.
        rows: number of rows.
        groups: the group of each row, such as its patient, shape ``(rows,)``. All rows of a
            group are drawn together. By default every row is its own group.
        resamples: number of resamples; 0 returns no intervals.
        seed: seed of the resampling.

    Returns:
        A dict from the name of each metric to both ends of its interval.

    Raises:
        ValueError: if ``groups`` does not have one entry per row.
    """
    groups = np.arange(rows) if groups is None else np.asarray(groups)
    if groups.shape != (rows,):
        raise ValueError(
            f"groups must have one entry per row, shape ({rows},), got {groups.shape}."
        )
    _, group_of = np.unique(groups, return_inverse=True)
    n_groups = int(group_of.max()) + 1
    rng = np.random.default_rng(seed)
    resampled: dict[str, list[float]] = {}
    for _ in range(resamples):
        counts = np.bincount(rng.integers(0, n_groups, n_groups), minlength=n_groups)
        for name, value in statistics(counts[group_of].astype(np.float64)).items():
            if np.isfinite(value):
                resampled.setdefault(name, []).append(value)
    return {
        name: np.percentile(values, _PERCENTILES).tolist() for name, values in resampled.items()
    }

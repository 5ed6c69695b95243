"""Bootstrap confidence intervals, with whole groups of rows resampled together."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

RESAMPLES = 1000
_PERCENTILES = (2.5, 97.5)

# Function from how often each row is drawn, shape (n,), to the value of each metric.
Statistics = Callable[[np.ndarray], Mapping[str, float]]


def bootstrap_intervals(
    statistics: Statistics,
    rows: int,
    groups: np.ndarray | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, list[float]]:
    """Return 95 % percentile intervals over resamples of groups, drawn with replacement.

    Args:
        statistics: function that takes how often each row was drawn, float64 of shape ``(rows,)``,
            and returns the value of each metric. A metric that is undefined for a resample is
            missing or NaN; the resample is then left out for this metric.
        rows: number of rows.
        groups: the group of each row, such as its patient, shape ``(rows,)``. All rows of a
            group are drawn together. By default every row is its own group.
        resamples: number of resamples; 0 returns no intervals.
        seed: seed of the resampling.

    Returns:
        The low and the high end of the interval of each metric.

    Raises:
        ValueError: if ``groups`` does not have one entry per row.
    """
    groups = np.arange(rows) if groups is None else np.asarray(groups)
    if groups.shape != (rows,):
        raise ValueError(
            f"groups must have one entry per row, shape ({rows},), got {groups.shape}."
        )
    _, group_of = np.unique(groups, return_inverse=True)
    count = int(group_of.max()) + 1
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {}
    for _ in range(resamples):
        times = np.bincount(rng.integers(0, count, count), minlength=count)
        for name, value in statistics(times[group_of].astype(np.float64)).items():
            if np.isfinite(value):
                drawn.setdefault(name, []).append(value)
    return {name: np.percentile(values, _PERCENTILES).tolist() for name, values in drawn.items()}

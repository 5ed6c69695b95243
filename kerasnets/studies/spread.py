"""Mean, standard deviations and interval of a metric over folds and seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95
# Metrics whose values are from 0 to 1, and so are the ends of their intervals.
_SHARES = frozenset(
    (
        "accuracy", "balanced_accuracy", "exact_match", "macro_f1", "auroc", "average_precision",
        "ece", "sensitivity", "specificity", "auroc_hard_labels",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Spread:
    """How a metric varies over the runs of a cross-validation.

    Attributes:
        metric: name of the metric.
        mean: mean over the folds of the mean over the seeds.
        sd_folds: standard deviation between the folds, of the means over the seeds; ``None`` with
            fewer than two folds.
        sd_seeds: standard deviation between the seeds of the same fold, pooled over the folds;
            ``None`` with fewer than two seeds.
        low: lower end of the 95 % interval of the mean; ``None`` if there are fewer than two folds
            and fewer than two seeds.
        high: its upper end.
        runs: number of runs in which the metric is defined.
    """

    metric: str
    mean: float | None
    sd_folds: float | None
    sd_seeds: float | None
    low: float | None
    high: float | None
    runs: int


def measure_spread(metric: str, values: np.ndarray, test_share: float) -> Spread:
    """Summarise a metric over folds and seeds.

    With two or more folds, the interval is the corrected one of Nadeau and Bengio (Machine Learning
    52, 2003): the mean plus and minus t · s · √(1/k + test_share), where s is the standard
    deviation between the k folds and t the quantile of Student's distribution with k − 1 degrees
    of freedom. Without the correction, it would be too narrow, because the training splits of the
    folds overlap. Seeds do not make it narrower than that: they are no new data.

    With one fold, it is the t interval over the seeds. It then describes the chance in the
    training, and says nothing about other data.

    Args:
        metric: name of the metric.
        values: shape ``(folds, seeds)``; NaN where a run failed or the metric is undefined.
        test_share: rows of the test split divided by those of the training split.
    """
    defined = np.isfinite(values)
    per_fold = [row[known] for row, known in zip(values, defined, strict=True) if known.any()]
    runs = int(defined.sum())
    if not runs:
        return Spread(metric, None, None, None, None, None, 0)
    means = np.array([row.mean() for row in per_fold])
    repeated = [row for row in per_fold if len(row) > 1]
    sd_folds = float(means.std(ddof=1)) if len(means) > 1 else None
    sd_seeds = _pooled_deviation(repeated) if repeated else None
    low, high = None, None
    if sd_folds is not None:
        low, high = _interval(metric, means, sd_folds, test_share)
    elif len(values) == 1 and sd_seeds is not None:
        low, high = _interval(metric, per_fold[0], sd_seeds, 0.0)
    return Spread(metric, float(means.mean()), sd_folds, sd_seeds, low, high, runs)


def _pooled_deviation(samples: list[np.ndarray]) -> float:
    """Standard deviation inside samples with different means."""
    squares = sum(float(((sample - sample.mean()) ** 2).sum()) for sample in samples)
    return float(np.sqrt(squares / sum(len(sample) - 1 for sample in samples)))


def _interval(
    metric: str, sample: np.ndarray, deviation: float, test_share: float
) -> tuple[float, float]:
    from scipy.stats import t

    error = deviation * np.sqrt(1 / len(sample) + test_share)
    half = float(t.ppf((1 + CONFIDENCE) / 2, len(sample) - 1) * error)
    low, high = float(sample.mean()) - half, float(sample.mean()) + half
    return (max(low, 0.0), min(high, 1.0)) if metric in _SHARES else (low, high)

"""What two classes allow beyond the general metrics, and intervals over patients.

Conventions, beside those of :mod:`kerasnets.evaluation.metrics`:

- the positive class is the second one, of label 1;
- average precision is the step-wise area under the precision–recall curve (scikit-learn's), not
  the area by trapezoids;
- the Brier score is the mean squared difference of probability and label, of the positive class;
- 95 % intervals are percentiles over bootstrap resamples of **patients**, each with all of their
  examples; resamples without both classes are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasnets.evaluation.metrics import ECE_BINS

RESAMPLES = 1000
THRESHOLDS = ("fixed", "youden", "f1")

# A metric of labels, scores of the positive class, and how often each example counts.
Weighted = Callable[[np.ndarray, np.ndarray, np.ndarray], float]


def binary_metrics(
    y_true: np.ndarray,
    scores: np.ndarray,
    groups: np.ndarray | None = None,
    *,
    threshold: float = 0.5,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Metrics of two classes with intervals, as plain numbers ready for JSON.

    Args:
        y_true: labels 0 and 1, shape ``(n,)``.
        scores: the probability of label 1, shape ``(n,)``.
        groups: the patient of each example; every example its own by default.
        threshold: from which probability on an example is taken for positive.
        resamples: bootstrap resamples; 0 for no intervals.
        seed: of the resampling.

    Returns:
        ``prevalence``, ``average_precision``, ``brier``, ``threshold``, ``sensitivity`` and
        ``specificity`` at it, ``auroc_hard_labels``, which is what is left of AUROC once scores
        are cut at the threshold, ``confusion_matrix_at_threshold``, the true label in rows and
        the predicted one in columns, and ``intervals``: low and high end by name of metric.
        ``None`` where a metric has no meaning.

    Raises:
        ValueError: if labels and scores do not fit.
    """
    y_true, scores = _check(y_true, scores)
    ones = np.ones(len(y_true))
    hard = (scores >= threshold).astype(np.float64)
    both = 0 < y_true.sum() < len(y_true)
    return {
        "prevalence": float(y_true.mean()),
        "average_precision": average_precision(y_true, scores, ones) if both else None,
        "brier": brier(y_true, scores, ones),
        "threshold": float(threshold),
        "sensitivity": float(hard[y_true == 1].mean()) if y_true.any() else None,
        "specificity": float(1 - hard[y_true == 0].mean()) if not y_true.all() else None,
        "auroc_hard_labels": auroc(y_true, hard, ones) if both else None,
        "confusion_matrix_at_threshold": [
            [int(((y_true == true) & (hard == label)).sum()) for label in (0, 1)] for true in (0, 1)
        ],
        "intervals": bootstrap(y_true, scores, groups, _WITH_INTERVALS, resamples, seed)
        if both
        else {},
    }


def auroc(y_true: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    """Area under the ROC curve, ties counting one half; examples count as often as weighted."""
    positive, negative = _steps(y_true, scores, weights)
    above = np.cumsum(positive) - positive / 2
    return float((above * negative).sum() / (positive.sum() * negative.sum()))


def average_precision(y_true: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    """Mean precision over the positives, from the highest score down."""
    positive, negative = _steps(y_true, scores, weights)
    hits = np.cumsum(positive)
    taken = hits + np.cumsum(negative)
    precision = np.divide(hits, taken, out=np.zeros_like(hits), where=taken > 0)
    return float((positive * precision).sum() / positive.sum())


def brier(y_true: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    """Mean squared difference of probability and label."""
    return float(np.average((scores - y_true) ** 2, weights=weights))


def log_loss(y_true: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    """Mean negative log-probability of the true label, in nats."""
    of_true = np.where(y_true == 1, scores, 1 - scores)
    losses = -np.log(np.clip(of_true, np.finfo(np.float64).eps, 1))
    return float(np.average(losses, weights=weights))


def calibration_error(y_true: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    """ECE as :func:`kerasnets.evaluation.metrics.expected_calibration_error` defines it."""
    positive = scores > 0.5  # argmax takes the first of equals
    confidence, correct = np.where(positive, scores, 1 - scores), positive == (y_true == 1)
    bin_of = np.digitize(confidence, np.linspace(0, 1, ECE_BINS + 1)[1:-1], right=True)
    gaps = np.bincount(bin_of, weights=weights * (correct - confidence), minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / weights.sum())


def bootstrap(
    y_true: np.ndarray,
    scores: np.ndarray,
    groups: np.ndarray | None,
    metrics: dict[str, Weighted],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, list[float]]:
    """Percentile intervals of 95 % over resamples of groups, drawn with replacement.

    Args:
        y_true: labels 0 and 1, shape ``(n,)``.
        scores: the probability of label 1, shape ``(n,)``.
        groups: the patient of each example; every example its own by default.
        metrics: weighted metrics by name.
        resamples: how many; 0 gives no intervals.
        seed: of the draws.

    Returns:
        Low and high end by name.
    """
    groups = np.arange(len(y_true)) if groups is None else groups
    _, member = np.unique(groups, return_inverse=True)
    number = int(member.max()) + 1
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {name: [] for name in metrics}
    for _ in range(resamples):
        weights = np.bincount(rng.integers(0, number, number), minlength=number)[member]
        if not 0 < (weights * y_true).sum() < weights.sum():
            continue
        for name, metric in metrics.items():
            drawn[name].append(metric(y_true, scores, weights.astype(np.float64)))
    return {
        name: np.percentile(values, [2.5, 97.5]).tolist()
        for name, values in drawn.items()
        if values
    }


def choose_threshold(y_true: np.ndarray, scores: np.ndarray, rule: str = "youden") -> float:
    """The threshold that a rule likes best, to be chosen on validation and used on test.

    Args:
        y_true: labels 0 and 1, shape ``(n,)``, of both.
        scores: the probability of label 1, shape ``(n,)``.
        rule: ``"fixed"`` for 0.5; ``"youden"`` for the highest sum of sensitivity and
            specificity; ``"f1"`` for the highest F1 of the positive class.

    Raises:
        ValueError: if the rule is unknown, or there is one class only.
    """
    if rule not in THRESHOLDS:
        raise ValueError(f"Unknown rule {rule!r}. Allowed: {', '.join(THRESHOLDS)}.")
    y_true, scores = _check(y_true, scores)
    if rule == "fixed":
        return 0.5
    if not 0 < y_true.sum() < len(y_true):
        raise ValueError("A threshold is chosen between two classes, got labels of one.")
    candidates = np.unique(scores)[::-1]
    positive, negative = _steps(y_true, scores, np.ones(len(y_true)))
    hits, false = np.cumsum(positive), np.cumsum(negative)
    if rule == "youden":
        worth = hits / hits[-1] - false / false[-1]
    else:
        worth = 2 * hits / (hits + false + hits[-1])
    return float(candidates[np.argmax(worth)])


_WITH_INTERVALS: dict[str, Weighted] = {
    "auroc": auroc,
    "average_precision": average_precision,
    "brier": brier,
    "log_loss": log_loss,
    "ece": calibration_error,
}


def _steps(
    y_true: np.ndarray, scores: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The weight of positives and negatives at each distinct score, from the highest down."""
    values, place = np.unique(scores, return_inverse=True)
    positive = np.bincount(place, weights=weights * y_true, minlength=len(values))
    everyone = np.bincount(place, weights=weights, minlength=len(values))
    return positive[::-1], (everyone - positive)[::-1]


def _check(y_true: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    y_true, scores = np.asarray(y_true), np.asarray(scores, dtype=np.float64)
    if y_true.shape != scores.shape or y_true.ndim != 1 or not len(y_true):
        raise ValueError(
            "y_true and scores must be one label and one probability an example, got shapes "
            f"{y_true.shape} and {scores.shape}."
        )
    if not np.isin(y_true, (0, 1)).all():
        raise ValueError(f"Labels must be 0 or 1, got {y_true.min()}…{y_true.max()}.")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("Scores must be probabilities from 0 to 1.")
    return y_true, scores

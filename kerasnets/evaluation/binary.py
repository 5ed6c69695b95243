"""Metrics of two classes beyond the general classification metrics, with intervals.

Conventions, in addition to those of :mod:`kerasnets.evaluation.metrics`:

- The positive class is the second class, label 1.
- Average precision is the step-wise area under the precision-recall curve, as in scikit-learn,
  not the trapezoidal area.
- The Brier score is the mean squared difference between the label and the probability of the
  positive class.
- Intervals are 95 % bootstrap percentiles. **Groups** (patients) are resampled: all rows of a group
  are drawn together. Resamples without both classes are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kerasnets.evaluation.bootstrap import RESAMPLES, bootstrap_intervals
from kerasnets.evaluation.metrics import ECE_BINS

THRESHOLDS = ("fixed", "youden", "f1")


def binary_metrics(
    y_true: np.ndarray,
    scores: np.ndarray,
    groups: np.ndarray | None = None,
    *,
    threshold: float = 0.5,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Compute the metrics of two classes, with intervals, as plain numbers for JSON.

    Args:
        y_true: labels 0 and 1, shape ``(n,)``.
        scores: the probability of label 1, shape ``(n,)``.
        groups: the patient of each row, shape ``(n,)``. By default every row is its own group.
        threshold: rows with at least this probability are predicted positive.
        resamples: number of bootstrap resamples; 0 for no intervals.
        seed: seed of the resampling.

    Returns:
        ``prevalence``, ``average_precision``, ``brier``, ``threshold``, ``sensitivity`` and
        ``specificity`` at the threshold; ``auroc_hard_labels``, the AUROC of the labels predicted
        at the threshold instead of the scores; ``confusion_matrix_at_threshold`` with the true
        label in rows and the predicted label in columns; ``intervals``, a dict from the name of
        each metric to both ends of its interval. A metric that is undefined is ``None``.

    Raises:
        ValueError: if labels and scores do not match, if a score is not a probability, or if
            ``groups`` does not have one entry per row.
    """
    y_true, scores = _check(y_true, scores)
    ranking = Ranking(y_true, scores)
    ones = np.ones(len(y_true))
    predicted = (scores >= threshold).astype(np.float64)
    has_both = 0 < y_true.sum() < len(y_true)

    def statistics(weights: np.ndarray) -> Mapping[str, float]:
        if not 0 < (weights * y_true).sum() < weights.sum():
            return {}
        return {
            "auroc": ranking.auroc(weights),
            "average_precision": ranking.average_precision(weights),
            "brier": brier(y_true, scores, weights),
            "log_loss": log_loss(y_true, scores, weights),
            "ece": calibration_error(y_true, scores, weights),
        }

    return {
        "prevalence": float(y_true.mean()),
        "average_precision": ranking.average_precision(ones) if has_both else None,
        "brier": brier(y_true, scores, ones),
        "threshold": float(threshold),
        "sensitivity": float(predicted[y_true == 1].mean()) if y_true.any() else None,
        "specificity": float(1 - predicted[y_true == 0].mean()) if not y_true.all() else None,
        "auroc_hard_labels": auroc(y_true, predicted, ones) if has_both else None,
        "confusion_matrix_at_threshold": [
            [int(((y_true == true) & (predicted == label)).sum()) for label in (0, 1)]
            for true in (0, 1)
        ],
        "intervals": bootstrap_intervals(
            statistics, len(y_true), groups, resamples=resamples if has_both else 0, seed=seed
        ),
    }


class Ranking:
    """Rows sorted by score once, so that metrics for many different row weights are fast.

    Args:
        y_true: labels 0 and 1, shape ``(n,)``.
        scores: the score of each row, shape ``(n,)``; higher means more likely label 1.
    """

    def __init__(self, y_true: np.ndarray, scores: np.ndarray) -> None:
        self._y_true = y_true
        distinct, self._position = np.unique(scores, return_inverse=True)
        self._distinct = len(distinct)

    def counts(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the weight of positives and of negatives at each score, highest score first."""
        positive = np.bincount(self._position, weights * self._y_true, self._distinct)
        total = np.bincount(self._position, weights, self._distinct)
        return positive[::-1], (total - positive)[::-1]

    def auroc(self, weights: np.ndarray) -> float:
        """Area under the ROC curve; ties count one half. Both labels must be present."""
        positive, negative = self.counts(weights)
        above = np.cumsum(positive) - positive / 2
        return float((above * negative).sum() / (positive.sum() * negative.sum()))

    def average_precision(self, weights: np.ndarray) -> float:
        """Average precision as in scikit-learn. At least one label must be positive."""
        positive, negative = self.counts(weights)
        hits = np.cumsum(positive)
        predicted = hits + np.cumsum(negative)
        precision = np.divide(hits, predicted, out=np.zeros_like(hits), where=predicted > 0)
        return float((positive * precision).sum() / positive.sum())


def auroc(y_true: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    """Weighted area under the ROC curve; ties count one half."""
    return Ranking(y_true, scores).auroc(weights)


def average_precision(y_true: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    """Weighted average precision as in scikit-learn."""
    return Ranking(y_true, scores).average_precision(weights)


def brier(y_true: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    """Weighted mean squared difference between probability and label."""
    return float(np.average((scores - y_true) ** 2, weights=weights))


def log_loss(y_true: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    """Weighted mean negative log-probability of the true label, in nats."""
    return float(np.average(log_losses(y_true, scores), weights=weights))


def log_losses(y_true: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Negative log-probability of each true label, in nats, same shape as the labels."""
    true_probabilities = np.where(y_true == 1, scores, 1 - scores)
    # abs() instead of a minus sign: a perfect score is then 0.0, not -0.0.
    return np.abs(np.log(np.clip(true_probabilities, np.finfo(np.float64).eps, 1)))


def calibration_error(y_true: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    """Weighted :func:`kerasnets.evaluation.metrics.expected_calibration_error`."""
    positive = scores > 0.5  # for 0.5, the first class is predicted
    confidence, correct = np.where(positive, scores, 1 - scores), positive == (y_true == 1)
    bin_of = np.digitize(confidence, np.linspace(0, 1, ECE_BINS + 1)[1:-1], right=True)
    gaps = np.bincount(bin_of, weights=weights * (correct - confidence), minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / weights.sum())


def choose_threshold(y_true: np.ndarray, scores: np.ndarray, rule: str = "youden") -> float:
    """Choose the decision threshold by a rule.

    Choose it on the validation split and use it on the test split.

    Args:
        y_true: labels 0 and 1, both present, shape ``(n,)``.
        scores: the probability of label 1, shape ``(n,)``.
        rule: ``"fixed"`` for 0.5; ``"youden"`` for the highest sum of sensitivity and
            specificity; ``"f1"`` for the highest F1 of the positive class.

    Raises:
        ValueError: if the rule is unknown, or if all labels are the same.
    """
    if rule not in THRESHOLDS:
        raise ValueError(f"Unknown threshold rule {rule!r}. Allowed: {', '.join(THRESHOLDS)}.")
    y_true, scores = _check(y_true, scores)
    if rule == "fixed":
        return 0.5
    if not 0 < y_true.sum() < len(y_true):
        raise ValueError(
            f"The threshold rule {rule!r} needs labels of both classes, got only {y_true[0]}."
        )
    candidates = np.unique(scores)[::-1]
    positive, negative = Ranking(y_true, scores).counts(np.ones(len(y_true)))
    true_positives, false_positives = np.cumsum(positive), np.cumsum(negative)
    if rule == "youden":
        quality = true_positives / true_positives[-1] - false_positives / false_positives[-1]
    else:
        quality = 2 * true_positives / (true_positives + false_positives + true_positives[-1])
    return float(candidates[np.argmax(quality)])


def _check(y_true: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    y_true, scores = np.asarray(y_true), np.asarray(scores, dtype=np.float64)
    if y_true.shape != scores.shape or y_true.ndim != 1 or not len(y_true):
        raise ValueError(
            "y_true and scores must have one label and one probability per row, got shapes "
            f"{y_true.shape} and {scores.shape}."
        )
    if not np.isin(y_true, (0, 1)).all():
        raise ValueError(f"Labels must be 0 or 1, got {y_true.min()}…{y_true.max()}.")
    check_scores(scores)
    return y_true, scores


def check_scores(scores: np.ndarray) -> None:
    """Check that scores are probabilities.

    Raises:
        ValueError: if a score is NaN or not between 0 and 1.
    """
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError(
            "Scores must be probabilities from 0 to 1. For logits pass "
            "kerasnets.evaluation.sigmoid(logits)."
        )

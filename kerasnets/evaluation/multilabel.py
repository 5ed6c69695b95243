"""Metrics of several labels per row, each present or absent, with intervals.

Conventions, in addition to those of :mod:`kerasnets.evaluation.binary`:

- Each label is a separate binary problem. It is predicted if its probability is at least the
  threshold.
- ``accuracy`` is the mean over all labels of all rows (1 - ``hamming_loss``). ``exact_match`` is
  the share of rows whose labels are all predicted correctly (subset accuracy).
- ``macro_f1``, ``auroc`` and ``average_precision`` are means over the labels for which the metric
  is defined: F1 for labels that are true or predicted in at least one row, AUROC and average
  precision for labels that have both positives and negatives.
- ``micro_f1`` is the F1 of all labels of all rows together.
- ``log_loss`` is the mean over all labels of all rows, in nats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerasnets.evaluation.binary import Ranking, check_scores, log_losses
from kerasnets.evaluation.bootstrap import RESAMPLES, bootstrap_intervals
from kerasnets.evaluation.metrics import value_or_none


def multilabel_metrics(
    y_true: np.ndarray,
    probabilities: np.ndarray,
    label_names: Sequence[str],
    groups: np.ndarray | None = None,
    *,
    threshold: float = 0.5,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Compute the metrics of several labels per row as plain numbers for JSON.

    The module docstring states the conventions.

    Args:
        y_true: 1 where a row has a label, otherwise 0; integers of shape ``(n, labels)``.
        probabilities: the probability of each label, shape ``(n, labels)``.
        label_names: one name per label.
        groups: the group of each row, shape ``(n,)``. By default every row is its own group.
        threshold: labels with at least this probability are predicted.
        resamples: number of bootstrap resamples; 0 for no intervals.
        seed: seed of the resampling.

    Returns:
        ``n``, ``accuracy``, ``exact_match``, ``hamming_loss``, ``macro_f1``, ``micro_f1``,
        ``auroc``, ``average_precision``, ``log_loss`` and ``threshold``; ``per_label``, a dict
        from label name to ``precision``, ``recall``, ``f1``, ``auroc``, ``average_precision``,
        ``support`` and ``prevalence``; ``intervals``, a dict from the name of each metric to both
        ends of its interval. A metric that is undefined is ``None``.

    Raises:
        ValueError: if there are no rows, or if labels, probabilities, names and groups do not
            match.
    """
    y_true = check_label_matrix(y_true, label_names)
    probabilities = _check_probabilities(probabilities, y_true.shape)
    measure = _Measure(y_true, probabilities, threshold)
    ones = np.ones(len(y_true))
    precision, recall, f1 = measure.per_label(ones)
    areas, precisions = measure.ranked(ones)
    support = y_true.sum(axis=0)
    overall = measure.overall(ones)
    return {
        "n": len(y_true),
        **{name: value_or_none(value) for name, value in overall.items()},
        "threshold": float(threshold),
        "per_label": {
            name: {
                "precision": float(precision[label]),
                "recall": float(recall[label]),
                "f1": float(np.nan_to_num(f1[label])),
                "auroc": value_or_none(areas[label]),
                "average_precision": value_or_none(precisions[label]),
                "support": int(support[label]),
                "prevalence": float(support[label] / len(y_true)),
            }
            for label, name in enumerate(label_names)
        },
        "intervals": bootstrap_intervals(
            measure.overall, len(y_true), groups, resamples=resamples, seed=seed
        ),
    }


class _Measure:
    """The metrics as functions of row weights; NaN if a metric is undefined."""

    def __init__(self, y_true: np.ndarray, probabilities: np.ndarray, threshold: float) -> None:
        predicted = probabilities >= threshold
        self._true = y_true.astype(np.float64)
        self._predicted = predicted.astype(np.float64)
        self._hits = self._true * self._predicted
        self._correct = predicted == (y_true == 1)
        self._losses = log_losses(y_true, probabilities).mean(axis=1)
        self._rankings = [
            Ranking(*columns) for columns in zip(y_true.T, probabilities.T, strict=True)
        ]

    def overall(self, weights: np.ndarray) -> Mapping[str, float]:
        """The metrics over all labels together."""
        accuracy = float(np.average(self._correct.mean(axis=1), weights=weights))
        hits, true, predicted = (
            (weights @ matrix).sum() for matrix in (self._hits, self._true, self._predicted)
        )
        areas, precisions = self.ranked(weights)
        return {
            "accuracy": accuracy,
            "exact_match": float(np.average(self._correct.all(axis=1), weights=weights)),
            "hamming_loss": 1 - accuracy,
            "macro_f1": _mean(self.per_label(weights)[2]),
            "micro_f1": float(2 * hits / (true + predicted)) if true + predicted else np.nan,
            "auroc": _mean(areas),
            "average_precision": _mean(precisions),
            "log_loss": float(np.average(self._losses, weights=weights)),
        }

    def per_label(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Precision, recall and F1 of each label; F1 is NaN without true or predicted rows."""
        hits, true, predicted = (
            weights @ matrix for matrix in (self._hits, self._true, self._predicted)
        )
        zero, undefined = np.zeros_like(hits), np.full_like(hits, np.nan)
        return (
            np.divide(hits, predicted, out=zero.copy(), where=predicted > 0),
            np.divide(hits, true, out=zero, where=true > 0),
            np.divide(2 * hits, true + predicted, out=undefined, where=true + predicted > 0),
        )

    def ranked(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """AUROC and average precision of each label; NaN if all rows have the same value."""
        positives = weights @ self._true
        both = (positives > 0) & (positives < weights.sum())
        areas, precisions = np.full((2, len(both)), np.nan)
        for label in np.flatnonzero(both):
            areas[label] = self._rankings[label].auroc(weights)
            precisions[label] = self._rankings[label].average_precision(weights)
        return areas, precisions


def check_label_matrix(y_true: np.ndarray, label_names: Sequence[str]) -> np.ndarray:
    """Check a matrix of labels against the label names, and return it as int64.

    Raises:
        ValueError: if there are no rows, if the values are not integers 0 and 1 of shape
            ``(n, labels)``, or if there are not one or more different names.
    """
    names, labels = list(label_names), np.asarray(y_true)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"label_names must be one or more different names, got {names}.")
    if labels.shape[1:] != (len(names),) or labels.dtype.kind not in "iub":
        raise ValueError(
            f"y_true must be integers of shape (n, {len(names)}), one column per label name, got "
            f"{labels.dtype} of shape {labels.shape}."
        )
    if not len(labels):
        raise ValueError("y_true is empty: there is nothing to measure.")
    if not np.isin(labels, (0, 1)).all():
        raise ValueError(f"Labels must be 0 or 1, got {labels.min()}…{labels.max()}.")
    return labels.astype(np.int64)


def _check_probabilities(probabilities: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    values = np.asarray(probabilities, dtype=np.float64)
    if values.shape != shape:
        raise ValueError(
            f"probabilities must have shape {shape}, (rows, labels), got {values.shape}."
        )
    check_scores(values)
    return values


def _mean(values: np.ndarray) -> float:
    """Mean of the values that are not NaN; NaN if there are no such values."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else np.nan

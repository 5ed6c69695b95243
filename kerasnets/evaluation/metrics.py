"""Classification metrics from labels and probabilities, as plain numbers for JSON.

Conventions, here and in every file that contains these metrics:

- The predicted class is the class with the highest probability. If several classes have it, the
  first of them is predicted.
- Precision, recall and F1 of a class are 0 if their denominator is 0 (``zero_division=0`` of
  scikit-learn).
- Means over classes leave out the classes for which the metric is undefined: balanced accuracy is
  the mean recall of the classes that have examples, macro F1 is the mean over the classes that
  have examples or predictions, and AUROC is the mean over the classes that have both positives
  and negatives.
- AUROC is one-vs-rest, ties count one half, and ``None`` means undefined.
- Log loss is in nats. Probabilities are clipped from below at 2.2e-16 (epsilon of float64).
- ECE (expected calibration error, Guo et al. 2017) groups the rows by the probability of the
  predicted class into 15 bins of equal width. Each bin includes its right edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

ECE_BINS = 15
# How tables and figures write the metrics of all tasks, in their order.
METRIC_TITLES = {
    "n": "rows",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "exact_match": "exact match",
    "macro_f1": "macro F1",
    "auroc": "AUROC",
    "average_precision": "average precision",
    "log_loss": "log loss",
    "brier": "Brier score",
    "ece": "ECE",
    "mae": "MAE",
    "rmse": "RMSE",
    "r2": "R²",
}
_SUM_TOLERANCE = 1e-3


def metric_title(name: str) -> str:
    """How tables and figures write a metric."""
    return METRIC_TITLES.get(name, name.replace("_", " ").replace("auroc", "AUROC"))


def classification_metrics(
    y_true: np.ndarray, probabilities: np.ndarray, class_names: Sequence[str]
) -> dict[str, Any]:
    """Compute all metrics of a classifier on one split.

    The module docstring states the conventions.

    Args:
        y_true: class labels, integers from 0, shape ``(n,)``.
        probabilities: shape ``(n, classes)``; each row sums to 1.
        class_names: one name per class, at least two, in the order of the labels.

    Returns:
        ``n``, ``accuracy``, ``balanced_accuracy``, ``macro_f1``, ``auroc``, ``log_loss``, ``ece``
        and ``ece_bins``; ``per_class``, a dict from class name to ``precision``, ``recall``,
        ``f1``, ``auroc`` and ``support``; ``confusion_matrix``, nested lists of counts with the
        true class in rows and the predicted class in columns. All are plain Python numbers; an
        undefined AUROC is ``None``.

    Raises:
        ValueError: if there are no rows, or if labels, probabilities and names do not match.
    """
    y_true, probabilities = check_predictions(y_true, probabilities, class_names)
    counts = confusion_matrix(y_true, probabilities)
    support, predicted, hits = counts.sum(axis=1), counts.sum(axis=0), counts.diagonal()
    recall = _ratio(hits, support)
    precision = _ratio(hits, predicted)
    f1 = _ratio(2 * hits, support + predicted)
    areas = auroc_per_class(y_true, probabilities)
    return {
        "n": len(y_true),
        "accuracy": float(hits.sum() / len(y_true)),
        "balanced_accuracy": float(recall[support > 0].mean()),
        "macro_f1": float(f1[support + predicted > 0].mean()),
        "auroc": mean_of_defined(areas),
        "log_loss": log_loss(y_true, probabilities),
        "ece": expected_calibration_error(y_true, probabilities),
        "ece_bins": ECE_BINS,
        "per_class": {
            name: {
                "precision": float(precision[label]),
                "recall": float(recall[label]),
                "f1": float(f1[label]),
                "auroc": areas[label],
                "support": int(support[label]),
            }
            for label, name in enumerate(class_names)
        },
        "confusion_matrix": counts.tolist(),
    }


def confusion_matrix(y_true: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Count true classes (rows) and predicted classes (columns), shape ``(classes, classes)``."""
    classes = probabilities.shape[1]
    cells = y_true * classes + probabilities.argmax(axis=1)
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


def auroc_per_class(y_true: np.ndarray, probabilities: np.ndarray) -> list[float | None]:
    """Compute the area under the one-vs-rest ROC curve of each class.

    The area is ``None`` if all rows, or no rows, belong to the class.
    """
    return column_aurocs(y_true[:, None] == np.arange(probabilities.shape[1]), probabilities)


def column_aurocs(positive: np.ndarray, scores: np.ndarray) -> list[float | None]:
    """Compute the AUROC of each column; ``None`` if all rows, or no rows, are positive.

    Args:
        positive: booleans, shape ``(n, columns)``.
        scores: shape ``(n, columns)``.
    """
    from sklearn.metrics import roc_auc_score  # takes a second to import

    return [
        None if column.all() or not column.any() else float(roc_auc_score(column, score))
        for column, score in zip(positive.T, scores.T, strict=True)
    ]


def mean_of_defined(values: Sequence[float | None]) -> float | None:
    """Mean of the values that are not ``None``; ``None`` if there are no such values."""
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None


def value_or_none(value: float) -> float | None:
    """Return the value as a plain number, or ``None`` for NaN, which JSON does not have."""
    return None if np.isnan(value) else float(value)


def log_loss(y_true: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean negative log-probability of the true class, in nats."""
    true_probabilities = np.take_along_axis(probabilities, y_true[:, None], axis=1)
    # abs() instead of a minus sign: a perfect score is then 0.0, not -0.0.
    return float(abs(np.log(np.clip(true_probabilities, np.finfo(np.float64).eps, 1)).mean()))


def expected_calibration_error(
    y_true: np.ndarray, probabilities: np.ndarray, bins: int = ECE_BINS
) -> float:
    """Mean of |accuracy - confidence| over bins of confidence, weighted by bin size.

    Args:
        y_true: class labels, shape ``(n,)``.
        probabilities: shape ``(n, classes)``.
        bins: number of bins of equal width over [0, 1]. Each bin includes its right edge.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == y_true
    edges = np.linspace(0, 1, bins + 1)
    bin_of = np.digitize(confidence, edges[1:-1], right=True)
    # |accuracy - confidence| * size is the sum of the differences, so an empty bin adds 0.
    gaps = np.bincount(bin_of, weights=correct - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(y_true))


def check_predictions(
    y_true: np.ndarray, probabilities: np.ndarray, class_names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Check that labels, probabilities and class names match.

    Returns:
        The labels as int64 and the probabilities as float64.

    Raises:
        ValueError: if they do not match.
    """
    y_true = check_class_labels(y_true, class_names)
    return y_true, _check_probabilities(probabilities, (len(y_true), len(class_names)))


def check_class_labels(y_true: np.ndarray, class_names: Sequence[str]) -> np.ndarray:
    """Check integer class labels against the class names, and return them as int64.

    Raises:
        ValueError: if there are no labels, if they are not integers of shape ``(n,)`` in the range
            of the classes, or if there are not two or more different class names.
    """
    names = list(class_names)
    if len(names) < 2 or len(set(names)) < len(names):
        raise ValueError(f"class_names must be two or more different names, got {names}.")
    labels = np.asarray(y_true)
    if labels.size == 0:
        raise ValueError("y_true is empty: there is nothing to measure.")
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(
            "y_true must be integer class labels of shape (n,), got "
            f"{labels.dtype} of shape {labels.shape}. For one-hot rows pass y.argmax(axis=1)."
        )
    if labels.min() < 0 or labels.max() >= len(names):
        raise ValueError(
            f"Labels must be in 0…{len(names) - 1} for {len(names)} class names, "
            f"got {labels.min()}…{labels.max()}."
        )
    return labels.astype(np.int64)


def _check_probabilities(probabilities: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    values = np.asarray(probabilities, dtype=np.float64)
    if values.shape != shape:
        raise ValueError(
            f"probabilities must have shape {shape}, (rows, classes), got {values.shape}."
        )
    bad = ~(np.isfinite(values) & (values >= 0)).all(axis=1)
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(
            f"probabilities must be finite and not negative, got {values[row].tolist()} in row "
            f"{row}, the first of {bad.sum()} such rows."
        )
    off = np.abs(values.sum(axis=1) - 1) > _SUM_TOLERANCE
    if off.any():
        row = int(off.argmax())
        raise ValueError(
            f"Rows of probabilities must sum to 1 within {_SUM_TOLERANCE}, got a sum of "
            f"{values[row].sum():.6g} in row {row}, the first of {off.sum()} such rows. "
            "For logits pass kerasnets.evaluation.softmax(logits)."
        )
    return values


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide elementwise; 0 if the denominator is 0."""
    # The numerator counts a part of the rows of the denominator, so it is 0 if the denominator is.
    return numerator / np.maximum(denominator, 1)

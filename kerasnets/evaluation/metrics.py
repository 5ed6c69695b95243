"""Classification metrics from labels and probabilities, as plain numbers ready for JSON.

Conventions, here and in every file that holds these numbers:

- the predicted class is the one with the highest probability, the first of equals;
- precision, recall and F1 of a class are 0 where their denominator is (scikit-learn's
  ``zero_division=0``);
- means over classes leave out those for which the figure has no meaning: balanced accuracy is
  the mean recall of the classes that have examples, macro F1 the mean over classes that have
  examples or predictions, AUROC the mean over classes with both positives and negatives;
- AUROC is one-vs-rest, ties counting one half, ``None`` where undefined;
- log loss is in nats, with probabilities clipped from below at 2.2e-16 (float64's epsilon);
- ECE (Guo et al. 2017) takes the confidence in the predicted class, in 15 bins of equal width,
  each closed on its right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

ECE_BINS = 15
_SUM_TOLERANCE = 1e-3


def classification_metrics(
    y_true: np.ndarray, probabilities: np.ndarray, class_names: Sequence[str]
) -> dict[str, Any]:
    """Every metric of a classifier on one split; the module docstring states the conventions.

    Args:
        y_true: class labels, integers from 0, shape ``(n,)``.
        probabilities: shape ``(n, classes)``, each row summing to 1.
        class_names: one name a class, two or more, in the order of the labels.

    Returns:
        ``n``, ``accuracy``, ``balanced_accuracy``, ``macro_f1``, ``auroc``, ``log_loss``, ``ece``,
        ``ece_bins``; ``per_class``, which gives ``precision``, ``recall``, ``f1``, ``auroc`` and
        ``support`` by class name; ``confusion_matrix``, nested lists of counts with the true
        class in rows and the predicted one in columns. Plain Python numbers, ``None`` for an
        AUROC that is undefined.

    Raises:
        ValueError: nothing to measure, or labels, probabilities and names that do not fit.
    """
    y_true, probabilities = check_predictions(y_true, probabilities, class_names)
    counts = confusion_matrix(y_true, probabilities)
    support, predicted, hits = counts.sum(axis=1), counts.sum(axis=0), counts.diagonal()
    recall = _ratio(hits, support)
    precision = _ratio(hits, predicted)
    f1 = _ratio(2 * hits, support + predicted)
    areas = auroc_per_class(y_true, probabilities)
    defined = [area for area in areas if area is not None]
    return {
        "n": len(y_true),
        "accuracy": float(hits.sum() / len(y_true)),
        "balanced_accuracy": float(recall[support > 0].mean()),
        "macro_f1": float(f1[support + predicted > 0].mean()),
        "auroc": float(np.mean(defined)) if defined else None,
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
    """Counts, shape ``(classes, classes)``: the true class in rows, the predicted in columns."""
    classes = probabilities.shape[1]
    cells = y_true * classes + probabilities.argmax(axis=1)
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


def auroc_per_class(y_true: np.ndarray, probabilities: np.ndarray) -> list[float | None]:
    """Area under each class's one-vs-rest ROC curve; ``None`` where all or none are of it."""
    areas: list[float | None] = []
    for label, scores in enumerate(probabilities.T):
        positive = y_true == label
        undefined = positive.all() or not positive.any()
        areas.append(None if undefined else float(roc_auc_score(positive, scores)))
    return areas


def log_loss(y_true: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean negative log-probability of the true class, in nats."""
    of_true = np.take_along_axis(probabilities, y_true[:, None], axis=1)
    # abs, not minus: no -0.0 for a perfect score.
    return float(abs(np.log(np.clip(of_true, np.finfo(np.float64).eps, 1)).mean()))


def expected_calibration_error(
    y_true: np.ndarray, probabilities: np.ndarray, bins: int = ECE_BINS
) -> float:
    """Mean distance of confidence and accuracy over bins of confidence, weighted by their size.

    Args:
        y_true: class labels, shape ``(n,)``.
        probabilities: shape ``(n, classes)``.
        bins: number of bins of equal width over [0, 1], each closed on its right.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == y_true
    edges = np.linspace(0, 1, bins + 1)
    bin_of = np.digitize(confidence, edges[1:-1], right=True)
    # |accuracy − confidence| × size is the sum of the differences, so empty bins need no care.
    gaps = np.bincount(bin_of, weights=correct - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(y_true))


def check_predictions(
    y_true: np.ndarray, probabilities: np.ndarray, class_names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Labels as int64 and probabilities as float64, once they fit each other and the names.

    Raises:
        ValueError: they do not; the message says what came and what is allowed.
    """
    names = list(class_names)
    if len(names) < 2 or len(set(names)) < len(names):
        raise ValueError(f"class_names must be two or more different names, got {names}.")
    return _check_labels(y_true, len(names)), _check_probabilities(
        probabilities, (len(y_true), len(names))
    )


def _check_labels(y_true: np.ndarray, classes: int) -> np.ndarray:
    labels = np.asarray(y_true)
    if labels.size == 0:
        raise ValueError("y_true is empty: there is nothing to measure.")
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(
            "y_true must be integer class labels of shape (n,), got "
            f"{labels.dtype} of shape {labels.shape}. From one-hot rows take y.argmax(axis=1)."
        )
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"Labels must be in 0…{classes - 1} for {classes} class names, "
            f"got {labels.min()}…{labels.max()}."
        )
    return labels.astype(np.int64)


def _check_probabilities(probabilities: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    values = np.asarray(probabilities, dtype=np.float64)
    if values.shape != shape:
        raise ValueError(
            f"probabilities must have shape {shape}, (labels, class names), got {values.shape}."
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
            "From logits take kerasnets.evaluation.softmax(logits)."
        )
    return values


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Elementwise, 0 where the denominator is."""
    # A numerator here counts part of what its denominator counts, so both are 0 together.
    return numerator / np.maximum(denominator, 1)

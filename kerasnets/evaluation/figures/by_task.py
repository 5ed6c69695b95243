"""The figures of each task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from kerasnets.evaluation.baseline import is_unbalanced
from kerasnets.evaluation.figures.binary import (
    precision_recall_figure,
    reliability_figure,
    soft_hard_figure,
)
from kerasnets.evaluation.figures.confusion_matrix import confusion_matrix_figure
from kerasnets.evaluation.figures.multilabel import label_figure
from kerasnets.evaluation.figures.regression import prediction_figure, residual_figure
from kerasnets.evaluation.figures.roc import label_roc_curves, roc_curves
from kerasnets.evaluation.metrics import (
    auroc_per_class,
    check_predictions,
    confusion_matrix,
    mean_of_defined,
)
from kerasnets.evaluation.outputs import both_classes

_MAX_CURVES = 12  # more curves in one figure cannot be told apart

Figures = dict[str, Figure]


@dataclass(frozen=True)
class Header:
    """The common parts of the titles of all figures of a model.

    Attributes:
        title: start of each title, such as the name of the net; may be empty.
        subtitle: line below each title.
        split: the name of the split that is shown.
    """

    title: str
    subtitle: str
    split: str

    def titles(self, what: str) -> dict[str, str]:
        """Return title and subtitle of one figure, as keyword arguments."""
        title = f"{self.title}: {what}" if self.title else what[:1].upper() + what[1:]
        return {"title": title, "subtitle": self.subtitle}


def draw(
    task: str,
    y: np.ndarray,
    predictions: np.ndarray,
    names: Sequence[str],
    header: Header,
    threshold: float,
    unit: str,
) -> Figures:
    """Draw the figures of a task; see :meth:`kerasnets.evaluation.tasks.Task.figures`."""
    return _FIGURES[task](np.asarray(y), predictions, names, header, threshold, unit)


def _of_classes(
    y: np.ndarray,
    predictions: np.ndarray,
    names: Sequence[str],
    header: Header,
    threshold: float,
    _unit: str,
) -> Figures:
    y, probabilities = check_predictions(y, predictions, names)
    figures = {
        "confusion_matrix": _confusion_matrix(y, probabilities, names, header, threshold),
        "roc_curves": roc_curves(
            y, probabilities, names, **header.titles(f"ROC curves, {header.split} split")
        ),
    }
    if len(names) == 2:
        figures |= _of_two_classes(y, probabilities[:, 1], names, header, threshold)
    return figures


def _of_binary(
    y: np.ndarray, predictions: np.ndarray, names: Sequence[str], *arguments: Any
) -> Figures:
    return _of_classes(y, both_classes(predictions), names, *arguments)


def _confusion_matrix(
    y: np.ndarray,
    probabilities: np.ndarray,
    names: Sequence[str],
    header: Header,
    threshold: float,
) -> Figure:
    """The confusion matrix of the most probable classes, or at a threshold other than 0.5."""
    where, area = "", mean_of_defined(auroc_per_class(y, probabilities))
    if threshold != 0.5:
        predicted = (probabilities[:, 1] >= threshold).astype(int)
        probabilities = np.eye(2)[predicted]
        where = f" at threshold {threshold:.2f}"
    counts = confusion_matrix(y, probabilities)
    correct = 100 * counts.trace() / len(y)
    what = f"{correct:.1f} % of {len(y):,} {header.split} rows are correct{where}"
    support = counts.sum(axis=1)
    if area is not None and is_unbalanced(support.tolist()):
        most, share = names[support.argmax()], 100 * support.max() / len(y)
        what = f"AUROC {area:.3f}; {what}, {share:.1f} % for always {most!r}"
    return confusion_matrix_figure(counts, names, **header.titles(what))


def _of_two_classes(
    y: np.ndarray, scores: np.ndarray, names: Sequence[str], header: Header, threshold: float
) -> Figures:
    where = f"{header.split} split"
    figures = {
        "precision_recall": precision_recall_figure(
            y, scores, threshold, **header.titles(f"precision and recall of {names[1]!r}, {where}")
        ),
        "reliability": reliability_figure(
            y, scores, names, **header.titles(f"calibration, {where}")
        ),
    }
    if 0 < y.sum() < len(y):
        figures["soft_and_hard_labels"] = soft_hard_figure(
            y, scores, threshold, **header.titles(f"probabilities and predicted labels, {where}")
        )
    return figures


def _of_labels(
    y: np.ndarray,
    predictions: np.ndarray,
    names: Sequence[str],
    header: Header,
    _threshold: float,
    _unit: str,
) -> Figures:
    where = f"{header.split} split"
    common = np.sort(np.argsort(-y.sum(axis=0), kind="stable")[:_MAX_CURVES])
    which = "" if len(common) == len(names) else f" of the {len(common)} most frequent labels"
    return {
        "label_scores": label_figure(
            y, predictions, names, **header.titles(f"scores by label, {where}")
        ),
        "roc_curves": label_roc_curves(
            y[:, common],
            predictions[:, common],
            [names[label] for label in common],
            **header.titles(f"ROC curves{which}, {where}"),
        ),
    }


def _of_targets(
    y: np.ndarray,
    predictions: np.ndarray,
    names: Sequence[str],
    header: Header,
    _threshold: float,
    unit: str,
) -> Figures:
    where = f"{header.split} split"
    return {
        "predicted_against_true": prediction_figure(
            y, predictions, names, unit, **header.titles(f"predicted against true values, {where}")
        ),
        "residuals": residual_figure(
            y, predictions, names, unit, **header.titles(f"residuals, {where}")
        ),
    }


_FIGURES: dict[str, Callable[..., Figures]] = {
    "classification": _of_classes,
    "binary": _of_binary,
    "multilabel": _of_labels,
    "regression": _of_targets,
}

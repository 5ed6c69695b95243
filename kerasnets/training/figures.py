"""The figures of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from kerasnets.data import Dataset
from kerasnets.evaluation import figures, predict_probabilities
from kerasnets.evaluation.binary_figures import (
    precision_recall_figure,
    reliability_figure,
    soft_hard_figure,
)
from kerasnets.evaluation.weights import fits_a_picture, weight_matrices
from kerasnets.training.run_folder import without_penalties

if TYPE_CHECKING:
    from kerasnets.training.run import Run


def draw_figures(run: Run, data: Dataset) -> None:
    """Draw learning curves, confusion matrix, ROC curves, and the weights of a small table net."""
    subtitle = f"{data.name}, split by {data.split}, training seed {run.recipe.seed}"
    probabilities = predict_probabilities(run.model, data.test.x)
    drawn = {
        "learning_curves": figures.learning_curves(
            without_penalties(run.history),
            best_epoch=run.best_epoch,
            title=run.name,
            subtitle=subtitle,
        ),
        "confusion_matrix": _confusion_matrix(run, data, subtitle),
        "roc_curves": figures.roc_curves(
            data.test.y, probabilities, data.class_names, title=run.name, subtitle=subtitle
        ),
    }
    if data.feature_names and fits_a_picture(run.model):
        drawn["weights"] = weight_matrices(
            run.model, data.feature_names, data.class_names, title=run.name, subtitle=subtitle
        )
    if len(data.class_names) == 2:
        drawn |= _two_class_figures(run, data, probabilities[:, 1], subtitle)
    for name, figure in drawn.items():
        figures.save_figure(figure, run.folder / "figures" / name)


def _confusion_matrix(run: Run, data: Dataset, subtitle: str) -> Figure:
    """That of the likeliest class, or at the threshold where one was chosen."""
    test, where = run.metrics["test"], ""
    counts = test["confusion_matrix"]
    if len(data.class_names) == 2 and run.recipe.threshold != "fixed":
        counts = test["confusion_matrix_at_threshold"]
        where = f" at threshold {test['threshold']:.2f}"
    right = sum(row[label] for label, row in enumerate(counts)) / test["n"]
    return figures.confusion_matrix_figure(
        counts,
        data.class_names,
        title=f"{run.name}: {right:.1%} of {test['n']:,} test rows right{where}",
        subtitle=subtitle,
    )


def _two_class_figures(
    run: Run, data: Dataset, scores: np.ndarray, subtitle: str
) -> dict[str, Figure]:
    """What two classes allow beyond the general figures."""
    y, threshold = data.test.y, run.metrics["test"]["threshold"]
    names = {"title": run.name, "subtitle": subtitle}
    drawn = {
        "precision_recall": precision_recall_figure(y, scores, threshold, **names),
        "reliability": reliability_figure(y, scores, data.class_names, **names),
    }
    if 0 < y.sum() < len(y):
        drawn["soft_and_hard_labels"] = soft_hard_figure(y, scores, threshold, **names)
    return drawn

"""The metrics and figures of a run, computed from the predictions of its model.

Nothing here needs TensorFlow, so that the worker process can do it; see :mod:`kerasnets._worker`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets._lazy import keras
from kerasnets._worker import at_the_same_time
from kerasnets.data import Dataset
from kerasnets.evaluation.dense_kernels import can_draw_weights, dense_kernels
from kerasnets.evaluation.evaluate_model import (
    SplitPredictions,
    find_threshold,
    measure_splits,
    predict_splits,
)
from kerasnets.evaluation.tasks import get_task, output_names
from kerasnets.training.recipe import Recipe
from kerasnets.training.run_folder import History, best_epoch, without_penalties

if TYPE_CHECKING:
    from kerasnets.training.run import Run

# Imported by the report. They are slow to import, so the worker does it before.
IMPORTS = ("sklearn.metrics", "kerasnets.evaluation.figures")


@dataclass(frozen=True)
class About:
    """What the figures say about a run.

    Attributes:
        recipe: how the net was trained.
        task: the name of the task.
        names: one name per class, label or target.
        data: the name of the data set.
        target_units: the unit of the targets of a regression.
    """

    recipe: Recipe
    task: str
    names: tuple[str, ...]
    data: str
    target_units: str

    @classmethod
    def of(cls, recipe: Recipe, task: str, data: Dataset) -> About:
        """Describe a run on a data set."""
        return cls(recipe, task, output_names(data), data.name, data.target_units)

    @property
    def subtitle(self) -> str:
        """The line below the title of each figure."""
        recipe = self.recipe
        return f"{self.data}, split by {recipe.split}, training seed {recipe.seed}"


@dataclass(frozen=True)
class Results:
    """Labels and predictions of a trained net, without objects of Keras.

    Attributes:
        splits: labels and predictions by name of split.
        feature_names: one name per column of a table.
        kernels: weight matrices by name of layer, of a net small enough to draw them.
    """

    splits: dict[str, SplitPredictions]
    feature_names: tuple[str, ...]
    kernels: dict[str, np.ndarray]


def collect_results(task: str, model: keras.Model, data: Dataset) -> Results:
    """Run the model on all splits, and return what the report is computed from."""
    small = bool(data.feature_names) and can_draw_weights(model)
    splits = predict_splits(model, data, get_task(task))
    return Results(splits, tuple(data.feature_names), dense_kernels(model) if small else {})


def write_report(
    about: About, history: History, results: Results, folder: Path | None
) -> dict[str, dict[str, Any]]:
    """Draw the figures of a run, and return the metrics.

    Args:
        about: describes the run.
        history: the history of its epochs.
        results: from :func:`collect_results`.
        folder: for the figures; ``None`` to draw none.
    """
    task, splits = get_task(about.task), results.splits
    threshold = find_threshold(splits, task, about.names, about.recipe.threshold)
    with at_the_same_time() as run:
        if folder is not None:
            run(draw_learning_curves, about, history, folder)
            draw_figures(about, results, threshold, folder, run)
        return measure_splits(splits, task, about.names, threshold)


def draw_run(run: Run, data: Dataset) -> None:
    """Draw the figures of a finished run that was trained without them."""
    about, folder = About.of(run.recipe, run.task, data), run.folder / "figures"
    threshold = float(run.metrics["test"].get("threshold", 0.5))
    draw_figures(about, collect_results(run.task, run.model, data), threshold, folder)
    draw_learning_curves(about, run.history, folder)


def _run(function: Callable[..., object], *args: Any) -> None:
    function(*args)


def draw_figures(
    about: About,
    results: Results,
    threshold: float,
    folder: Path,
    run: Callable[..., None] = _run,
) -> None:
    """Draw the figures of the task, and the weights of a small net on a table.

    Args:
        about: describes the run.
        results: from :func:`collect_results`.
        threshold: the decision threshold of two classes.
        folder: for the figures.
        run: runs a function with arguments; see :func:`kerasnets._worker.at_the_same_time`.
    """
    from kerasnets.evaluation import figures  # imports matplotlib

    task, test, net = get_task(about.task), results.splits["test"], about.recipe.net
    drawn = task.figures(
        test.y,
        test.predictions,
        about.names,
        title=net,
        subtitle=about.subtitle,
        threshold=threshold,
        unit=about.target_units,
    )
    if results.kernels:
        drawn["weights"] = figures.weight_matrices(
            results.kernels,
            results.feature_names,
            task.column_names(about.names),
            title=f"{net}: weights",
            subtitle=about.subtitle,
        )
    for file, figure in drawn.items():
        run(figures.save_figure, figure, folder / file)


def draw_learning_curves(about: About, history: History, folder: Path) -> None:
    """Draw the learning curves of a run."""
    from kerasnets.evaluation import figures  # imports matplotlib

    # The loss is not that of the task if targets are rescaled or the user compiled the model.
    own_loss = about.recipe.optimizer == "compiled" or about.task == "regression"
    figure = figures.learning_curves(
        without_penalties(history),
        best_epoch=best_epoch(history, about.recipe.monitor),
        title=f"{about.recipe.net}: learning curves",
        subtitle=about.subtitle,
        labels={} if own_loss else {"loss": get_task(about.task).loss_label},
    )
    figures.save_figure(figure, folder / "learning_curves")

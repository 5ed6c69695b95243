"""The figures of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kerasnets.data import Dataset
from kerasnets.evaluation import infer_task, predict_outputs
from kerasnets.evaluation.figures import (
    can_draw_weights,
    learning_curves,
    save_figure,
    weight_matrices,
)
from kerasnets.evaluation.tasks import output_names
from kerasnets.training.run_folder import without_penalties

if TYPE_CHECKING:
    from kerasnets.training.run_folder import Run


def draw_figures(run: Run, data: Dataset) -> None:
    """Draw learning curves, the figures of the task, and the weights of a small table net."""
    subtitle = f"{data.name}, split by {data.split}, training seed {run.recipe.seed}"
    task, names = infer_task(data, run.model.output_shape[-1]), output_names(data)
    figures = {
        "learning_curves": learning_curves(
            without_penalties(run.history),
            best_epoch=run.best_epoch,
            title=f"{run.name}: learning curves",
            subtitle=subtitle,
            labels={"loss": task.loss_label},
        ),
        **task.figures(
            data.test.y,
            predict_outputs(run.model, data.test.x, task),
            names,
            title=run.name,
            subtitle=subtitle,
            threshold=run.metrics["test"].get("threshold", 0.5),
            unit=getattr(data, "target_units", ""),
        ),
    }
    if data.feature_names and can_draw_weights(run.model):
        figures["weights"] = weight_matrices(
            run.model,
            data.feature_names,
            task.column_names(names),
            title=f"{run.name}: weights",
            subtitle=subtitle,
        )
    for name, figure in figures.items():
        save_figure(figure, run.folder / "figures" / name)

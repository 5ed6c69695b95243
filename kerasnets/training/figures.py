"""The figures of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kerasnets.data import Dataset
from kerasnets.evaluation import figures
from kerasnets.evaluation.predict import predict_outputs
from kerasnets.evaluation.tasks import get_task, output_names
from kerasnets.training.run_folder import without_penalties

if TYPE_CHECKING:
    from kerasnets.training.run import Run


def draw_figures(run: Run, data: Dataset) -> None:
    """Draw learning curves, the figures of the task, and the weights of a small net on a table."""
    subtitle = f"{data.name}, split by {data.split}, training seed {run.recipe.seed}"
    task, names = get_task(run.task), output_names(data)
    drawn = task.figures(
        data.test.y,
        predict_outputs(run.model, data.test.x, task),
        names,
        title=run.name,
        subtitle=subtitle,
        threshold=run.metrics["test"].get("threshold", 0.5),
        unit=data.target_units,
    )
    # The loss is not that of the task if targets are rescaled or the user compiled the model.
    own_loss = run.recipe.optimizer == "compiled" or task.name == "regression"
    drawn["learning_curves"] = figures.learning_curves(
        without_penalties(run.history),
        best_epoch=run.best_epoch,
        title=f"{run.name}: learning curves",
        subtitle=subtitle,
        labels={} if own_loss else {"loss": task.loss_label},
    )
    if data.feature_names and figures.can_draw_weights(run.model):
        drawn["weights"] = figures.weight_matrices(
            run.model,
            data.feature_names,
            task.column_names(names),
            title=f"{run.name}: weights",
            subtitle=subtitle,
        )
    for name, figure in drawn.items():
        figures.save_figure(figure, run.folder / "figures" / name)

"""The other workers of a training: they run the same epochs as the first one, and write nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerasnets._lazy import keras
from kerasnets.data import Dataset
from kerasnets.engine.collectives import Group
from kerasnets.training.epochs import EpochRunner, is_over
from kerasnets.training.plan import Plan
from kerasnets.training.recipe import Recipe
from kerasnets.training.run import Run
from kerasnets.training.run_data import load_recipe_data
from kerasnets.training.run_folder import History
from kerasnets.training.workers import check_equal, receive_results, receive_start


@dataclass
class Follower:
    """The work of a process that is not the first worker.

    Attributes:
        group: the connected workers.
        recipe: the settings that this process was started with, if any; the first worker has the
            same ones, or those of the run that it resumes.
        data: what to train on; by default that of the recipe.
        data_dir: where to look for its files.
        callbacks: Keras callbacks of the user.
    """

    group: Group
    recipe: Recipe | None = None
    data: Dataset | None = None
    data_dir: str | Path | None = None
    callbacks: Sequence[Any] = ()

    def run(self) -> Run:
        """Train with the others, and return the run, whose files only the first worker has."""
        check_equal(self.group, self.recipe, self.data)
        start = receive_start(self.group)
        history = start.history
        if not is_over(start.recipe, history):
            data = self.data or load_recipe_data(start.recipe, self.data_dir)
            check_equal(self.group, start.recipe, data)
            self._train(start.load(), Plan(start.recipe, data, self.group), history)
        results = receive_results(self.group)
        return Run(
            Path(start.folder),
            start.recipe,
            results["history"],
            results["metrics"],
            results["environment"],
        )

    def _train(self, model: keras.Model, plan: Plan, history: History) -> None:
        def save_epoch() -> bool:
            return is_over(plan.recipe, history)

        epochs = EpochRunner(model, plan, history)
        epochs.run(save_epoch, callbacks=self.callbacks)

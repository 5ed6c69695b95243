"""The trials of a sampler: what was drawn, what is still to train, and the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets.studies.pool import Task
from kerasnets.studies.space import Axis
from kerasnets.studies.workspace import nested
from kerasnets.training import Recipe

if TYPE_CHECKING:
    import optuna

SAMPLERS = ("grid", "random", "tpe")


class Draws:
    """The trials of one sampler, kept by Optuna in a file."""

    def __init__(
        self,
        folder: Path,
        sampler: str,
        recipe: Recipe,
        axes: Sequence[Axis],
        settings: Mapping[str, Any],
        budget: int,
        seed: int,
    ) -> None:
        """Open the file, which need not exist.

        Args:
            folder: of the search.
            sampler: one of :data:`SAMPLERS`.
            recipe: of the trials, without the axes.
            axes: what is varied.
            settings: what is set for all.
            budget: how many trials there may be.
            seed: of what is drawn.
        """
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.folder, self.sampler, self.recipe = folder, sampler, recipe
        self.axes, self.settings = axes, settings
        self.budget, self.seed = budget, seed
        self.study = optuna.create_study(
            storage=f"sqlite:///{(folder / 'trials.db').resolve()}",
            study_name=sampler,
            direction="maximize" if recipe.monitor == "val_accuracy" else "minimize",
            load_if_exists=True,
        )
        # What a killed process left: a trial without all its values was never begun.
        self.open = []
        for trial in self.trials(optuna.trial.TrialState.RUNNING):
            if len(trial.params) == len(axes):
                self.open.append(trial)
            else:
                self.study.tell(trial.number, state=optuna.trial.TrialState.FAIL)

    def enqueue(self, points: Sequence[Mapping[str, Any]]) -> None:
        """Set the values of the trials to come, where none have been."""
        if not self.study.get_trials(deepcopy=False):
            for point in points:
                self.study.enqueue_trial(
                    {axis.name: axis.write(point[axis.name]) for axis in self.axes}
                )

    def next_task(self) -> Task | None:
        """The next training: one that was interrupted, else a new one within the budget."""
        if self.open:
            return self._task(self.open.pop(0))
        begun = [trial for trial in self.trials() if len(trial.params) == len(self.axes)]
        if len(begun) >= self.budget:
            return None
        # A sampler of its own for each trial: however often a search is stopped, the same draws.
        number = len(self.study.get_trials(deepcopy=False))
        draw = int(
            np.random.default_rng([self.seed, SAMPLERS.index(self.sampler), number]).integers(2**31)
        )
        self.study.sampler = self._sampler(draw)
        distributions = {axis.name: axis.distribution() for axis in self.axes}
        return self._task(self.study.ask(distributions))

    def tell(self, number: int, score: float | None) -> None:
        """Keep the score of a trial; ``None`` where training failed."""
        from optuna.trial import TrialState

        if score is None:
            self.study.tell(number, state=TrialState.FAIL)
        else:
            self.study.tell(number, score)

    def rows(self) -> list[dict[str, Any]]:
        """A row a trial that is done."""
        return [
            {
                "sampler": self.sampler,
                "trial": trial.number,
                "score": float("nan") if trial.value is None else trial.value,
                **self._values(trial),
                "folder": str(self._folder(trial)),
            }
            for trial in self.trials()
            if trial.state.is_finished() and len(trial.params) == len(self.axes)
        ]

    def trials(self, *states: optuna.trial.TrialState) -> list[Any]:
        """The trials in some states; by default all that have been begun."""
        from optuna.trial import TrialState

        wanted = states or [state for state in TrialState if state is not TrialState.WAITING]
        return self.study.get_trials(deepcopy=False, states=tuple(wanted))

    def _sampler(self, draw: int) -> optuna.samplers.BaseSampler:
        from optuna.samplers import RandomSampler, TPESampler

        if self.sampler == "tpe":
            # A quarter of the trials at random, 10 at most, from which it learns; trials that are
            # still running count as bad, so that several at a time keep apart.
            start = max(2, min(10, self.budget // 4))
            return TPESampler(seed=draw, n_startup_trials=start, constant_liar=True)
        return RandomSampler(seed=draw)

    def _values(self, trial: Any) -> dict[str, Any]:
        return {axis.name: axis.read(trial.params[axis.name]) for axis in self.axes}

    def _folder(self, trial: Any) -> Path:
        return self.folder / "runs" / f"{self.sampler}-{trial.number}"

    def _task(self, trial: Any) -> Task:
        net = self.recipe.net
        settings = nested(net, {**self.settings, **self._values(trial)})
        return Task(self, trial.number, net, settings, self._folder(trial))

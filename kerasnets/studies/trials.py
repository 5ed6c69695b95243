"""The trials of one sampler: settings, remaining trainings and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets.studies.pool import TrainingTask
from kerasnets.studies.runs import nest_builder_arguments
from kerasnets.studies.space import Hyperparameter
from kerasnets.training import Recipe

if TYPE_CHECKING:
    import optuna

SAMPLERS = ("grid", "random", "tpe")


class SamplerTrials:
    """The trials of one sampler. Optuna stores them in a file."""

    def __init__(
        self,
        folder: Path,
        sampler: str,
        recipe: Recipe,
        space: Sequence[Hyperparameter],
        settings: Mapping[str, Any],
        budget: int,
        seed: int,
    ) -> None:
        """Open Optuna's file, or create it if it does not exist.

        Args:
            folder: folder of the search.
            sampler: one of :data:`SAMPLERS`.
            recipe: recipe of the trials, without the hyperparameters.
            space: the hyperparameters.
            settings: settings that are the same for all trials.
            budget: the maximum number of trials.
            seed: seed of the sampler.
        """
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.folder, self.sampler, self.recipe = folder, sampler, recipe
        self.space, self.settings = space, settings
        self.budget, self.seed = budget, seed
        self.study = optuna.create_study(
            storage=f"sqlite:///{(folder / 'trials.db').resolve()}",
            study_name=sampler,
            direction="maximize" if recipe.monitor == "val_accuracy" else "minimize",
            load_if_exists=True,
        )
        # After a process was killed, trials still have the state RUNNING. If a trial does not have
        # all of its values, its training has not started.
        self.interrupted = []
        for trial in self.trials(optuna.trial.TrialState.RUNNING):
            if self._is_complete(trial):
                self.interrupted.append(trial)
            else:
                self.study.tell(trial.number, state=optuna.trial.TrialState.FAIL)

    def enqueue(self, points: Sequence[Mapping[str, Any]]) -> None:
        """Set the values of the first trials. Does nothing if the study already has trials."""
        if not self.study.get_trials(deepcopy=False):
            for point in points:
                self.study.enqueue_trial(
                    {entry.name: entry.to_optuna(point[entry.name]) for entry in self.space}
                )

    def next_task(self) -> TrainingTask | None:
        """Return the next training: an interrupted one, or a new one if the budget allows it."""
        if self.interrupted:
            return self._task(self.interrupted.pop(0))
        if len([trial for trial in self.trials() if self._is_complete(trial)]) >= self.budget:
            return None
        # A new sampler for each trial: a search that was stopped and resumed draws the same values.
        number = len(self.study.get_trials(deepcopy=False))
        rng = np.random.default_rng([self.seed, SAMPLERS.index(self.sampler), number])
        self.study.sampler = self._make_sampler(int(rng.integers(2**31)))
        distributions = {entry.name: entry.distribution() for entry in self.space}
        return self._task(self.study.ask(distributions))

    def record(self, number: int, score: float | None) -> None:
        """Store the score of a trial, or ``None`` if the training failed."""
        from optuna.trial import TrialState

        if score is None:
            self.study.tell(number, state=TrialState.FAIL)
        else:
            self.study.tell(number, score)

    def rows(self) -> list[dict[str, Any]]:
        """One row per finished trial."""
        return [
            {
                "sampler": self.sampler,
                "trial": trial.number,
                "score": float("nan") if trial.value is None else trial.value,
                **self._values(trial),
                "folder": str(self._run_folder(trial)),
            }
            for trial in self.trials()
            if trial.state.is_finished() and self._is_complete(trial)
        ]

    def trials(self, *states: optuna.trial.TrialState) -> list[Any]:
        """The trials with these states. Default: all that have been started."""
        from optuna.trial import TrialState

        wanted = states or [state for state in TrialState if state is not TrialState.WAITING]
        return self.study.get_trials(deepcopy=False, states=tuple(wanted))

    def _is_complete(self, trial: Any) -> bool:
        return len(trial.params) == len(self.space)

    def _make_sampler(self, seed: int) -> optuna.samplers.BaseSampler:
        from optuna.samplers import RandomSampler, TPESampler

        if self.sampler != "tpe":
            return RandomSampler(seed=seed)
        # TPE starts with random trials: a quarter of the budget, at least 2 and at most 10. Running
        # trials count as bad, so that parallel trials differ.
        startup_trials = max(2, min(10, self.budget // 4))
        return TPESampler(seed=seed, n_startup_trials=startup_trials, constant_liar=True)

    def _values(self, trial: Any) -> dict[str, Any]:
        return {entry.name: entry.from_optuna(trial.params[entry.name]) for entry in self.space}

    def _run_folder(self, trial: Any) -> Path:
        return self.folder / "runs" / f"{self.sampler}-{trial.number}"

    def _task(self, trial: Any) -> TrainingTask:
        net = self.recipe.net
        settings = nest_builder_arguments(net, {**self.settings, **self._values(trial)})
        return TrainingTask(self, trial.number, net, settings, self._run_folder(trial))

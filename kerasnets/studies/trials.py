"""The trials of one sampler: settings, remaining trainings and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from kerasnets._files import full_disk
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
        points: Sequence[Mapping[str, Any]] = (),
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
            points: the values of each trial of the sampler ``"grid"``.

        Raises:
            ValueError: if Optuna's file is damaged.
        """
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.folder, self.sampler, self.recipe = folder, sampler, recipe
        self.space, self.settings = space, settings
        self.budget, self.seed, self.points = budget, seed, points
        self.direction: Literal["maximize", "minimize"] = (
            "maximize" if recipe.monitor == "val_accuracy" else "minimize"
        )
        self.study = _open_study(folder / "trials.db", sampler, self.direction)
        # After a process was killed, trials still have the state RUNNING.
        self.interrupted = self.trials(optuna.trial.TrialState.RUNNING)

    def next_task(self) -> TrainingTask | None:
        """Return the next training: an interrupted one, or a new one if the budget allows it."""
        if self.interrupted:
            return self._task(self.interrupted.pop(0))
        if len(self.trials()) >= self.budget:
            return None
        # In one transaction, so that a trial in the file always has all of its values.
        self.study.add_trial(self._new_trial())
        return self._task(self.study.get_trials(deepcopy=False)[-1])

    def _new_trial(self) -> Any:
        """The next trial: a point of the grid, or values that the sampler draws."""
        import optuna

        distributions = {entry.name: entry.distribution() for entry in self.space}
        trials = self.study.get_trials(deepcopy=False)
        if self.sampler == "grid":
            point = self.points[len(trials)]
            params = {entry.name: entry.to_optuna(point[entry.name]) for entry in self.space}
        else:
            # A new sampler for each trial: a search that was stopped and resumed draws the same
            # values.
            rng = np.random.default_rng([self.seed, SAMPLERS.index(self.sampler), len(trials)])
            sampler = self._make_sampler(int(rng.integers(2**31)))
            copy = optuna.create_study(direction=self.direction, sampler=sampler)
            copy.add_trials(trials)
            params = copy.ask(distributions).params
        state = optuna.trial.TrialState.RUNNING
        return optuna.trial.create_trial(state=state, params=params, distributions=distributions)

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
            if trial.state.is_finished()
        ]

    def trials(self, *states: optuna.trial.TrialState) -> list[Any]:
        """The trials with these states. Default: all."""
        return self.study.get_trials(deepcopy=False, states=states or None)

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


def _open_study(path: Path, name: str, direction: Literal["maximize", "minimize"]) -> optuna.Study:
    import optuna

    try:
        return optuna.create_study(
            storage=f"sqlite:///{path.resolve()}",
            study_name=name,
            direction=direction,
            load_if_exists=True,
        )
    except Exception as error:  # of Optuna and SQLAlchemy
        if full_disk(error) is not None:
            raise
        raise ValueError(
            f"{path} is not a file of Optuna, or damaged: {error}. Choose another folder."
        ) from error

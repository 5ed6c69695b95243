"""The trials of one sampler: settings, remaining trainings and scores."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from kerasnets.studies.attempts import attempt_folder
from kerasnets.studies.leases import Lease, LeaseRow, Leases
from kerasnets.studies.local_processes import JobDiedError
from kerasnets.studies.pool import TrainingTask
from kerasnets.studies.runs import nest_builder_arguments
from kerasnets.studies.space import Hyperparameter
from kerasnets.training import Recipe

if TYPE_CHECKING:
    import optuna

SAMPLERS = ("grid", "random", "tpe")
# Attributes of Optuna's trials: the index in the search, and the lease of the process that made it.
_TRIAL, _LEASE = "trial", "lease"


class SamplerTrials:
    """The trials of one sampler, stored by Optuna, and the leases on them.

    The table of leases decides which trials there are and what their scores are. Optuna's study
    has the settings of each, and gets the scores from the table. So a process may die between any
    two commands, and another one continues.
    """

    def __init__(
        self,
        folder: Path,
        sampler: str,
        recipe: Recipe,
        space: Sequence[Hyperparameter],
        settings: Mapping[str, Any],
        budget: int,
        seed: int,
        points: Sequence[Mapping[str, Any]],
        leases: Leases,
    ) -> None:
        """Open the study in the database, or create it if it does not exist.

        Call this inside :meth:`Database.setup`.

        Args:
            folder: folder of the search.
            sampler: one of :data:`SAMPLERS`.
            recipe: recipe of the trials, without the hyperparameters.
            space: the hyperparameters.
            settings: settings that are the same for all trials.
            budget: the maximum number of trials.
            seed: seed of the sampler.
            points: the values of each trial of the sampler ``"grid"``.
            leases: the leases on the trials. They say in which database the study is, and its name.

        Raises:
            ValueError: if the database is damaged, or not one of Optuna, or trials were deleted.
            DatabaseError: if a shared database cannot be used.
        """
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.folder, self.sampler, self.recipe = folder, sampler, recipe
        self.space, self.settings = space, settings
        self.budget, self.seed, self.points = budget, seed, points
        self.direction: Literal["maximize", "minimize"] = (
            "maximize" if recipe.monitor == "val_accuracy" else "minimize"
        )
        self.leases, self.database = leases, leases.database
        self.study = self.database.open_study(leases.study, self.direction)
        if self.database.shared:
            self.leases.create(budget)
        else:
            self.leases.create(budget, self._rows_before_leases())
            self.leases.release_all()  # the folder is locked, so no other process trains
        self._rows_and_trials()  # checks that all are there
        self.held: dict[int, Lease] = {}

    def next_task(self) -> TrainingTask | None:
        """Claim the next training, or return ``None`` if no trial is free at the moment.

        A trial whose process died too often fails, such as one that needs more memory than any
        machine has.
        """
        while (claimed := self.leases.claim(self.budget)) is not None:
            self.settle()
            lease, row = claimed
            trial = self._trial(lease, row)
            if trial is None:
                return None
            if row.attempt <= self.leases.max_retries + 1:
                self.held[row.trial] = lease
                return self._task(trial, lease, row)
            error = JobDiedError(self.leases.max_retries)
            print(f"{self._run_folder(row.trial).name} failed: {error}", file=sys.stderr)
            lease.finish(None)
            self.settle()
        return None

    def finished(self) -> int:
        """Number of trials of the budget that have a result."""
        return sum(row.finished for row in self.leases.rows() if row.trial < self.budget)

    def record(self, trial: int, score: float | None) -> None:
        """Store the score of a trial, or ``None`` if the training failed.

        With a shared database, the process that trains has stored it already, if it still held the
        lease.
        """
        lease = self.held.pop(trial)
        if not self.database.shared:
            lease.finish(score)
        self.settle()

    def release(self) -> None:
        """Give back the trials of this process, whose trainings have ended without a result."""
        while self.held:
            self.held.popitem()[1].release()

    def settle(self) -> None:
        """Copy scores from the leases to Optuna's study.

        A trial that no lease refers to gets the state FAIL, and is not part of the budget: its
        process died or lost its lease while it made the trial.
        """
        from optuna.trial import TrialState

        # In this order, so that a row is never older than a trial.
        running = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        rows = self.leases.rows()
        by_number = {row.number: row for row in rows if row.number is not None}
        owners = {row.owner for row in rows}
        for trial in running:
            row = by_number.get(trial.number)
            if row is not None and row.finished:
                self._tell(trial.number, row.score)
            elif row is None and trial.user_attrs.get(_LEASE) not in owners - {None}:
                self._tell(trial.number, None)

    def rows(self) -> list[dict[str, Any]]:
        """One row per finished trial."""
        return [
            {
                "sampler": self.sampler,
                "trial": row.trial,
                "score": float("nan") if row.score is None else row.score,
                **self._values(trial),
                "folder": str(attempt_folder(self._run_folder(row.trial), self._last(row))),
            }
            for row, trial in self._rows_and_trials()
            if row.finished
        ]

    def trials(self) -> list[Any]:
        """Optuna's trials that belong to the search, in the order of their indices."""
        return [trial for _, trial in self._rows_and_trials()]

    def _rows_and_trials(self) -> list[tuple[LeaseRow, Any]]:
        """The rows of all trials that exist, with Optuna's trials.

        Raises:
            ValueError: if a trial was deleted from the study.
        """
        # In this order, because other processes add trials: each row is older than its trial.
        rows = [(row, row.number) for row in self.leases.rows() if row.number is not None]
        found = {trial.number: trial for trial in self.study.get_trials(deepcopy=False)}
        if any(number not in found for _, number in rows):
            raise ValueError(
                f"Trials of the search were deleted from {self.database}. Choose another folder"
                f"{' and another name for the study' if self.database.shared else ''}."
            )
        return [(row, found[number]) for row, number in rows]

    def _trial(self, lease: Lease, row: LeaseRow) -> Any:
        """Optuna's trial for a claimed row; ``None`` if the lease is lost before it exists."""
        if row.number is None:
            # In one transaction, so that a trial in the study always has all of its values.
            self.study.add_trial(self._new_trial(lease))
        found = self.study.get_trials(deepcopy=False)
        if row.number is not None:
            return next(trial for trial in found if trial.number == row.number)
        trial = next(trial for trial in found if trial.user_attrs.get(_LEASE) == lease.owner)
        if lease.set_number(trial.number):
            return trial
        self._tell(trial.number, None)
        return None

    def _new_trial(self, lease: Lease) -> Any:
        """A trial with a point of the grid, or with values that the sampler draws."""
        import optuna

        distributions = {entry.name: entry.distribution() for entry in self.space}
        if self.sampler == "grid":
            point = self.points[lease.trial]
            params = {entry.name: entry.to_optuna(point[entry.name]) for entry in self.space}
        else:
            # A new sampler for each trial: a search that was stopped and resumed draws the same
            # values, and so do several processes, except that TPE learns from earlier trials.
            rng = np.random.default_rng([self.seed, SAMPLERS.index(self.sampler), lease.trial])
            sampler = self._make_sampler(int(rng.integers(2**31)))
            copy = optuna.create_study(direction=self.direction, sampler=sampler)
            copy.add_trials(self.trials())
            params = copy.ask(distributions).params
        return optuna.trial.create_trial(
            state=optuna.trial.TrialState.RUNNING,
            params=params,
            distributions=distributions,
            user_attrs={_TRIAL: lease.trial, _LEASE: lease.owner},
        )

    def _tell(self, number: int, score: float | None) -> None:
        """Give Optuna the result of a trial, unless another process has done it."""
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        with contextlib.suppress(UpdateFinishedTrialError):
            if score is None:
                self.study.tell(number, state=TrialState.FAIL, skip_if_finished=True)
            else:
                self.study.tell(number, score, skip_if_finished=True)

    def _rows_before_leases(self) -> list[LeaseRow]:
        """Rows for the trials of a file from before there were leases."""
        return [
            LeaseRow(trial.number, None, 1, trial.number, trial.state.is_finished(), trial.value)
            for trial in self.study.get_trials(deepcopy=False)
            if _TRIAL not in trial.user_attrs
        ]

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

    def _last(self, row: LeaseRow) -> int:
        """Number of the last attempt that has trained."""
        return min(row.attempt, self.leases.max_retries + 1)

    def _run_folder(self, trial: int) -> Path:
        return self.folder / "runs" / f"{self.sampler}-{trial}"

    def _task(self, trial: Any, lease: Lease, row: LeaseRow) -> TrainingTask:
        net = self.recipe.net
        settings = nest_builder_arguments(net, {**self.settings, **self._values(trial)})
        folder = self._run_folder(row.trial)
        if not self.database.shared:
            return TrainingTask(self, row.trial, net, settings, folder)
        return TrainingTask(self, row.trial, net, settings, folder, lease, row.attempt)

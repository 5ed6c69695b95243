"""Search the settings of a net and its training: by grid, at random, or with TPE.

The score of a trial is the best validation value of the metric that its recipe monitors. The test
split is never used. Optuna stores all trials in a file in the folder of the search, so a search
that was stopped can be resumed. With a PostgreSQL database instead of the file, any number of
processes on several machines work on the same search.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from kerasnets._errors import WorkFailedError, unknown_name
from kerasnets._files import atomic_write, name_full_disk
from kerasnets.data import Dataset
from kerasnets.nets.catalogue import own_spec
from kerasnets.studies.database import Database
from kerasnets.studies.executors import check_place
from kerasnets.studies.joining import join, open_folder
from kerasnets.studies.leases import Leases
from kerasnets.studies.pool import open_processes
from kerasnets.studies.runs import nest_builder_arguments
from kerasnets.studies.space import Hyperparameter, check_space, grid_points
from kerasnets.studies.training_job import TrainingJob
from kerasnets.studies.trial_queue import TrialQueue, train_all
from kerasnets.studies.trials import SAMPLERS, SamplerTrials
from kerasnets.training import Recipe, load_run, make_recipe
from kerasnets.training.recipe import recipe_toml
from kerasnets.training.report import draw_run
from kerasnets.training.run_data import load_recipe_data
from kerasnets.training.typed_settings import SearchSettings, shows_settings

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SearchResult:
    """The trials of a search, and the best one.

    Attributes:
        folder: the folder, with ``trials.csv``, ``best.toml``, the runs and Optuna's file.
        space: the hyperparameters.
        table: one row per trial: ``sampler``, ``trial``, validation ``score`` (NaN if training
            failed), one column per hyperparameter, and ``folder``, the run folder.
        monitor: the metric of the score, ``"val_accuracy"`` or ``"val_loss"``.
        best: the recipe of the best trial.
        importance: importance of each hyperparameter for the score, by fANOVA over all trials.
            The values sum to 1.
    """

    folder: Path
    space: tuple[Hyperparameter, ...]
    table: pd.DataFrame
    monitor: str
    best: Recipe
    importance: dict[str, float]

    @property
    def higher_is_better(self) -> bool:
        """Whether a higher score is better."""
        return self.monitor == "val_accuracy"

    @property
    def best_trial(self) -> dict[str, Any]:
        """The row of the best trial. If several are best, it is the first."""
        scores = self.table["score"].to_numpy()
        row = int(np.nanargmax(scores) if self.higher_is_better else np.nanargmin(scores))
        return {str(name): value for name, value in self.table.to_dict("records")[row].items()}


@shows_settings
def search(
    net: str,
    space: Sequence[Hyperparameter],
    *,
    trials: int = 20,
    samplers: Sequence[str] = ("tpe",),
    out: str | Path,
    data_dir: str | Path | None = None,
    jobs: int | None = None,
    on: str | None = None,
    max_retries: int = 3,
    seed: int = 0,
    progress: bool = True,
    figures: bool = False,
    storage: str | None = None,
    study: str | None = None,
    lease: float = 60.0,
    recipe: str | Path = "default",
    **settings: Unpack[SearchSettings],
) -> SearchResult:
    """Train a net with many settings, and find those with the best validation score.

    Args:
        net: name of a net in the catalogue.
        space: the hyperparameters.
        trials: number of trainings per sampler. If one sampler is ``"grid"``, every sampler gets
            the same number: the points of the largest grid with at most ``trials`` points.
            So the samplers can be compared.
        samplers: any of ``"grid"``, ``"random"`` and ``"tpe"``. TPE is Optuna's tree-structured
            Parzen estimator, which learns from earlier trials.
        out: folder of the search. A search that was stopped is resumed if the arguments are the
            same. ``trials`` may be larger then, unless a sampler is ``"grid"``.
        data_dir: where to look for the files of the data set.
        jobs: number of trainings at a time, each in a process of its own. Default: 1 in this
            process, and as many as the processors allow on a cluster.
        on: ``"ray"`` or ``"ray://HOST:PORT"``, to train on a Ray cluster; see
            :func:`kerasnets.cross_validate`.
        max_retries: how often a training is resumed after its process or machine died.
        seed: seed of the samplers. With one training at a time, the same seed produces the same
            trials, even if the search was stopped and resumed.
        progress: show a progress bar on standard error.
        figures: draw the figures of every run. By default only those of the best one.
        storage: a PostgreSQL database, ``postgresql://USER:PASSWORD@HOST:5432/NAME``. Any number of
            processes on any number of machines then work on the same search, each by the same
            call, with ``out`` on a shared path. By default, the trials are stored in a file in
            ``out``, for one process.
        study: name of the search in the database. Default: the name of the folder.
        lease: how many seconds a process may be silent until others take over its trial. For
            ``storage`` only.
        recipe: the recipe of the trials, as for :func:`kerasnets.train`.
        settings: fields of the recipe that are the same for all trials; ``net_arguments`` holds
            the arguments of the builder.

    Raises:
        ValueError: before any work, if an argument is not valid, the folder contains another
            search, or other processes of the search have other arguments, data or versions.
        BlockingIOError: if another process works in the folder without a shared database.
        ConnectionError: if the cluster cannot be reached.
        DatabaseError: if the shared database cannot be used.
        ImportError: if ``storage`` is passed and psycopg is not installed, or ``on`` and not Ray.
        WorkFailedError: if every training failed, or the disk is full.
    """
    check_place(on, jobs, max_retries)
    _check(samplers, trials, lease)
    _check_storage(storage, study, on)
    folder = Path(out)
    database = Database.file(folder / "trials.db") if storage is None else Database.at(storage)
    database.check()
    fixed: dict[str, Any] = {**settings, "recipe": recipe}
    if on is not None:
        fixed = _with_absolute_paths(fixed)
    base = check_space(net, space, fixed)
    data = load_recipe_data(base, data_dir)
    points = grid_points(space, trials) if "grid" in samplers else []
    arguments = {
        "recipe": asdict(base),
        "axes": [asdict(entry) for entry in space],
        "samplers": list(samplers),
        "seed": seed,
        "points of the grid": len(points),
        "data": data.checksum,
    }
    name = study or folder.resolve().name
    target = f"{folder} or {database}" if database.shared else folder
    job = TrainingJob(
        folder=folder.resolve(),
        net=net,
        settings=nest_builder_arguments(net, fixed),
        data_dir=None if data_dir is None else Path(data_dir).resolve(),
        checksum=data.checksum,
        spec=own_spec(net),
    )
    with (
        name_full_disk(target),
        open_folder(folder, database),
        open_processes(on, jobs, max_retries, job, base.threads or 1) as processes,
    ):
        with database.setup():
            join(folder, arguments, database, name)
            budget = len(points) or trials
            by_sampler = [
                SamplerTrials(
                    folder, sampler, base, space, fixed, budget, seed, points,
                    _leases(database, name, sampler, lease, max_retries),
                )
                for sampler in dict.fromkeys(samplers)
            ]  # fmt: skip
        try:
            train_all(
                TrialQueue(by_sampler), processes, data_dir, figures=figures, progress=progress
            )
        except KeyboardInterrupt as interrupt:  # or its subclass for SIGTERM
            raise type(interrupt)(
                f"interrupted; run the same command to resume the search in {folder}"
            ) from None
        with database.setup():
            found = _write(folder, tuple(space), by_sampler, base)
            _draw_best(found, data)
    return found


def _leases(
    database: Database, name: str, sampler: str, seconds: float, max_retries: int
) -> Leases:
    """The leases of a sampler. A process that has locked the folder keeps them without end."""
    if database.shared:
        return Leases(database, f"{name}/{sampler}", seconds, max_retries)
    return Leases(database, sampler, math.inf)


def _draw_best(found: SearchResult, data: Dataset) -> None:
    """Draw the figures of the best run, unless they exist."""
    folder = Path(found.best_trial["folder"])
    if not (folder / "figures").exists():
        draw_run(load_run(folder), data)


def _check(samplers: Sequence[str], trials: int, lease: float) -> None:
    for sampler in samplers:
        if sampler not in SAMPLERS:
            raise unknown_name("sampler", sampler, SAMPLERS)
    if not samplers:
        raise ValueError(f"samplers must name at least one of {', '.join(SAMPLERS)}.")
    if trials < 1:
        raise ValueError(f"trials must be 1 or more, got {trials}.")
    if not 1 <= lease < math.inf:
        raise ValueError(f"lease must be 1 second or more, got {lease}.")


def _check_storage(storage: str | None, study: str | None, on: str | None) -> None:
    if storage is None and study is not None:
        raise ValueError("study names a search on a shared database, so it needs a storage.")
    if storage is not None and on is not None:
        raise ValueError(
            "storage and on are two ways to use several machines: a search on Ray stores its "
            "trials in its folder. Leave one of them out."
        )


def _with_absolute_paths(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings with absolute paths of files: other machines have other working directories."""
    paths = {name: Path(str(settings.get(name, ""))).expanduser() for name in ("data", "recipe")}
    return settings | {name: str(path.resolve()) for name, path in paths.items() if path.is_file()}


def _write(
    folder: Path,
    space: tuple[Hyperparameter, ...],
    by_sampler: Sequence[SamplerTrials],
    recipe: Recipe,
) -> SearchResult:
    import pandas as pd

    for trials in by_sampler:
        trials.settle()
    table = pd.DataFrame([row for trials in by_sampler for row in trials.rows()])
    if table["score"].isna().all():
        raise WorkFailedError(f"Every training of the search in {folder} failed.")
    importance = _importance(by_sampler, space)
    found = SearchResult(folder, space, table, recipe.monitor, recipe, importance)
    best = found.best_trial
    settings = {**by_sampler[0].settings, **{entry.name: best[entry.name] for entry in space}}
    best_recipe = make_recipe(recipe.net, **nest_builder_arguments(recipe.net, settings))
    with atomic_write(folder / "trials.csv") as path:
        table.to_csv(path, index=False)
    with atomic_write(folder / "best.toml") as path:
        path.write_text(recipe_toml(best_recipe), encoding="utf-8")
    return replace(found, best=best_recipe)


def _importance(
    by_sampler: Sequence[SamplerTrials], space: Sequence[Hyperparameter]
) -> dict[str, float]:
    """Share of the variance of the scores that each hyperparameter explains, by fANOVA."""
    import optuna

    complete = optuna.trial.TrialState.COMPLETE
    merged = optuna.create_study(direction=by_sampler[0].study.direction)
    for trials in by_sampler:
        merged.add_trials([trial for trial in trials.trials() if trial.state is complete])
    scores = {trial.value for trial in merged.trials}
    if len(space) == 1 or len(scores) < 2:
        return {entry.name: 1 / len(space) for entry in space}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    return dict(optuna.importance.get_param_importances(merged, evaluator=evaluator))

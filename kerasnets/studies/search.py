"""Search the settings of a net and its training: by grid, at random, or with TPE.

The score of a trial is the best validation value of the metric that its recipe monitors. The test
split is never used. Optuna stores all trials in a file in the folder of the search, so a search
that was stopped can be resumed.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from kerasnets._errors import WorkFailedError, unknown_name
from kerasnets._files import atomic_write, entries, name_full_disk, read_json, write_json
from kerasnets._progress import progress_bar
from kerasnets._temporary import locked, remove_leftovers
from kerasnets.studies.pool import TrainingTask, train_tasks
from kerasnets.studies.runs import nest_builder_arguments
from kerasnets.studies.space import Hyperparameter, check_space, grid_points
from kerasnets.studies.trials import SAMPLERS, SamplerTrials
from kerasnets.training import Recipe, make_recipe
from kerasnets.training.recipe import recipe_toml
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
    jobs: int = 1,
    seed: int = 0,
    progress: bool = True,
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
        jobs: number of parallel trainings, each in a separate process.
        seed: seed of the samplers. With ``jobs=1``, the same seed produces the same trials, even if
            the search was stopped and resumed.
        progress: show a progress bar on standard error.
        recipe: the recipe of the trials, as for :func:`kerasnets.train`.
        settings: fields of the recipe that are the same for all trials; ``net_arguments`` holds
            the arguments of the builder.

    Raises:
        ValueError: before any work, if an argument is not valid or the folder contains another
            search.
        BlockingIOError: if another process works in the folder.
        WorkFailedError: if every training failed, or the disk is full.
    """
    _check(samplers, trials, jobs)
    fixed: dict[str, Any] = {**settings, "recipe": recipe}
    base = check_space(net, space, fixed)
    data = load_recipe_data(base, data_dir)
    points = grid_points(space, trials) if "grid" in samplers else []
    folder = Path(out)
    arguments = {
        "recipe": asdict(base),
        "axes": [asdict(entry) for entry in space],
        "samplers": list(samplers),
        "seed": seed,
        "points of the grid": len(points),
        "data": data.checksum,
    }
    with name_full_disk(folder), _open_folder(folder):
        _check_folder(folder, arguments)
        budget = len(points) or trials
        by_sampler = [
            SamplerTrials(folder, name, base, space, fixed, budget, seed, points)
            for name in dict.fromkeys(samplers)
        ]
        _train_all(by_sampler, jobs, data_dir, progress)
        return _write(folder, tuple(space), by_sampler, base)


@contextlib.contextmanager
def _open_folder(folder: Path) -> Iterator[None]:
    """Make and lock the folder of a search."""
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        remove_leftovers(folder)
        yield


def _train_all(
    by_sampler: Sequence[SamplerTrials], jobs: int, data_dir: str | Path | None, progress: bool
) -> None:
    total = sum(trials.budget for trials in by_sampler)
    done = sum(len(trials.rows()) for trials in by_sampler)
    bar = progress_bar(total, "trials", "trial", show=progress, initial=done)

    def next_task() -> TrainingTask | None:
        return next((task for trials in by_sampler if (task := trials.next_task())), None)

    try:
        with bar:
            for task, score in train_tasks(next_task, jobs, data_dir):
                task.owner.record(task.number, score)
                bar.update()
    except KeyboardInterrupt as interrupt:  # or its subclass for SIGTERM
        raise type(interrupt)(
            f"interrupted; run the same command to resume the search in {by_sampler[0].folder}"
        ) from None


def _check(samplers: Sequence[str], trials: int, jobs: int) -> None:
    for sampler in samplers:
        if sampler not in SAMPLERS:
            raise unknown_name("sampler", sampler, SAMPLERS)
    if not samplers:
        raise ValueError(f"samplers must name at least one of {', '.join(SAMPLERS)}.")
    if min(trials, jobs) < 1:
        raise ValueError(f"trials and jobs must be 1 or more, got {trials} and {jobs}.")


def _check_folder(folder: Path, arguments: dict[str, Any]) -> None:
    """Record the arguments of a new search. Refuse a folder with another search or other files."""
    arguments = json.loads(json.dumps(arguments))  # with the types that JSON has
    path = folder / "search.json"
    if path.is_file():
        found = read_json(path)
        if not isinstance(found, dict):
            raise ValueError(f"{path} is damaged: it is not a JSON object. Choose another folder.")
        different = [name for name in arguments if found.get(name) != arguments[name]]
        if different:
            raise ValueError(
                f"{folder} contains a search with other {', '.join(different)}. Pass the same "
                "arguments to resume it, or choose another folder."
            )
        return
    if entries(folder):
        raise FileExistsError(f"{folder} contains other files. Choose another folder.")
    write_json(path, arguments)


def _write(
    folder: Path,
    space: tuple[Hyperparameter, ...],
    by_sampler: Sequence[SamplerTrials],
    recipe: Recipe,
) -> SearchResult:
    import pandas as pd

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

    merged = optuna.create_study(direction=by_sampler[0].study.direction)
    for trials in by_sampler:
        merged.add_trials(trials.trials(optuna.trial.TrialState.COMPLETE))
    scores = {trial.value for trial in merged.trials}
    if len(space) == 1 or len(scores) < 2:
        return {entry.name: 1 / len(space) for entry in space}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    return dict(optuna.importance.get_param_importances(merged, evaluator=evaluator))

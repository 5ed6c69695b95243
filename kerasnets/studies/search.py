"""Searching settings of a net and its training: a grid, at random, and by a sampler that learns.

The score of a trial is the best value in validation of what its recipe monitors; the test split is
never looked at. Optuna keeps every trial in a file of the search's folder, so a search goes on
where it was stopped.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from kerasnets._errors import WorkFailedError, unknown_name
from kerasnets._files import atomic_write, locked, write_json
from kerasnets.data import Dataset
from kerasnets.studies.draws import SAMPLERS, Draws
from kerasnets.studies.pool import Task, train_tasks
from kerasnets.studies.space import Axis, check_space, grid
from kerasnets.studies.workspace import nested
from kerasnets.training import Recipe, make_recipe
from kerasnets.training.recipe import recipe_toml
from kerasnets.training.run import load_recipe_data

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Search:
    """What a search came to.

    Attributes:
        folder: with ``trials.csv``, ``best.toml``, the runs and Optuna's file.
        axes: what was varied.
        table: a row a trial: ``sampler``, ``trial``, ``score`` in validation (NaN where training
            failed), a column an axis, and ``folder``, that of the run.
        monitor: what the score is: ``"val_accuracy"`` or ``"val_loss"``.
        best: the recipe of the best trial.
        importance: of each axis for the score, by fANOVA over all trials; they sum to 1.
    """

    folder: Path
    axes: tuple[Axis, ...]
    table: pd.DataFrame
    monitor: str
    best: Recipe
    importance: dict[str, float]

    @property
    def higher_is_better(self) -> bool:
        """Whether a high score is a good one."""
        return self.monitor == "val_accuracy"

    @property
    def best_trial(self) -> dict[str, Any]:
        """The row of the best trial; the first of equals."""
        scores = self.table["score"].to_numpy()
        row = int(np.nanargmax(scores) if self.higher_is_better else np.nanargmin(scores))
        return {str(name): value for name, value in self.table.to_dict("records")[row].items()}


def search(
    net: str,
    axes: Sequence[Axis],
    *,
    trials: int = 20,
    samplers: Sequence[str] = ("tpe",),
    out: str | Path,
    data_dir: str | Path | None = None,
    jobs: int = 1,
    seed: int = 0,
    progress: bool = True,
    **settings: Any,
) -> Search:
    """Train a net with many settings and find the best in validation.

    Args:
        net: a name of the catalogue.
        axes: what is varied.
        trials: trainings a sampler may use. Where one is ``"grid"``, all use as many as the
            largest grid within that number has points, so that they can be compared.
        samplers: of ``"grid"``, ``"random"`` and ``"tpe"`` (Optuna's tree-structured Parzen
            estimator, which learns from the trials before).
        out: the folder of the search. One that was stopped goes on with the same arguments; more
            trials can be asked for, unless of a grid.
        data_dir: where to look for the data set's files.
        jobs: trainings at a time, each in a process of its own.
        seed: of what is drawn. With ``jobs=1`` the same seed gives the same trials, however often
            the search was stopped.
        progress: show a bar on standard error.
        settings: what is the same for all: fields of the recipe and builder arguments.

    Raises:
        ValueError: on a wrong net, axis, range or setting, or a folder with another search,
            before any work.
        WorkFailedError: if not one training succeeded.
    """
    _check(samplers, trials, jobs)
    recipe = check_space(net, axes, settings)
    data = load_recipe_data(recipe, data_dir)
    points = grid(axes, trials) if "grid" in samplers else []
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        _check_folder(folder, recipe, axes, samplers, seed, len(points), data)
        draws = [
            Draws(folder, name, recipe, axes, settings, len(points) or trials, seed)
            for name in dict.fromkeys(samplers)
        ]
        for draw in draws:
            draw.enqueue(points if draw.sampler == "grid" else [])
        _train_all(draws, jobs, data_dir, progress)
        return _write(folder, tuple(axes), draws, recipe)


def _train_all(
    draws: Sequence[Draws], jobs: int, data_dir: str | Path | None, progress: bool
) -> None:
    total = sum(draw.budget for draw in draws)
    done = sum(len(draw.rows()) for draw in draws)
    bar = tqdm(total=total, initial=done, desc="trials", disable=None if progress else True)

    def next_task() -> Task | None:
        return next((task for draw in draws if (task := draw.next_task())), None)

    try:
        with bar:
            for task, score in train_tasks(next_task, jobs, data_dir):
                task.owner.tell(task.number, score)
                bar.update()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"interrupted; the same command goes on with the search in {draws[0].folder}"
        ) from None


def _check(samplers: Sequence[str], trials: int, jobs: int) -> None:
    for sampler in samplers:
        if sampler not in SAMPLERS:
            raise unknown_name("sampler", sampler, SAMPLERS)
    if not samplers or min(trials, jobs) < 1:
        raise ValueError(
            f"samplers, trials and jobs must be 1 or more, got {list(samplers)}, {trials} and "
            f"{jobs}."
        )


def _check_folder(
    folder: Path,
    recipe: Recipe,
    axes: Sequence[Axis],
    samplers: Sequence[str],
    seed: int,
    points: int,
    data: Dataset,
) -> None:
    """Refuse a folder with another search; note this one where there is none."""
    wanted = {
        "recipe": asdict(recipe),
        "axes": [asdict(axis) for axis in axes],
        "samplers": list(samplers),
        "seed": seed,
        "points of the grid": points,
        "data": data.checksum,
    }
    wanted = json.loads(json.dumps(wanted))  # as it comes from the file
    path = folder / "search.json"
    if path.is_file():
        found = json.loads(path.read_text(encoding="utf-8"))
        other = [name for name in wanted if found.get(name) != wanted[name]]
        if other:
            raise ValueError(
                f"{folder} has a search with other {', '.join(other)}. Give the same arguments to "
                "go on with it, or choose another folder."
            )
        return
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} holds something else already. Choose another folder.")
    write_json(path, wanted)


def _write(folder: Path, axes: tuple[Axis, ...], draws: Sequence[Draws], recipe: Recipe) -> Search:
    import pandas as pd

    table = pd.DataFrame([row for draw in draws for row in draw.rows()])
    if table["score"].isna().all():
        raise WorkFailedError(f"Not one training of the search in {folder} succeeded.")
    found = Search(folder, axes, table, recipe.monitor, recipe, _importance(draws, axes))
    best = found.best_trial
    values = {axis.name: best[axis.name] for axis in axes}
    net = recipe.net
    settings = nested(net, {**draws[0].settings, **values})
    found = replace(found, best=make_recipe(net, **settings))
    with atomic_write(folder / "trials.csv") as path:
        table.to_csv(path, index=False)
    with atomic_write(folder / "best.toml") as path:
        path.write_text(recipe_toml(found.best), encoding="utf-8")
    return found


def _importance(draws: Sequence[Draws], axes: Sequence[Axis]) -> dict[str, float]:
    """How much of the spread of the scores each axis explains, by fANOVA over all trials."""
    import optuna

    together = optuna.create_study(direction=draws[0].study.direction)
    for draw in draws:
        together.add_trials(draw.trials(optuna.trial.TrialState.COMPLETE))
    scores = {trial.value for trial in together.trials}
    if len(axes) == 1 or len(scores) < 2:
        return {axis.name: 1 / len(axes) for axis in axes}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    return dict(optuna.importance.get_param_importances(together, evaluator=evaluator))

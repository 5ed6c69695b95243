"""Train a net once per fold and seed, and measure how its metrics vary."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from kerasnets._errors import WorkFailedError
from kerasnets._files import (
    atomic_write,
    entries,
    name_full_disk,
    read_json,
    write_json,
)
from kerasnets._progress import progress_bar
from kerasnets._temporary import locked, new_folder, remove_leftovers
from kerasnets.data import Dataset
from kerasnets.studies.executors import Executor, check_place, open_executor, run_jobs
from kerasnets.studies.fold_jobs import FoldJob, check_job, train_job
from kerasnets.studies.fold_plan import plan_jobs
from kerasnets.studies.spread import CONFIDENCE, Spread, measure_spread
from kerasnets.studies.workers import check_workers
from kerasnets.training import Recipe, make_recipe
from kerasnets.training.typed_settings import Settings, shows_settings

if TYPE_CHECKING:
    import pandas as pd

_IDENTITY = "cross-validation.json"


@dataclass(frozen=True)
class CrossValidation:
    """The runs of a cross-validation, and how their metrics vary.

    Attributes:
        folder: the folder, with one run folder per fold and seed, ``runs.csv``, ``metrics.csv``
            and ``results.json``.
        recipe: the recipe of the first run.
        data_name: name of the data set.
        folds: number of folds; 0 for a single split.
        seeds: the seeds of the training.
        table: one row per run: ``fold`` from 1, ``seed``, ``folder``, ``error`` (empty if the run
            is finished), ``best_epoch``, ``seconds``, and one column per test metric.
        spreads: mean, standard deviations and interval of each test metric.
    """

    folder: Path
    recipe: Recipe
    data_name: str
    folds: int
    seeds: tuple[int, ...]
    table: pd.DataFrame
    spreads: tuple[Spread, ...]

    @property
    def failed(self) -> dict[str, str]:
        """The error of each failed run, by the name of its folder."""
        failed = self.table[self.table["error"] != ""]
        return {
            Path(folder).name: str(error)
            for folder, error in zip(failed["folder"], failed["error"], strict=True)
        }

    @property
    def summary(self) -> pd.DataFrame:
        """The spreads as a table with one row per metric."""
        import pandas as pd

        return pd.DataFrame([asdict(spread) for spread in self.spreads])


@shows_settings
def cross_validate(
    net: str | Recipe,
    *,
    data: str | Path | Dataset | Sequence[Dataset] | None = None,
    folds: int | None = None,
    seeds: int | Sequence[int] = 1,
    recipe: str | Path = "default",
    out: str | Path | None = None,
    data_dir: str | Path | None = None,
    jobs: int | None = None,
    on: str | None = None,
    max_retries: int = 3,
    progress: bool = True,
    **settings: Unpack[Settings],
) -> CrossValidation:
    """Train a net once per fold and seed, and measure how the test metrics vary.

    Over all folds, every row is in the test split once. Rows of the same recording, patient or
    group are in the same split. Each run has an ordinary run folder, ``out/fold-1-seed-0``. The
    same call trains only the runs that are missing, and resumes interrupted ones. A run that fails
    does not stop the others.

    Each run is trained in a new process with ``threads=1``, unless the settings or the net say
    otherwise. So the results have the same bits for any number of jobs, here and on a cluster of
    equal machines.

    Args:
        net: a name of the catalogue, or a complete :class:`~kerasnets.Recipe`. Register your own
            net with :func:`kerasnets.register`.
        data: name of a data set or path of a file, with the columns in ``data_options``. For your
            own arrays, a list with one data set per fold:
            ``[kn.Dataset.from_arrays(x, y, groups, folds=5, fold=k) for k in range(5)]``.
            A single data set is allowed with ``folds=0``. The default is the data set of the net.
        folds: number of folds, 5 by default; 0 for the usual split, to repeat a training with
            several seeds.
        seeds: number of seeds, counted from the setting ``seed``, or the seeds. More seeds can be
            added later.
        recipe: as for :func:`kerasnets.train`: ``"default"``, ``"as-reported"`` or a TOML file.
        out: folder of the results; ``runs/cross-validation-<net>`` by default.
        data_dir: where to look for the files of the data set.
        jobs: number of runs at a time. Default: 1 on this machine, and as many as the processors
            allow on a cluster.
        on: ``"ray"`` for Ray on this machine, or ``"ray://HOST:PORT"`` for a Ray cluster. All
            machines must have the same packages and data, and share ``out`` under the same path.
        max_retries: how often a run is resumed after its process or machine died.
        progress: show a progress bar on standard error.
        settings: fields of the recipe that are the same for all runs.

    Raises:
        ValueError: before any training, if a setting is wrong, the data set has no folds, a fold
            would be without rows of a class, ``out`` contains something else, or a machine
            differs.
        FileNotFoundError: if the files of the data set do not exist on one of the machines.
        BlockingIOError: if another process works in ``out``.
        ConnectionError: if the cluster cannot be reached.
        ImportError: if ``on`` is passed and Ray is not installed.
        WorkFailedError: if all runs failed.
    """
    check_place(on, jobs, max_retries)
    requested: dict[str, Any] = dict(settings)
    if isinstance(net, Recipe):
        requested = {**asdict(net), **requested}
    elif isinstance(net, str) and recipe != "default":
        named = {"data": data} if isinstance(data, str) else {}
        complete = make_recipe(net, recipe, **named, **requested)
        requested = {**asdict(complete), "threads": complete.threads or 1}
    name = requested.pop("net", net)
    if not isinstance(name, str):
        raise ValueError(
            f"net must be a name of the catalogue or a Recipe, got {type(name).__name__}. Every "
            "run builds a new model, so register the function that builds yours with kn.register."
        )
    folder = Path(out) if out is not None else Path("runs") / f"cross-validation-{name}"
    planned = plan_jobs(name, data, folds, seeds, folder, data_dir, requested)
    made, loaded = planned[0].load()
    jobs_list = [replace(job, checksum=loaded.checksum) for job in planned]
    count = len({job.fold for job in jobs_list} - {None})
    identity = _identity(made, loaded, count)
    with name_full_disk(folder), new_folder(folder), locked(folder):
        remove_leftovers(folder)
        _check_folder(folder, identity)
        with open_executor(on, jobs, max_retries, made.threads or 1) as executor:
            expected = check_workers(executor, folder, check_job, jobs_list[0])
            write_json(folder / _IDENTITY, identity)
            jobs_list = [replace(job, expected=expected) for job in jobs_list]
            outcomes = _train_all(executor, jobs_list, jobs, progress)
        return _write(folder, made, loaded.name, count, jobs_list, outcomes)


def _train_all(
    executor: Executor, jobs: Sequence[FoldJob], limit: int | None, progress: bool
) -> list[dict[str, Any]]:
    """Run the jobs. Return their outcomes in the order of the jobs."""
    outcomes: dict[int, dict[str, Any]] = {}
    bar = progress_bar(len(jobs), "runs", "run", show=progress)
    try:
        with bar:
            numbered = ((number, (job,)) for number, job in enumerate(jobs))
            next_job = functools.partial(next, numbered, None)
            for number, future in run_jobs(executor, train_job, next_job, limit):
                outcomes[number] = _outcome(future)
                if outcomes[number].get("error") and progress:
                    bar.write(f"{jobs[number].folder.name} failed: {outcomes[number]['error']}")
                bar.update()
    except KeyboardInterrupt as interrupt:  # or its subclass for SIGTERM
        raise type(interrupt)(
            "interrupted; run the same command to resume the cross-validation in "
            f"{jobs[0].folder.parent}"
        ) from None
    return [outcomes[number] for number in range(len(jobs))]


def _outcome(future: Future[Any]) -> dict[str, Any]:
    try:
        return dict(future.result())
    except Exception as error:  # noqa: BLE001  one failed run does not stop the others
        return {"error": str(error) or type(error).__name__}


def _identity(recipe: Recipe, data: Dataset, folds: int) -> dict[str, Any]:
    """What must be the same when a cross-validation is resumed, with the types that JSON has."""
    settings = asdict(recipe)
    for name in ("seed", "net_arguments"):
        settings.pop(name)
    settings["data_options"].pop("fold", None)
    # Some arguments of the net, such as the size of the vocabulary, depend on the fold.
    spent = {**settings, "folds": folds, "checksum": data.checksum}
    return dict(json.loads(json.dumps(spent, default=str)))


def _check_folder(folder: Path, identity: dict[str, Any]) -> None:
    path = folder / _IDENTITY
    if path.is_file():
        found = read_json(path)
        if not isinstance(found, dict):
            raise ValueError(f"{path} is damaged: it is not a JSON object. Choose another folder.")
        different = [name for name in identity if found.get(name) != identity[name]]
        if different:
            raise ValueError(
                f"{folder} contains a cross-validation with other {', '.join(different)}. Pass the "
                "same arguments to resume it, or choose another folder."
            )
    elif entries(folder):
        raise FileExistsError(f"{folder} contains other files. Choose another folder.")


def _write(
    folder: Path,
    recipe: Recipe,
    data_name: str,
    folds: int,
    jobs: Sequence[FoldJob],
    outcomes: Sequence[dict[str, Any]],
) -> CrossValidation:
    import pandas as pd

    rows = [
        {
            "fold": job.fold,
            "seed": job.seed,
            "folder": str(job.folder),
            "error": outcome.get("error", ""),
            "best_epoch": outcome.get("best_epoch"),
            "seconds": outcome.get("seconds"),
            **outcome.get("metrics", {}),
        }
        for job, outcome in zip(jobs, outcomes, strict=True)
    ]
    finished = [outcome for outcome in outcomes if not outcome.get("error")]
    if not finished:
        raise WorkFailedError(
            f"All {len(rows)} runs in {folder} failed. The first one: {rows[0]['error']}"
        )
    table = pd.DataFrame(rows)
    seeds = tuple(dict.fromkeys(job.seed for job in jobs))
    share = float(np.mean([end["rows"]["test"] / end["rows"]["train"] for end in finished]))
    names = dict.fromkeys(name for end in finished for name in end["metrics"])
    spreads = tuple(
        measure_spread(name, table[name].to_numpy(float).reshape(-1, len(seeds)), share)
        for name in names
    )
    result = CrossValidation(folder, recipe, data_name, folds, seeds, table, spreads)
    with atomic_write(folder / "runs.csv") as path:
        table.to_csv(path, index=False)
    with atomic_write(folder / "metrics.csv") as path:
        result.summary.to_csv(path, index=False)
    content = {
        "net": recipe.net,
        "data": data_name,
        "folds": folds,
        "seeds": list(seeds),
        "confidence": CONFIDENCE,
        "test_rows_per_training_row": share,
        "metrics": [asdict(spread) for spread in spreads],
        "runs": [
            {name: None if _is_nan(value) else value for name, value in row.items()} for row in rows
        ],
        "folder": os.fspath(folder),
    }
    write_json(folder / "results.json", content)
    return result


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and np.isnan(value)

"""What the workers of a training tell each other before, between and after the epochs."""

from __future__ import annotations

import json
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerasnets._lazy import keras
from kerasnets.data import Dataset
from kerasnets.engine.collectives import Group
from kerasnets.engine.connection import connect, connected
from kerasnets.engine.workers import Workers, find_workers
from kerasnets.nets import load_model
from kerasnets.training.model_file import last_checkpoint
from kerasnets.training.recipe import Recipe, check_recipe, recipe_toml
from kerasnets.training.run import Run
from kerasnets.training.run_folder import History, describe_data, versions
from kerasnets.training.stored import read_run_recipe

_DATA = ("checksum", "split", "split_seed", "rows")


def join_workers(
    workers: Sequence[str] | None = None, index: int | None = None, *, progress: bool = True
) -> Group | None:
    """Connect this process with the other workers of a training, and wait for them.

    :func:`kerasnets.train` does this itself. Call it at the start of a program that builds a model
    of its own, because TensorFlow can be connected only before its first operation.

    Args:
        workers: ``HOST:PORT`` of each worker, in the same order on every machine; ``None`` to use
            ``TF_CONFIG``, an empty sequence to train alone.
        index: index of this worker, counted from 0. Worker 0 writes the run folder.
        progress: say on standard error what is waited for.

    Returns:
        The group of workers; ``None`` if this process trains alone.

    Raises:
        ValueError: if an address, the index or ``TF_CONFIG`` is wrong.
        WorkFailedError: if the other workers do not start within ten minutes.
        RuntimeError: if TensorFlow has run already, or is connected with other workers.
        OSError: if the port of this worker is in use.
    """
    found = find_workers(workers, index)
    if found is None:
        return connected() if workers is None else None
    return connect_workers(found, progress=progress)


def connect_workers(workers: Workers, *, progress: bool) -> Group:
    """Connect this process, and say so."""
    if connected() is None and progress:
        others = [a for a in workers.addresses if a != workers.addresses[workers.index]]
        print(f"worker {workers.index} waits for {', '.join(others)}", file=sys.stderr)
    return connect(workers)


def check_workers(
    workers: Sequence[str] | None, index: int | None, out: str | Path | None
) -> Workers | None:
    """Return the workers of a training, before any work; ``None`` if this process trains alone.

    Raises:
        ValueError: if they are wrong, or the run folder has no name.
    """
    found = find_workers(workers, index)
    if found is None and workers is None and (group := connected()) is not None:
        found = group.workers
    if found is not None and out is None:
        raise ValueError(
            "A training on several workers needs out (--out), the run folder, so that the same "
            "command resumes it."
        )
    return found


def check_worker_settings(recipe: Recipe, workers: Workers | None) -> None:
    """Refuse settings that do not work together, or not with several workers.

    Raises:
        ValueError: with the setting, and what is allowed.
    """
    if recipe.average_every and recipe.accumulate > 1:
        raise ValueError(
            f"accumulate={recipe.accumulate} and average_every={recipe.average_every} both save "
            "traffic between workers. Choose one of them."
        )
    if workers is None:
        return
    if recipe.xla == "on":
        raise ValueError(
            "XLA cannot compile the exchange between workers: use xla='auto' or xla='off'."
        )
    if recipe.batch_size < len(workers):
        raise ValueError(
            f"batch_size={recipe.batch_size} is the size of the whole batch, and too small for "
            f"{len(workers)} workers. Use at least one row per worker."
        )


def is_run_of(out: str | Path | None, recipe: Recipe) -> bool:
    """Whether there is a run folder, finished or not, with this recipe."""
    if out is None or not (Path(out) / "recipe.toml").is_file():
        return False
    # As text, because a list that was written may have been a tuple.
    return recipe_toml(read_run_recipe(Path(out))) == recipe_toml(recipe)


def check_equal(group: Group, recipe: Recipe | None = None, data: Dataset | None = None) -> None:
    """Check that all workers have the same versions, settings and data.

    Args:
        group: the connected workers.
        recipe: the settings, if this worker knows them.
        data: the data set, if this worker has loaded it.

    Raises:
        ValueError: on every worker, if something differs on one of them.
    """
    mine: dict[str, Any] = {"versions": versions()}
    if recipe is not None:
        mine["recipe"] = tomllib.loads(recipe_toml(recipe))
        # The checksum is compared. The path of a file may differ between machines.
        del mine["recipe"]["data"]
    if data is not None:
        described = describe_data(data)
        mine["data"] = {name: described[name] for name in _DATA}
    texts = group.gather(json.dumps(mine, default=str))
    everyone = [json.loads(text) for text in texts]
    problems = [
        f"worker {index} has {name} = {theirs!r}, but worker {first} has {name} = {value!r}"
        for part in ("versions", "recipe", "data")
        for first in [min((i for i, each in enumerate(everyone) if part in each), default=0)]
        for index, each in enumerate(everyone)
        for name, value, theirs in _differences(everyone[first].get(part), each.get(part))
    ]
    if problems:
        raise ValueError(
            "All workers need the same versions, settings and data: "
            f"{'; '.join(problems[:5])}. Nothing was trained."
        )


def _differences(
    first: Mapping[str, Any] | None, other: Mapping[str, Any] | None
) -> list[tuple[str, Any, Any]]:
    if first is None or other is None:
        return []
    return [
        (name, first.get(name), other.get(name))
        for name in sorted({*first, *other})
        if first.get(name) != other.get(name)
    ]


@dataclass(frozen=True)
class SharedStart:
    """What the first worker tells the others before the first epoch.

    Attributes:
        folder: the run folder of the first worker.
        recipe: how to train.
        history: history of the epochs that are done.
        model: the bytes of the last checkpoint; none if the run is finished.
    """

    folder: str
    recipe: Recipe
    history: History
    model: bytes

    def load(self) -> keras.Model:
        """Return the model with the state of its optimizer."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "last.keras"
            path.write_bytes(self.model)
            return load_model(path)


def send_start(group: Group, folder: Path, recipe: Recipe, history: History, *, over: bool) -> None:
    """Send the other workers what they need to train; see :class:`SharedStart`.

    Args:
        group: the connected workers.
        folder: the run folder.
        recipe: how to train.
        history: history of the epochs that are done.
        over: whether no epoch remains, so that the others need no model.
    """
    start = {"folder": str(folder), "recipe": recipe_toml(recipe), "history": history}
    group.share(json.dumps(start).encode())
    group.share(b"" if over else last_checkpoint(folder).read_bytes())


def receive_start(group: Group) -> SharedStart:
    """Receive what :func:`send_start` sends."""
    start = json.loads(group.share())
    recipe = check_recipe(tomllib.loads(start["recipe"]), "the recipe of worker 0")
    return SharedStart(start["folder"], recipe, start["history"], group.share())


def send_results(group: Group, run: Run) -> None:
    """Send the other workers the history, metrics and environment of the finished run."""
    results = {"history": run.history, "metrics": run.metrics, "environment": run.environment}
    group.share(json.dumps(results).encode())


def receive_results(group: Group) -> dict[str, Any]:
    """Receive what :func:`send_results` sends."""
    return dict(json.loads(group.share()))

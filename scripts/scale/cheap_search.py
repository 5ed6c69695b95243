"""A process of a search on a shared database, with an objective that needs no TensorFlow.

Everything but the training is what ``kerasnets search --storage`` runs: leases, samplers, Optuna's
study, copies of run folders. The training is a chain of hashes with one line per epoch, so its file
shows whether it was resumed with the right bits. Used by search_kill.py.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kerasnets.studies import pool
from kerasnets.studies.database import Database
from kerasnets.studies.joining import join, open_folder
from kerasnets.studies.leases import Leases
from kerasnets.studies.space import Hyperparameter, grid_points
from kerasnets.studies.trial_queue import TrialQueue, train_all
from kerasnets.studies.trials import SAMPLERS, SamplerTrials
from kerasnets.training import make_recipe

SPACE = (
    Hyperparameter("learning_rate", 1e-3, 0.3, log=True),
    Hyperparameter("batch_size", 8, 64),
)
EPOCHS = 6


def chain(options: dict[str, Any]) -> list[str]:
    """The lines that an undisturbed training with these settings writes."""
    lines: list[str] = []
    for _ in range(EPOCHS):
        lines.append(_next_line(lines, options))
    return lines


def score_of(lines: list[str]) -> float:
    """The score of a finished training: a number below 1."""
    return int(lines[-1][:12], 16) / 16**12


def objective(
    seconds_per_epoch: float,
    net: str,
    options: dict[str, Any],
    folder: Path,
    after_epoch: Callable[[], None] | None = None,
) -> float:
    """Write the remaining lines of a chain, as a training writes its epochs."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.toml").touch()
    path = folder / "epochs.txt"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    while len(lines) < EPOCHS:
        time.sleep(seconds_per_epoch)
        lines.append(_next_line(lines, options))
        folder.mkdir(parents=True, exist_ok=True)  # as atomic_write does
        path.write_text("\n".join(lines), "utf-8")
        if after_epoch is not None:
            after_epoch()
    return score_of(lines)


def _next_line(lines: list[str], options: dict[str, Any]) -> str:
    settings = json.dumps([options["learning_rate"], options["batch_size"]])
    return hashlib.sha256("\n".join([settings, *lines]).encode()).hexdigest()


def search(
    address: str | None, folder: Path, trials: int, lease: float, seconds_per_epoch: float = 0.0
) -> list[dict[str, Any]]:
    """Take part in the search until it is over.

    Args:
        address: of the database; ``None`` for a search of one process.
        folder: of the search.
        trials: the budget of each sampler.
        lease: seconds of a lease.
        seconds_per_epoch: duration of the training.

    Returns:
        The trials.
    """
    name = "cheap"
    recipe = make_recipe("xor", epochs=EPOCHS)
    database = Database.file(folder / "trials.db") if address is None else Database.at(address)
    database.check()
    points = grid_points(SPACE, trials)
    pool.train_and_score = functools.partial(objective, seconds_per_epoch)
    with open_folder(folder, database):
        with database.setup():
            join(folder, {"points": len(points), "trials": trials}, database, name)
            by_sampler = [
                SamplerTrials(
                    folder, sampler, recipe, SPACE, {}, len(points), 0, points,
                    Leases(database, f"{name}/{sampler}", lease if address else math.inf),
                )
                for sampler in SAMPLERS
            ]  # fmt: skip
        train_all(TrialQueue(by_sampler), None, None, figures=False, progress=False)
        for sampler_trials in by_sampler:
            sampler_trials.settle()
        return [row for sampler_trials in by_sampler for row in sampler_trials.rows()]

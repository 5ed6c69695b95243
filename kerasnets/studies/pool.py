"""Trainings in processes of their own, started as places become free."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerasnets._errors import WorkFailedError
from kerasnets.training import Run, resume, train

_WAIT = 0.05  # seconds between looks at the processes
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")


@dataclass(frozen=True)
class Task:
    """A training to do.

    Attributes:
        owner: whoever asked for it, handed back with the score.
        number: the owner's own number of it.
        net: a name of the catalogue.
        settings: of its recipe.
        folder: of its run; one that was interrupted there goes on.
    """

    owner: Any
    number: int
    net: str
    settings: dict[str, Any]
    folder: Path


def train_tasks(
    next_task: Callable[[], Task | None], jobs: int, data_dir: str | Path | None
) -> Iterator[tuple[Task, float | None]]:
    """Train what ``next_task`` gives, until it gives ``None`` and all is done.

    Args:
        next_task: called when a place is free, after the scores so far were handed back.
        jobs: trainings at a time; with 1 in this process, else each in one of its own.
        data_dir: where to look for data.

    Yields:
        A task and its score: the best value in validation of what its recipe monitors, or
        ``None`` where the training failed.
    """
    if jobs == 1:
        while task := next_task():
            yield task, _score(task.net, task.settings, task.folder, data_dir)
        return
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
    # Leaving the block, by Ctrl-C too, ends the processes; their runs can be gone on with.
    with context.Pool(jobs, _begin, (threads,)) as pool:
        waiting: list[tuple[Task, Any]] = []
        while True:
            while len(waiting) < jobs and (task := next_task()):
                given = (task.net, task.settings, task.folder, data_dir)
                waiting.append((task, pool.apply_async(_score, given)))
            if not waiting:
                return
            for entry in [entry for entry in waiting if entry[1].ready()]:
                waiting.remove(entry)
                yield entry[0], entry[1].get()
            time.sleep(_WAIT)


def best_value(run: Run) -> float:
    """The best value in validation of what a run's recipe monitors."""
    values = run.history[run.recipe.monitor]
    return max(values) if run.recipe.monitor.endswith("accuracy") else min(values)


def _begin(threads: str) -> None:
    """Share the processors, before TensorFlow is imported, and leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in _THREADS:
        os.environ[name] = threads


def _score(
    net: str, settings: dict[str, Any], folder: Path, data_dir: str | Path | None
) -> float | None:
    options: dict[str, Any] = {"data_dir": data_dir, "progress": False}
    try:
        if (folder / "recipe.toml").is_file():
            run = resume(folder, **options)
        else:
            run = train(net, out=folder, **options, **settings)
    except WorkFailedError:
        return None
    return best_value(run)

"""Run several trainings in parallel processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerasnets._errors import WorkFailedError, WriteError
from kerasnets.studies.runs import resume_or_train
from kerasnets.training import Run

_POLL_SECONDS = 0.05
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")


@dataclass(frozen=True)
class TrainingTask:
    """A training to run.

    Attributes:
        owner: the object that requested the training. It is returned with the score.
        number: the number of the training, chosen by the owner.
        net: name of a net in the catalogue.
        settings: settings of the recipe.
        folder: the run folder. An interrupted run in it is resumed.
    """

    owner: Any
    number: int
    net: str
    settings: dict[str, Any]
    folder: Path


def train_tasks(
    next_task: Callable[[], TrainingTask | None], jobs: int, data_dir: str | Path | None
) -> Iterator[tuple[TrainingTask, float | None]]:
    """Run trainings until ``next_task`` returns ``None`` and all of them have ended.

    Args:
        next_task: function that returns the next task. It is called when a process is free, and
            after all scores so far have been yielded.
        jobs: number of parallel trainings. With 1, they run in this process, otherwise each runs
            in a separate process.
        data_dir: where to look for data.

    Yields:
        A task and its score: the :func:`best_value`, or ``None`` if the training failed.
    """
    if jobs == 1:
        while task := next_task():
            yield task, _score(task.net, task.settings, task.folder, data_dir)
        return
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    context = multiprocessing.get_context("spawn")  # TensorFlow fails in a forked process
    # Leaving the block, for example by Ctrl-C, ends the processes. Their runs can be resumed.
    with context.Pool(jobs, _init_process, (threads,)) as pool:
        running: list[tuple[TrainingTask, Any]] = []
        while True:
            while len(running) < jobs and (task := next_task()):
                args = (task.net, task.settings, task.folder, data_dir)
                running.append((task, pool.apply_async(_score, args)))
            if not running:
                return
            for entry in [entry for entry in running if entry[1].ready()]:
                running.remove(entry)
                yield entry[0], entry[1].get()
            time.sleep(_POLL_SECONDS)


def best_value(run: Run) -> float:
    """The best validation value of the metric that the run's recipe monitors."""
    values = run.history[run.recipe.monitor]
    return max(values) if run.recipe.monitor.endswith("accuracy") else min(values)


def _init_process(threads: str) -> None:
    """Limit the threads before TensorFlow is imported, and let the parent handle Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in _THREADS:
        os.environ[name] = threads


def _score(
    net: str, settings: dict[str, Any], folder: Path, data_dir: str | Path | None
) -> float | None:
    try:
        return best_value(resume_or_train(net, folder, data_dir=data_dir, **settings))
    except WriteError:
        raise  # the settings have not failed: with space on the disk, the search can be resumed
    except WorkFailedError:
        return None

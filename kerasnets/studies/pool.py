"""Run several trainings in parallel processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerasnets._errors import WorkFailedError, WriteError
from kerasnets._lazy import keras
from kerasnets.studies.runs import resume_or_train
from kerasnets.training import Run

if TYPE_CHECKING:
    from kerasnets.studies.leases import Lease

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
        lease: the right to train it, if other processes share the trainings. Then ``folder`` is
            that of the first attempt, and the process that trains stores the score.
        attempt: how many processes have trained it, with this one.
    """

    owner: Any
    number: int
    net: str
    settings: dict[str, Any]
    folder: Path
    lease: Lease | None = None
    attempt: int = 1


def train_tasks(
    next_task: Callable[[], TrainingTask | None],
    jobs: int,
    data_dir: str | Path | None,
    figures: bool = True,
) -> Generator[tuple[TrainingTask, float | None], None, None]:
    """Run trainings until ``next_task`` returns ``None`` and all of them have ended.

    Args:
        next_task: function that returns the next task. It is called when a process is free, and
            after all scores so far have been yielded.
        jobs: number of parallel trainings. With 1, they run in this process, otherwise each runs
            in a separate process.
        data_dir: where to look for data.
        figures: draw the figures of each run.

    Yields:
        A task and its score: the :func:`best_value`, or ``None`` if the training failed.
    """
    if jobs == 1:
        while task := next_task():
            yield task, _score(*_arguments(task, data_dir, figures))
        return
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    context = multiprocessing.get_context("spawn")  # TensorFlow fails in a forked process
    # Leaving the block, for example by Ctrl-C, ends the processes. Their runs can be resumed.
    with context.Pool(jobs, _init_process, (threads,)) as pool:
        running: list[tuple[TrainingTask, Any]] = []
        while True:
            while len(running) < jobs and (task := next_task()):
                args = _arguments(task, data_dir, figures)
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


def train_and_score(
    net: str, options: dict[str, Any], folder: Path, after_epoch: Callable[[], None] | None = None
) -> float | None:
    """Train or resume a run, and return its :func:`best_value`; ``None`` if the training failed.

    Args:
        net: name of a net in the catalogue.
        options: arguments of :func:`~kerasnets.studies.runs.resume_or_train`.
        folder: the run folder.
        after_epoch: called after each epoch.
    """
    callbacks = []
    if after_epoch is not None:
        call = after_epoch
        callbacks.append(keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: call()))
    try:
        return best_value(resume_or_train(net, folder, callbacks=callbacks, **options))
    except WriteError:
        raise  # the settings have not failed: with space on the disk, the search can be resumed
    except WorkFailedError:
        return None


def _init_process(threads: str) -> None:
    """Limit the threads before TensorFlow is imported, and let the parent handle Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in _THREADS:
        os.environ[name] = threads


def _arguments(task: TrainingTask, data_dir: str | Path | None, figures: bool) -> tuple[Any, ...]:
    """The arguments of :func:`_score`. The owner of the task stays in its process."""
    options = {**task.settings, "data_dir": data_dir, "figures": figures}
    return task.net, options, task.folder, task.lease, task.attempt


def _score(
    net: str, options: dict[str, Any], folder: Path, lease: Lease | None, attempt: int
) -> float | None:
    if lease is None:
        return train_and_score(net, options, folder)
    from kerasnets.studies.attempts import run_attempt  # imports SQLAlchemy

    def train(own_folder: Path, check: Callable[[], None]) -> float | None:
        return train_and_score(net, options, own_folder, check)

    return run_attempt(lease, folder, attempt, train)

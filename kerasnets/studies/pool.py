"""Run the trainings of a search: in this process, in others, or on a cluster."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerasnets._errors import WorkFailedError, WriteError
from kerasnets._lazy import keras
from kerasnets.studies.executors import Executor, open_executor, run_jobs
from kerasnets.studies.local_processes import JobDiedError
from kerasnets.studies.runs import resume_or_train
from kerasnets.studies.training_job import TrainingJob, describe_data
from kerasnets.studies.workers import check_workers
from kerasnets.training import Run
from kerasnets.training.threads import set_threads

if TYPE_CHECKING:
    from kerasnets.studies.leases import Lease


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


@dataclass(frozen=True)
class Processes:
    """Processes for trainings, here or on a cluster.

    Attributes:
        executor: where they are.
        limit: number of trainings at a time.
        threads: threads per operation, unless the settings of a training set them.
        template: a job with everything that is the same for all trainings.
    """

    executor: Executor
    limit: int
    threads: int
    template: TrainingJob


@contextlib.contextmanager
def open_processes(
    on: str | None, jobs: int | None, max_retries: int, template: TrainingJob, threads: int
) -> Iterator[Processes | None]:
    """Start processes for trainings, or connect to a cluster and check its machines.

    Args:
        on: see :func:`~kerasnets.studies.executors.open_executor`.
        jobs: number of trainings at a time. Default: 1, and on a cluster as many as fit.
        max_retries: how often a training is resumed after its process or machine died.
        template: a job in the folder of the study, with the settings and the checksum of the data.
        threads: threads per operation of each training.

    Yields:
        ``None`` if this process can train by itself.

    Raises:
        ValueError: if a machine of the cluster differs from this one.
        ConnectionError: if the cluster cannot be reached.
    """
    if on is None and jobs in (None, 1):
        yield None
        return
    with open_executor(on, jobs, max_retries, threads) as executor:
        limit = jobs or executor.capacity()
        if on is None:
            template = replace(template, checksum="")  # this process has loaded the same files
        else:
            found = check_workers(executor, template.folder, describe_data, template)
            template = replace(template, expected=found)
        yield Processes(executor, limit, threads, template)


def train_tasks(
    next_task: Callable[[], TrainingTask | None],
    processes: Processes | None,
    data_dir: str | Path | None,
    figures: bool = True,
) -> Generator[tuple[TrainingTask, float | None], None, None]:
    """Run trainings until ``next_task`` returns ``None`` and all of them have ended.

    Args:
        next_task: function that returns the next task. It is called when a process is free, and
            after all scores so far have been yielded.
        processes: where each training runs in a process of its own; ``None`` for this process, one
            after the other.
        data_dir: where to look for data.
        figures: draw the figures of each run.

    Yields:
        A task and its score: the :func:`best_value`, or ``None`` if the training failed.
    """
    if processes is None:
        while task := next_task():
            options = {**task.settings, "data_dir": data_dir, "figures": figures}
            yield task, _score(task.net, options, task.folder, task.lease, task.attempt)
        return

    def next_job() -> tuple[TrainingTask, tuple[Any, ...]] | None:
        task = next_task()
        if task is None:
            return None
        folder = task.folder.resolve()
        job = replace(processes.template, folder=folder, settings=task.settings)
        return task, (job, processes.threads, figures, task.lease, task.attempt)

    jobs = run_jobs(processes.executor, _score_apart, next_job, processes.limit)
    with contextlib.closing(jobs):
        for task, future in jobs:
            yield task, _result(task, future)


def _result(task: TrainingTask, future: Future[Any]) -> float | None:
    try:
        score: float | None = future.result()
    except JobDiedError as error:  # such as a net that needs more memory than there is
        print(f"{task.folder.name} failed: {error}", file=sys.stderr)
        return None
    return score


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


def _score_apart(
    job: TrainingJob, threads: int, figures: bool, lease: Lease | None, attempt: int
) -> float | None:
    """Train a job in a process of its own."""
    options = {**job.options(), "figures": figures}
    set_threads(threads)
    return _score(job.net, options, job.folder, lease, attempt)


def _score(
    net: str, options: dict[str, Any], folder: Path, lease: Lease | None, attempt: int
) -> float | None:
    if lease is None:
        return train_and_score(net, options, folder)
    from kerasnets.studies.attempts import run_attempt  # imports SQLAlchemy

    def train(own_folder: Path, check: Callable[[], None]) -> float | None:
        return train_and_score(net, options, own_folder, check)

    return run_attempt(lease, folder, attempt, train)

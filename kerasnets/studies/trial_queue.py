"""Train the trials of a search until each of them has a result, here or in another process."""

from __future__ import annotations

import contextlib
import functools
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from kerasnets._progress import progress_bar
from kerasnets.studies.pool import Processes, TrainingTask, train_tasks
from kerasnets.studies.trials import SamplerTrials

T = TypeVar("T")

_POLL_SECONDS = 1.0  # between two questions whether a trial of another process is free again


class TrialQueue:
    """The trials of all samplers, in their order."""

    def __init__(self, by_sampler: Sequence[SamplerTrials]) -> None:
        """Share the database and the leases of the samplers."""
        self.by_sampler = by_sampler
        self.database = by_sampler[0].database
        self.lease_seconds = by_sampler[0].leases.seconds
        self.poll_seconds = min(_POLL_SECONDS, self.lease_seconds / 4)
        self.next_try = 0.0

    @property
    def budget(self) -> int:
        """Number of trials."""
        return sum(trials.budget for trials in self.by_sampler)

    def finished(self) -> int:
        """Number of trials that have a result."""
        return self._ask(lambda: sum(trials.finished() for trials in self.by_sampler))

    def next_task(self) -> TrainingTask | None:
        """Claim a trial, or return ``None`` if none is free at the moment."""
        if time.monotonic() < self.next_try:
            return None
        for trials in self.by_sampler:
            if task := self._ask(trials.next_task):
                return task
        self.next_try = time.monotonic() + self.poll_seconds
        return None

    def record(self, task: TrainingTask, score: float | None) -> None:
        """Store the result of a trial."""
        self._ask(lambda: task.owner.record(task.number, score))

    def release(self) -> None:
        """Give back what this process has claimed and not finished. Its trainings have ended."""
        for trials in self.by_sampler:
            trials.release()

    def _ask(self, question: Callable[[], T]) -> T:
        """Use the database. A restart of its server does not end the search."""
        return self.database.retry(question, self.lease_seconds)


def train_all(
    queue: TrialQueue,
    processes: Processes | None,
    data_dir: str | Path | None,
    *,
    figures: bool,
    progress: bool,
) -> None:
    """Train until every trial has a result. Wait for those that other processes train.

    Args:
        queue: the trials.
        processes: where the trainings run; ``None`` for this process.
        data_dir: where to look for data.
        figures: draw the figures of each run.
        progress: show a bar on standard error.
    """
    finished = queue.finished()
    bar = progress_bar(queue.budget, "trials", "trial", show=progress, initial=finished)
    try:
        with bar:
            for first in _claimed(queue):
                tasks = itertools.chain([first], iter(queue.next_task, object()))
                results = train_tasks(functools.partial(next, tasks), processes, data_dir, figures)
                with contextlib.closing(results):  # no training may run when trials are released
                    for task, score in results:
                        queue.record(task, score)
                        before, finished = finished, queue.finished()
                        bar.update(finished - before)
            bar.update(queue.finished() - finished)
    finally:
        queue.release()


def _claimed(queue: TrialQueue) -> Iterator[TrainingTask]:
    """Yield a claimed trial whenever there is one, until all have results."""
    while True:
        if (task := queue.next_task()) is not None:
            yield task
        elif queue.finished() >= queue.budget:
            return
        else:
            time.sleep(queue.poll_seconds)

"""Run the jobs of a study, several at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, Protocol, TypeVar

from kerasnets.studies.local_processes import LocalProcesses

Job = TypeVar("Job")


class Executor(Protocol):
    """Runs functions of importable modules in other processes.

    Attributes:
        place: where the jobs run, for messages.
    """

    place: str

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run a function. A job whose process or machine dies is started again.

        The future raises the errors of the function, or ``WorkFailedError`` if the process died
        more often than the allowed number of retries.
        """
        ...

    def run_everywhere(self, function: Callable[..., Any], *args: Any) -> dict[str, Any]:
        """Run a function once per machine. Return the results by the name of the machine."""
        ...

    def close(self) -> None:
        """End all jobs that are still running."""
        ...


def check_jobs(jobs: int | None, max_retries: int) -> None:
    """Check how jobs should run, before any work.

    Args:
        jobs: number of jobs at a time, or ``None``.
        max_retries: how often a job is started again after its process died.

    Raises:
        ValueError: if one of them is not valid.
    """
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs must be 1 or more, got {jobs}.")
    if max_retries < 0:
        raise ValueError(f"max_retries must be 0 or more, got {max_retries}.")


@contextlib.contextmanager
def open_executor(jobs: int | None, max_retries: int) -> Iterator[Executor]:
    """Start the processes for the jobs.

    Args:
        jobs: number of jobs at a time, 1 by default.
        max_retries: how often a job is started again after its process died.

    Raises:
        ValueError: see :func:`check_jobs`.
    """
    check_jobs(jobs, max_retries)
    executor = LocalProcesses(jobs or 1, max_retries)
    try:
        yield executor
    finally:
        executor.close()


def run_jobs(
    executor: Executor,
    function: Callable[..., Any],
    jobs: Iterable[tuple[Job, Sequence[Any]]],
    limit: int | None = None,
) -> Iterator[tuple[Job, Future[Any]]]:
    """Run a function for each job. Yield the jobs in the order in which they end.

    Args:
        executor: where to run.
        function: the function.
        jobs: pairs of any object and the arguments of the function. The next pair is taken when
            a job may start.
        limit: number of jobs at a time. Default: all, and the executor decides.
    """
    remaining = iter(jobs)
    running: dict[Future[Any], Job] = {}
    more = True
    while True:
        while more and (limit is None or len(running) < limit):
            try:
                job, args = next(remaining)
            except StopIteration:
                more = False
                break
            running[executor.submit(function, *args)] = job
        if not running:
            return
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            yield running.pop(future), future

"""Run the jobs of a study: in processes of this machine, or on a Ray cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, Protocol, TypeVar

from kerasnets.studies.local_processes import LocalProcesses
from kerasnets.studies.ray_cluster import RayCluster, check_address

Job = TypeVar("Job")

_POLL_SECONDS = 1.0  # between two questions whether there is another job


class Executor(Protocol):
    """Runs functions of importable modules in other processes.

    Attributes:
        place: where the jobs run, for messages.
    """

    place: str

    def capacity(self) -> int:
        """Return how many jobs can run at the same time."""
        ...

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run a function. A job whose process or machine dies is started again.

        The future raises the errors of the function, or ``JobDiedError`` if the process died more
        often than the allowed number of retries.
        """
        ...

    def run_everywhere(self, function: Callable[..., Any], *args: Any) -> dict[str, Any]:
        """Run a function once per machine. Return the results by the name of the machine."""
        ...

    def close(self) -> None:
        """End all jobs that are still running. It may be called again."""
        ...


def check_place(on: str | None, jobs: int | None, max_retries: int) -> None:
    """Check where and how jobs should run, before any work.

    Args:
        on: ``None``, ``"ray"`` or ``"ray://HOST:PORT"``.
        jobs: number of jobs at a time, or ``None``.
        max_retries: how often a job is started again after its process died.

    Raises:
        ValueError: if one of them is not valid.
        ImportError: if Ray is requested and not installed.
    """
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs must be 1 or more, got {jobs}.")
    if max_retries < 0:
        raise ValueError(f"max_retries must be 0 or more, got {max_retries}.")
    if on is not None:
        check_address(on)


@contextlib.contextmanager
def open_executor(
    on: str | None, jobs: int | None, max_retries: int, threads: int = 1
) -> Iterator[Executor]:
    """Start the processes for the jobs, or connect to the Ray cluster.

    Args:
        on: ``None`` for processes of this machine, ``"ray"`` for Ray on this machine, or
            ``"ray://HOST:PORT"`` for a cluster.
        jobs: number of jobs at a time: 1 by default on this machine. A Ray cluster runs as many
            as its processors allow.
        max_retries: how often a job is started again after its process or machine died.
        threads: number of processors that Ray reserves for each job.

    Raises:
        ValueError: see :func:`check_place`; or if the cluster has other versions of Ray or Python,
            or no machine with so many processors.
        ConnectionError: if the cluster cannot be reached.
    """
    check_place(on, jobs, max_retries)
    executor: Executor
    if on is None:
        executor = LocalProcesses(jobs or 1, max_retries)
    else:
        executor = RayCluster(on, max_retries, threads)
    try:
        yield executor
    finally:
        executor.close()


def run_jobs(
    executor: Executor,
    function: Callable[..., Any],
    next_job: Callable[[], tuple[Job, Sequence[Any]] | None],
    limit: int | None = None,
) -> Generator[tuple[Job, Future[Any]], None, None]:
    """Run a function for each job. Yield the jobs in the order in which they end.

    If the caller stops before the last one, the executor is closed, and the jobs are ended.

    Args:
        executor: where to run.
        function: the function.
        next_job: returns any object and the arguments of the function for the next job, or
            ``None`` if there is none at the moment. It is called when a job may start, after all
            results so far have been yielded.
        limit: number of jobs at a time. Default: all, and the executor decides.
    """
    running: dict[Future[Any], Job] = {}
    try:
        while True:
            while (limit is None or len(running) < limit) and (found := next_job()) is not None:
                job, args = found
                running[executor.submit(function, *args)] = job
            if not running:
                return
            ended, _ = wait(running, _POLL_SECONDS, FIRST_COMPLETED)
            for future in ended:
                yield running.pop(future), future
    finally:
        if running:
            executor.close()

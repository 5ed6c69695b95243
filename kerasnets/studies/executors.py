"""Where the jobs of a study run: in processes of this machine, or on a Ray cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, Protocol, TypeVar

from kerasnets.studies.local_processes import LocalProcesses
from kerasnets.studies.ray_cluster import RayCluster, check_address

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


def check_place(on: str | None, jobs: int | None, max_retries: int) -> None:
    """Check where jobs should run, before any work.

    Args:
        on: ``None``, ``"ray"``, or ``"ray://HOST:PORT"``.
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
    on: str | None, jobs: int | None, max_retries: int, cpus: int = 1
) -> Iterator[Executor]:
    """Start the processes for the jobs, or connect to the Ray cluster.

    Args:
        on: ``None`` for processes of this machine, ``"ray"`` for a Ray cluster on this machine
            that is started if none is running, or ``"ray://HOST:PORT"``.
        jobs: number of jobs at a time. Default: 1 on this machine, and as many as the processors
            allow on a Ray cluster.
        max_retries: how often a job is started again after its process died.
        cpus: processors per job, for Ray.

    Raises:
        ConnectionError: if the cluster cannot be reached.
        ValueError: see :func:`check_place`.
    """
    check_place(on, jobs, max_retries)
    executor: Executor
    if on is None:
        executor = LocalProcesses(jobs or 1, max_retries)
    else:
        executor = RayCluster(on, max_retries, cpus)
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

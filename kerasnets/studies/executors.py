"""Where the jobs of a study run: in processes of this machine, or on a Ray cluster."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from typing import Any, Protocol, TypeVar

from kerasnets._errors import WorkFailedError

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
        from kerasnets.studies.ray_cluster import check_address

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
        from kerasnets.studies.ray_cluster import RayCluster

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


class LocalProcesses:
    """Processes of this machine, each of which runs one job at a time.

    Every process has its own pool, so a process that dies, such as from a lack of memory, affects
    no other job.
    """

    def __init__(self, jobs: int, max_retries: int) -> None:
        """Prepare the processes. They start with the first job."""
        self.place = "this machine"
        self._max_retries = max_retries
        self._threads = ThreadPoolExecutor(jobs, "kerasnets-job")
        self._own = threading.local()
        self._lock, self._closed = threading.Lock(), False
        self._pools: list[Any] = []

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run a function in a process; see :class:`Executor`."""
        return self._threads.submit(self._call, function, args)

    def run_everywhere(self, function: Callable[..., Any], *args: Any) -> dict[str, Any]:
        """Run a function once; see :class:`Executor`."""
        return {self.place: self.submit(function, *args).result()}

    def close(self) -> None:
        """End the processes; see :class:`Executor`."""
        with self._lock:
            self._closed = True
        for pool in self._pools:
            pool.shutdown(wait=True, kill_workers=True)
        self._threads.shutdown(cancel_futures=True)

    def _call(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        for _ in range(self._max_retries + 1):
            try:
                return self._pool().submit(function, *args).result()
            except BrokenExecutor:
                self._own.pool = None
            except RuntimeError as error:
                if not self._closed:
                    raise  # the function raised it
                raise WorkFailedError("The jobs were stopped.") from error
        raise died(self._max_retries)

    def _pool(self) -> Any:
        """The pool of the current thread, with one process."""
        # Unlike multiprocessing, loky does not run the script of the user again in its processes.
        from joblib.externals.loky import ProcessPoolExecutor

        with self._lock:
            if self._closed:
                raise WorkFailedError("The jobs were stopped.")
            if getattr(self._own, "pool", None) is None:
                self._own.pool = ProcessPoolExecutor(
                    1, initializer=_start_process, initargs=(os.getpid(),)
                )
                self._pools.append(self._own.pool)
            return self._own.pool


def died(max_retries: int) -> WorkFailedError:
    """Return the error for a job whose process died again and again."""
    times = "once" if max_retries == 0 else f"{max_retries + 1} times"
    return WorkFailedError(
        f"its process died {times}; the machine may have run out of memory. Use fewer jobs, or a "
        "larger max_retries."
    )


def _start_process(parent: int) -> None:
    """Let the parent handle Ctrl-C, and end with it, even if it is killed."""
    from kerasnets._lazy import skip_optional_imports

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    skip_optional_imports()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)  # the run in this process can be resumed

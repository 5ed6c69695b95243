"""Run jobs in processes of this machine."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from typing import Any

from kerasnets._errors import WorkFailedError


class JobDiedError(WorkFailedError):
    """The process of a job died more often than the allowed number of retries."""

    def __init__(self, max_retries: int) -> None:
        """Say how often it died.

        Args:
            max_retries: the allowed number of retries.
        """
        times = "once" if max_retries == 0 else f"{max_retries + 1} times"
        super().__init__(
            f"its process died {times}; the machine may have run out of memory. Use fewer jobs, "
            "or a larger max_retries."
        )


class LocalProcesses:
    """Processes of this machine, each of which runs one job at a time.

    They are an :class:`kerasnets.studies.executors.Executor`. Every process has its own pool, so a
    process that dies, such as from a lack of memory, affects no other job.
    """

    def __init__(self, jobs: int, max_retries: int) -> None:
        """Prepare the processes. They start with the first job."""
        self.place = "this machine"
        self._jobs, self._max_retries = jobs, max_retries
        self._threads = ThreadPoolExecutor(jobs, "kerasnets-job")
        self._own = threading.local()
        self._lock, self._closed = threading.Lock(), False
        self._active = 0
        self._pools: list[Any] = []

    def capacity(self) -> int:
        """Return the number of processes."""
        return self._jobs

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run a function in a process; see ``Executor``."""
        return self._threads.submit(self._call, function, args)

    def run_everywhere(self, function: Callable[..., Any], *args: Any) -> dict[str, Any]:
        """Run a function once; see ``Executor``."""
        return {self.place: self.submit(function, *args).result()}

    def close(self) -> None:
        """End the processes; see ``Executor``."""
        with self._lock:
            self._closed = True
            pools, self._pools = self._pools, []
            busy = self._active > 0
        for pool in pools:
            pool.shutdown(wait=True, kill_workers=busy)
        self._threads.shutdown(cancel_futures=True)

    def _call(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        with self._lock:
            self._active += 1
        try:
            return self._call_until_it_survives(function, args)
        finally:
            with self._lock:
                self._active -= 1

    def _call_until_it_survives(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        for _ in range(self._max_retries + 1):
            try:
                return self._pool().submit(function, *args).result()
            except BrokenExecutor:
                self._own.pool = None
            except RuntimeError as error:
                if not self._closed:
                    raise  # the function raised it
                raise WorkFailedError("The jobs were stopped.") from error
        raise JobDiedError(self._max_retries)

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


def _start_process(parent: int) -> None:
    """Let the parent handle Ctrl-C, and end with it, even if it is killed."""
    from joblib.externals.loky import process_executor

    from kerasnets._lazy import skip_optional_imports

    # Else loky ends a process that has grown by 300 MB, such as by TensorFlow, and warns about it.
    process_executor._USE_PSUTIL = False
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    skip_optional_imports()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)  # the run in this process can be resumed

"""Run jobs on a Ray cluster. Needs the extra ``ray``."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

from kerasnets._errors import WorkFailedError
from kerasnets._worker import try_call
from kerasnets.studies.local_processes import JobDiedError

_ADDRESS = re.compile(r"ray://(\[[^\]]+\]|[^:/\[\]]+):(\d{1,5})")
_SECONDS_TO_CONNECT = 10
_ATTEMPTS = 4  # to connect; each one that fails takes half a minute


def check_address(on: str) -> None:
    """Check the form of the address of a cluster, and that Ray is installed.

    Raises:
        ValueError: if it is neither ``"ray"`` nor ``"ray://HOST:PORT"``.
        ImportError: if Ray is not installed.
    """
    if on != "ray" and not _ADDRESS.fullmatch(on):
        raise ValueError(
            f"on={on!r} is not a place for jobs. Allowed: 'ray' for this machine, or "
            "'ray://HOST:PORT' for a cluster, such as 'ray://127.0.0.1:10001'."
        )
    if importlib.util.find_spec("ray") is None:
        raise ImportError(
            "Jobs on Ray need Ray. Install it with: pip install 'kerasnets[ray]', in the same "
            "version on all machines."
        )


class RayCluster:
    """The machines of a Ray cluster; see :class:`kerasnets.studies.executors.Executor`."""

    def __init__(self, on: str, max_retries: int, cpus: int) -> None:
        """Connect to the cluster.

        Args:
            on: ``"ray"`` or ``"ray://HOST:PORT"``.
            max_retries: how often a job is started again after its process or machine died.
            cpus: processors per job.

        Raises:
            ConnectionError: if the cluster cannot be reached.
            ValueError: if it has another version of Ray or Python, or no machine with as many
                processors.
        """
        import ray

        self.place, self._ray, self._cpus = on, ray, cpus
        self._max_retries = max_retries
        self._lock, self._closed = threading.Lock(), False
        self._running: set[Any] = set()
        with _own_sigterm():
            _connect(ray, on)
        self._task = ray.remote(num_cpus=cpus, max_retries=max_retries, retry_exceptions=False)(
            _answer
        )
        if self.capacity() == 0:
            self.close()
            raise ValueError(f"No machine of the cluster {on} has {cpus} processors for a job.")

    def capacity(self) -> int:
        """Return how many jobs the processors of all machines can run at the same time."""
        return sum(int(node["Resources"]["CPU"] // self._cpus) for node in self._nodes())

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run a function on any machine; see ``Executor``."""
        return self._start(self._task, function, args)

    def run_everywhere(self, function: Callable[..., Any], *args: Any) -> dict[str, Any]:
        """Run a function on each machine; see ``Executor``."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        futures = {}
        for node in self._nodes():
            here = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            task = self._task.options(scheduling_strategy=here)
            machine = f"{node['NodeManagerHostname']} ({node['NodeID'][:8]})"
            futures[machine] = self._start(task, function, args)
        answers = {}
        for machine, future in futures.items():
            with contextlib.suppress(JobDiedError):  # the machine has just been lost
                answers[machine] = future.result()
        if not answers:
            raise JobDiedError(self._max_retries)
        return answers

    def close(self) -> None:
        """End the jobs and the connection; see ``Executor``."""
        with self._lock:
            closed, self._closed = self._closed, True
            running = list(self._running)
        if closed:
            return
        for reference in running:
            self._ray.cancel(reference, force=True)
        self._ray.shutdown()

    def _nodes(self) -> list[Any]:
        """The living machines that can run a job."""
        nodes = [node for node in self._ray.nodes() if node["Alive"]]
        return [node for node in nodes if node["Resources"].get("CPU", 0) >= self._cpus]

    def _start(self, task: Any, function: Callable[..., Any], args: tuple[Any, ...]) -> Future[Any]:
        reference = task.remote(function, args)
        self._running.add(reference)
        future: Future[Any] = Future()

        def end(answer: Future[Any]) -> None:
            with self._lock:
                self._running.discard(reference)
            _pass_on(answer, future, self._max_retries)

        reference.future().add_done_callback(end)
        return future


def _connect(ray: Any, on: str) -> None:
    options = {"log_to_driver": False, "logging_level": "error"}
    if on == "ray":
        ray.init(include_dashboard=False, **options)
        return
    match = _ADDRESS.fullmatch(on)
    host, port = (match[1].strip("[]"), int(match[2])) if match else ("", 0)
    try:
        # Ray itself would try for half a minute, and print a page of errors.
        socket.create_connection((host, port), timeout=_SECONDS_TO_CONNECT).close()
    except (OSError, OverflowError) as error:
        raise ConnectionError(
            f"No Ray cluster answers at {on}: {error}. Start one there with: ray start --head "
            f"--ray-client-server-port={port}. Or check the address."
        ) from error
    for attempt in range(_ATTEMPTS):
        try:
            ray.init(on, **options)
            return
        except ConnectionAbortedError as error:
            # The process that Ray forks for each client sometimes dies at once:
            # https://github.com/ray-project/ray/issues/63202
            if attempt == _ATTEMPTS - 1:
                raise ConnectionError(f"The cluster {on} does not start: {error}") from error
        except ConnectionError as error:
            raise ConnectionError(
                f"What answers at {on} is not the client server of a Ray cluster. Its port is that "
                "of --ray-client-server-port, 10001 by default."
            ) from error
        except RuntimeError as error:  # other versions
            raise ValueError(f"The cluster {on} cannot be used: {error}") from error


@contextlib.contextmanager
def _own_sigterm() -> Iterator[None]:
    """Keep the handler of SIGTERM, which Ray replaces by one that ends the process at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)


def _answer(function: Callable[..., Any], args: tuple[Any, ...]) -> tuple[bool, Any]:
    """Return the result of a function, or its error without the traceback of Ray."""
    return try_call(lambda: function(*args))


def _pass_on(answer: Future[Any], future: Future[Any], max_retries: int) -> None:
    """Give a future the result or the error that a task has returned."""
    from ray import exceptions

    try:
        succeeded, result = answer.result()
    except exceptions.TaskCancelledError:
        future.set_exception(WorkFailedError("The jobs were stopped."))
    except (
        exceptions.WorkerCrashedError,
        exceptions.NodeDiedError,
        exceptions.OutOfMemoryError,
        exceptions.TaskUnschedulableError,
        exceptions.ObjectLostError,
    ):
        future.set_exception(JobDiedError(max_retries))
    except Exception as error:  # noqa: BLE001  the future raises it
        future.set_exception(error)
    else:
        if succeeded:
            future.set_result(result)
        else:
            future.set_exception(result)

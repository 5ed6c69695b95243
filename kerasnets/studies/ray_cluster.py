"""Run jobs on a Ray cluster. Needs the extra ``ray``."""

from __future__ import annotations

import importlib.util
import pickle
import re
import socket
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from kerasnets.studies.local_processes import died

_ADDRESS = re.compile(r"ray://(\[[^\]]+\]|[^:/\[\]]+):(\d{1,5})")
_SECONDS_TO_CONNECT = 10


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
            "Jobs on Ray need Ray. Install it with `pip install 'kerasnets[ray]'`, in the same "
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

        self.place, self._ray, self._max_retries = on, ray, max_retries
        self._references: list[Any] = []
        _connect(ray, on)
        self._task = ray.remote(num_cpus=cpus, max_retries=max_retries, retry_exceptions=False)(
            _answer
        )
        self._machines = {
            f"{node['NodeManagerHostname']} ({node['NodeID'][:8]})": node["NodeID"]
            for node in ray.nodes()
            if node["Alive"] and node["Resources"].get("CPU", 0) >= cpus
        }
        if not self._machines:
            self.close()
            raise ValueError(f"No machine of the cluster {on} has {cpus} processors for a job.")

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run a function on any machine."""
        return self._start(self._task, function, args)

    def run_everywhere(self, function: Callable[..., Any], *args: Any) -> dict[str, Any]:
        """Run a function on each machine."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        futures = {}
        for machine, node in self._machines.items():
            here = self._task.options(
                scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)
            )
            futures[machine] = self._start(here, function, args)
        return {machine: future.result() for machine, future in futures.items()}

    def close(self) -> None:
        """End the jobs and the connection."""
        for reference in self._references:
            self._ray.cancel(reference, force=True)
        self._ray.shutdown()

    def _start(self, task: Any, function: Callable[..., Any], args: tuple[Any, ...]) -> Future[Any]:
        reference = task.remote(function, args)
        self._references.append(reference)
        future: Future[Any] = Future()

        def end(answer: Future[Any]) -> None:
            self._references.remove(reference)
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
            f"No Ray cluster answers at {on}: {error}. Start one there with `ray start --head "
            f"--ray-client-server-port={port}`, or check the address."
        ) from error
    try:
        ray.init(on, **options)
    except ConnectionError as error:
        raise ConnectionError(
            f"What answers at {on} is not the client server of a Ray cluster. Its port is that of "
            "--ray-client-server-port, 10001 by default."
        ) from error
    except RuntimeError as error:  # other versions
        raise ValueError(f"The cluster {on} cannot be used: {error}") from error


def _answer(function: Callable[..., Any], args: tuple[Any, ...]) -> tuple[bool, Any]:
    """Return the result of a function, or its error without the traceback of Ray."""
    try:
        return True, function(*args)
    except Exception as error:  # noqa: BLE001  the future raises it
        try:
            pickle.loads(pickle.dumps(error))  # noqa: S301
        except Exception:  # noqa: BLE001  pickling can fail with any error
            return False, RuntimeError(f"{type(error).__name__}: {error}")
        return False, error


def _pass_on(answer: Future[Any], future: Future[Any], max_retries: int) -> None:
    """Give a future the result or the error that a task has returned."""
    import ray

    try:
        succeeded, result = answer.result()
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError):
        future.set_exception(died(max_retries))
    except Exception as error:  # noqa: BLE001  the future raises it
        future.set_exception(error)
    else:
        if succeeded:
            future.set_result(result)
        else:
            future.set_exception(result)

"""Connect this process with the other workers of a training.

TensorFlow's servers are started by ``MultiWorkerMirroredStrategy``. Nothing else of the strategy is
used: models are built outside its scope.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Iterator

from kerasnets._errors import WorkFailedError
from kerasnets._lazy import tf
from kerasnets.engine.collectives import Group
from kerasnets.engine.workers import Workers

START_TIMEOUT = 600.0  # seconds to wait until all workers are started
_HEARTBEAT = 15_000  # milliseconds without an answer after which a worker counts as lost

_connected: Group | None = None


def connect(workers: Workers, *, start_timeout: float = START_TIMEOUT) -> Group:
    """Connect this process with the other workers, and wait until all of them are started.

    TensorFlow can be connected once per process, before its first operation. A later call with the
    same workers returns the same group.

    Args:
        workers: from :func:`~kerasnets.engine.workers.find_workers`.
        start_timeout: seconds to wait for the other workers.

    Raises:
        WorkFailedError: if a worker does not start in time; the message names it.
        RuntimeError: if TensorFlow has run already, or is connected with other workers.
        OSError: if the port of this worker is in use.
    """
    global _connected
    if _connected is not None:
        if _connected.workers != workers:
            raise RuntimeError(
                f"This process is connected as worker {_connected.index} of "
                f"{list(_connected.workers.addresses)}. Use a new process for other workers."
            )
        return _connected
    from tensorflow.python.eager import context

    if context.context()._initialized:
        raise RuntimeError(
            "TensorFlow has run in this process already, so it cannot be connected with other "
            "workers. Call kerasnets.training.join_workers(workers, index) at the start of the "
            "program, before a model is built."
        )
    _check_port(workers)
    started = time.perf_counter()
    _start_servers(workers, start_timeout, started)
    _connected = Group(workers)
    return _connected


def connected() -> Group | None:
    """Return the group that this process is connected with, if any."""
    return _connected


def _check_port(workers: Workers) -> None:
    """Refuse a port that another process uses; TensorFlow would end this process."""
    port = int(workers.addresses[workers.index].rpartition(":")[2])
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError as error:
            raise OSError(
                f"Worker {workers.index} cannot listen on port {port}: {error.strerror}. Choose "
                "another port on every machine."
            ) from error


def _start_servers(workers: Workers, timeout: float, started: float) -> None:
    from tensorflow.python.eager import context

    job = context.coordination_config_pb2.CoordinatedJob(name="worker", num_tasks=len(workers))
    context.context().configure_coordination_service(
        service_type="standalone",
        service_leader="/job:worker/replica:0/task:0",
        cluster_register_timeout_in_ms=int(1000 * timeout),
        heartbeat_timeout_in_ms=_HEARTBEAT,
        shutdown_barrier_timeout_in_ms=_HEARTBEAT,
        coordinated_jobs=[job],
    )
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(workers.addresses)}),
        task_type="worker",
        task_id=workers.index,
        rpc_layer="grpc",
    )
    try:
        with _ended_by_signals():
            tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    except tf.errors.OpError as error:
        missing = [address for address in workers.addresses if not _answers(address)]
        seconds = time.perf_counter() - started
        raise WorkFailedError(
            f"Worker {workers.index} waited {seconds:.0f} s, but not all workers are connected. No "
            f"answer from: {', '.join(missing) or 'none of them; see their messages'}. Start the "
            "same command on every machine, and open the ports between them."
        ) from error


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the process at once, because Python cannot handle them in a wait.

    Nothing has been written before the workers are connected.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread can handle signals
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=2):
            return True
    except OSError:
        return False

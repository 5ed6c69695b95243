"""Connect the workers of a training, and exchange numbers and texts between them.

TensorFlow's servers are started by ``MultiWorkerMirroredStrategy``. Nothing else of the strategy is
used: models are built outside its scope, and the engine calls the collective operations itself.
"""

from __future__ import annotations

import contextlib
import itertools
import signal
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasnets._errors import WorkerLostError, WorkFailedError
from kerasnets._lazy import tf
from kerasnets.engine.workers import Workers

START_TIMEOUT = 600.0  # seconds to wait until all workers are started
_HEARTBEAT = 15_000  # milliseconds without an answer after which a worker counts as lost
_GROUP_KEY = 1


class Group:
    """The connected workers of this process.

    Every worker must call the methods in the same order. They raise
    :class:`~kerasnets._errors.WorkerLostError` if another worker ends or does not answer.

    Attributes:
        workers: their addresses, and the index of this process.
    """

    def __init__(self, workers: Workers) -> None:
        self.workers = workers
        self._keys = itertools.count(1)
        self._eager_keys: dict[Any, int] = {}

    @property
    def index(self) -> int:
        """Index of this worker."""
        return self.workers.index

    @property
    def size(self) -> int:
        """Number of workers."""
        return len(self.workers)

    def reduce(self, vector: Any, operation: str = "Add") -> Any:
        """Return the sum of the vectors of all workers; also inside a compiled function.

        Args:
            vector: a tensor of the same shape and type on every worker.
            operation: ``"Add"``, ``"Min"`` or ``"Max"``.
        """
        return tf.raw_ops.CollectiveReduceV2(
            input=vector,
            group_size=self.size,
            group_key=_GROUP_KEY,
            instance_key=self._key(vector, operation),
            ordering_token=[],
            merge_op=operation,
            final_op="Id",
            communication_hint="ring",
            # For a timeout, TensorFlow would start a thread per operation, which sleeps until then.
            # A worker that is killed or stopped is noticed by its connection or its heartbeat.
            timeout_seconds=0,
        )

    def sum(self, numbers: np.ndarray) -> np.ndarray:
        """Return the sum of the arrays of all workers: float64, int32 or int64 of one shape."""
        return self._numpy(numbers, "Add")

    def minimum(self, number: int) -> int:
        """Return the smallest number of all workers."""
        return int(self._numpy(np.array([number], np.int64), "Min")[0])

    def maximum(self, number: int) -> int:
        """Return the largest number of all workers."""
        return int(self._numpy(np.array([number], np.int64), "Max")[0])

    def share(self, content: bytes = b"") -> bytes:
        """Return the content of the first worker on all workers."""
        content = content if self.index == 0 else b""
        size = int(self.sum(np.array([len(content)], np.int64))[0])
        words = np.frombuffer(content.ljust(-(-size // 4) * 4, b"\0"), np.int32)
        return self.sum(words).tobytes()[:size]

    def gather(self, text: str) -> list[str]:
        """Return the text of each worker, by its index."""
        content = text.encode()
        sizes = np.zeros(self.size, np.int64)
        sizes[self.index] = len(content)
        sizes = self.sum(sizes)
        table = np.zeros((self.size, int(sizes.max())), np.int32)
        table[self.index, : len(content)] = np.frombuffer(content, np.uint8)
        table = self.sum(table)
        return [
            row[:size].astype(np.uint8).tobytes().decode()
            for row, size in zip(table, sizes, strict=True)
        ]

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Convert the errors of TensorFlow for a lost worker to ours while the block runs."""
        try:
            yield
        except _lost() as error:
            raise WorkerLostError(self.index, _reason(error)) from error

    def _key(self, vector: Any, operation: str) -> int:
        """The key of an operation: equal on all workers, because they have the same operations.

        Each operation of a compiled function has its own key. An eager operation uses its key
        again, so that TensorFlow does not register one per call.
        """
        if tf.inside_function():
            return next(self._keys)
        site = vector.dtype.name, tuple(vector.shape), operation
        if site not in self._eager_keys:
            self._eager_keys[site] = next(self._keys)
        return self._eager_keys[site]

    def _numpy(self, numbers: np.ndarray, operation: str) -> np.ndarray:
        if numbers.size == 0:  # on every worker
            return numbers
        with self.errors():
            return np.asarray(self.reduce(tf.constant(numbers), operation))


def _reason(error: Exception) -> str:
    """The line of an error of TensorFlow that says what happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    aborted = [line for line in lines if _ABORTED in line]
    return aborted[0].partition(_ABORTED)[2].strip() if aborted else lines[0]


_ABORTED = "Collective ops is aborted by:"


def _lost() -> tuple[type[Exception], ...]:
    errors = tf.errors
    return (
        errors.UnavailableError,
        errors.DeadlineExceededError,
        errors.AbortedError,
        errors.CancelledError,
        errors.InternalError,
        errors.FailedPreconditionError,
        errors.NotFoundError,
    )


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

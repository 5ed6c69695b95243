"""Exchange vectors, numbers and texts between the connected workers of a training.

The engine calls TensorFlow's collective operations itself, in the steps that it compiles.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasnets._errors import WorkerLostError
from kerasnets._lazy import tf
from kerasnets.engine.workers import Workers

# For a timeout, TensorFlow would start a thread per operation, which sleeps until then. A worker
# that is killed or stopped is noticed by its connection or its heartbeat.
_NO_TIMEOUT = 0
_GROUP_KEY = 1  # of all workers; the next ones are those of the first worker with each other one


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
            timeout_seconds=_NO_TIMEOUT,
        )

    def concatenate(self, vector: Any) -> Any:
        """Return the vectors of all workers one after the other, inside a compiled function."""
        return tf.raw_ops.CollectiveGatherV2(
            input=vector,
            group_size=self.size,
            group_key=_GROUP_KEY,
            instance_key=self.new_key(),
            ordering_token=[],
            communication_hint="ring",
            timeout_seconds=_NO_TIMEOUT,
        )

    def send(self, vector: Any, other: int, key: int) -> Any:
        """Send a vector between the first worker and another one, inside a compiled function.

        Args:
            vector: a tensor.
            other: index of the worker that is not the first one.
            key: from :meth:`new_key`, the same on both workers.

        Returns:
            The vector, once it is sent.
        """
        return tf.raw_ops.CollectiveBcastSendV2(
            input=vector,
            group_size=2,
            group_key=_GROUP_KEY + other,
            instance_key=key,
            timeout_seconds=_NO_TIMEOUT,
        )

    def receive(self, like: Any, other: int, key: int) -> Any:
        """Receive what :meth:`send` sends: a vector of the type and shape of ``like``."""
        received = tf.raw_ops.CollectiveBcastRecvV2(
            group_size=2,
            group_key=_GROUP_KEY + other,
            instance_key=key,
            shape=tf.shape(like),
            T=like.dtype,
            timeout_seconds=_NO_TIMEOUT,
        )
        return tf.ensure_shape(received, like.shape)

    def new_key(self) -> int:
        """Return the key of an operation of a compiled function.

        It is equal on all workers, because they trace the same operations.
        """
        return next(self._keys)

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
        """The key of an operation.

        An eager operation uses its key again, so that TensorFlow does not register one per call.
        """
        if tf.inside_function():
            return self.new_key()
        site = vector.dtype.name, tuple(vector.shape), operation
        if site not in self._eager_keys:
            self._eager_keys[site] = self.new_key()
        return self._eager_keys[site]

    def _numpy(self, numbers: np.ndarray, operation: str) -> np.ndarray:
        if numbers.size == 0:  # on every worker
            return numbers
        with self.errors():
            return np.asarray(self.reduce(tf.constant(numbers), operation))


def _reason(error: Exception) -> str:
    """Say in one line what an error of TensorFlow for a lost worker means."""
    text = str(error)
    if _SILENT in text:
        silent = sorted({int(task) for task in re.findall(_TASK, text, re.MULTILINE)})
        return f"no answer from worker {', '.join(map(str, silent))}"
    if isinstance(error, tf.errors.DeadlineExceededError):
        return "no answer from worker 0"  # only the heartbeats, which it answers, have a deadline
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    aborted = [line for line in lines if _ABORTED in line]
    return aborted[0].rpartition(_ABORTED)[2].strip() if aborted else lines[0]


_ABORTED = "Collective ops is aborted by:"
_SILENT = "(stopped sending heartbeats)"
_TASK = r"^/job:worker/replica:0/task:(\d+)$"


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

"""Errors of TensorFlow for a lost worker are explained.

What connected workers do is tested with two processes in ``tests/training/test_workers.py``.
"""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from kerasnets._errors import WorkerLostError
from kerasnets.engine.collectives import _ABORTED, Group
from kerasnets.engine.workers import Workers

WORKERS = Workers(("127.0.0.1:1", "127.0.0.1:2"), 1)


SILENT = (
    f"Graph execution error:\n\n{_ABORTED} {_ABORTED} Error reported from /job:worker/task:1: The "
    "following tasks are unhealthy (stopped sending heartbeats):\n"
    "/job:worker/replica:0/task:2\n/job:worker/replica:0/task:1\nThe tasks have crashed."
)


@pytest.mark.parametrize(
    ("error", "message", "reason"),
    [
        (
            tf.errors.UnavailableError,
            f"Graph execution error:\n\n{_ABORTED} {_ABORTED} Socket closed\nThe end",
            "Socket closed",
        ),
        (tf.errors.UnavailableError, SILENT, "no answer from worker 1, 2"),
        (tf.errors.DeadlineExceededError, "Deadline Exceeded", "no answer from worker 0"),
        (tf.errors.CancelledError, "", ""),
    ],
)
def test_errors_of_tensorflow_for_a_lost_worker_are_explained(error, message, reason):
    with pytest.raises(WorkerLostError) as found, Group(WORKERS).errors():
        raise error(None, None, message)
    assert str(found.value).startswith("Worker 1 ends, because another worker ended")
    assert "run the same command" in str(found.value)
    assert str(found.value).endswith(f"The reason: {reason}")


def test_other_errors_stay_as_they_are():
    with pytest.raises(tf.errors.ResourceExhaustedError), Group(WORKERS).errors():
        raise tf.errors.ResourceExhaustedError(None, None, "out of memory")


def test_nothing_is_exchanged_for_no_numbers():
    assert Group(WORKERS).sum(np.zeros(0)).size == 0

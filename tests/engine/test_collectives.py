"""Workers are connected before TensorFlow runs, on ports that are free.

What connected workers do is tested with two processes in ``tests/training/test_workers.py``.
"""

from __future__ import annotations

import socket

import numpy as np
import pytest
import tensorflow as tf

from kerasnets._errors import WorkerLostError
from kerasnets.engine.collectives import _ABORTED, Group, _check_port, connect, connected
from kerasnets.engine.workers import Workers

WORKERS = Workers(("127.0.0.1:1", "127.0.0.1:2"), 1)


def test_a_process_that_has_used_tensorflow_cannot_be_connected():
    tf.zeros(1)
    with pytest.raises(RuntimeError, match="join_workers"):
        connect(WORKERS)
    assert connected() is None


def test_a_port_in_use_is_refused():
    with socket.socket() as used:
        used.bind(("", 0))
        used.listen()
        port = used.getsockname()[1]
        with pytest.raises(OSError, match=f"Worker 0 cannot listen on port {port}"):
            _check_port(Workers((f"127.0.0.1:{port}", "b:1"), 0))


@pytest.mark.parametrize("error", [tf.errors.UnavailableError, tf.errors.DeadlineExceededError])
def test_errors_of_tensorflow_for_a_lost_worker_are_explained(error):
    with (
        pytest.raises(WorkerLostError, match=r"Worker 1 ends.*run the same command.*Socket closed"),
        Group(WORKERS).errors(),
    ):
        raise error(None, None, f"Graph execution error:\n\n{_ABORTED} Socket closed\nThe end")


def test_other_errors_stay_as_they_are():
    with pytest.raises(tf.errors.ResourceExhaustedError), Group(WORKERS).errors():
        raise tf.errors.ResourceExhaustedError(None, None, "out of memory")


def test_nothing_is_exchanged_for_no_numbers():
    assert Group(WORKERS).sum(np.zeros(0)).size == 0

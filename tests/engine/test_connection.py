"""Workers are connected before TensorFlow runs, on ports that are free.

What connected workers do is tested with two processes in ``tests/training/test_workers.py``.
"""

from __future__ import annotations

import socket

import pytest
import tensorflow as tf

from kerasnets.engine.connection import _check_port, connect, connected
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

"""The number of threads of TensorFlow's operations.

TensorFlow splits an operation between threads. For the convolutions of 32 small rows, this costs
more than it saves. TensorFlow reads the number once per process, before its first operation.
"""

from __future__ import annotations

import os

from kerasnets._lazy import tf

_VARIABLE = "TF_NUM_INTRAOP_THREADS"  # read by TensorFlow


def set_threads(threads: int) -> str:
    """Set the number of threads per operation, if TensorFlow has not run an operation yet.

    Args:
        threads: the number; 0 keeps the number of the process, by default that of the cores. The
            environment variable ``TF_NUM_INTRAOP_THREADS`` has precedence.

    Returns:
        A text that says so if it is too late; else an empty text.
    """
    threading = tf.config.threading
    if os.environ.get(_VARIABLE) or threads in (0, get_threads()):
        return ""
    try:
        threading.set_intra_op_parallelism_threads(threads)
    except RuntimeError:
        current = get_threads() or "one thread per core"
        return (
            f"TensorFlow already runs with threads={current}, so threads={threads} has no effect. "
            "It changes the speed and the last digits. Train in a new process to set it."
        )
    return ""


def get_threads() -> int:
    """Return the number of threads per operation of this process; 0 means one per core."""
    return int(os.environ.get(_VARIABLE) or tf.config.threading.get_intra_op_parallelism_threads())

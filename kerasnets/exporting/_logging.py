"""Silences the loggers of libraries, which otherwise write to the user's terminal."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator

# Without the lock, a second thread would save the level that the first one has set, and restore it.
_LOCK = threading.RLock()


@contextlib.contextmanager
def silenced(*loggers: str) -> Iterator[None]:
    """Let the named loggers only write critical messages while the block runs."""
    with _LOCK:
        levels = {name: logging.getLogger(name).level for name in loggers}
        for name in levels:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)

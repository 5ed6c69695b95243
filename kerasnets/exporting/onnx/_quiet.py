"""Keeps libraries from talking on a user's terminal."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator

# Two threads would take each other's silence for the level to go back to.
_LEVELS = threading.RLock()


@contextlib.contextmanager
def quiet(*loggers: str) -> Iterator[None]:
    """Let the named loggers say nothing below critical while the block runs."""
    with _LEVELS:
        levels = {name: logging.getLogger(name).level for name in loggers}
        for name in levels:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)

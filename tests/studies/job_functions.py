"""Functions for tests of executors, which other processes import."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from kerasnets._errors import WriteError


def add(first: int, second: int) -> int:
    """Return a sum."""
    return first + second


def fail(text: str) -> None:
    """Raise an error."""
    raise ValueError(text)


def fill_disk() -> None:
    """Raise the error of a full disk."""
    raise WriteError("runs/a", "the disk is full")


def die_first(path: Path, times: int) -> int:
    """Kill the process of the first calls; return the number of the call that survives."""
    with path.open("a") as file:
        file.write("x")
    calls = len(path.read_text())
    if calls <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    return calls


def wait_forever(path: Path) -> None:
    """Write the id of the process, and do not return."""
    path.write_text(str(os.getpid()))
    time.sleep(600)


def describe(name: str) -> dict[str, str]:
    """Return a description that is the same everywhere."""
    return {"name": name}

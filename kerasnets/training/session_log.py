"""The record of each process of a run in ``environment.json``."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from kerasnets._files import write_json
from kerasnets.engine.workers import Workers
from kerasnets.training.stored import read_environment
from kerasnets.training.threads import get_threads


class SessionLog:
    """The record of one process, written at the start and with each checkpoint."""

    def __init__(self, folder: Path, done: int, workers: Workers | None = None) -> None:
        """Record that a process begins.

        Args:
            folder: the run folder.
            done: number of epochs that are done.
            workers: the workers that train together, of which this is the first.
        """
        self.path = folder / "environment.json"
        self.environment = read_environment(folder)
        self.done, self.clock = done, time.perf_counter()
        self.environment["sessions"].append(
            {
                "started": datetime.now(UTC).isoformat(timespec="seconds"),
                "threads": get_threads() or os.cpu_count(),
                **({"workers": list(workers.addresses)} if workers else {}),
            }
        )
        self._write(done)

    def record(self, epochs: int, xla: bool) -> None:
        """Record how many epochs are done, and whether XLA compiles the steps."""
        self.environment["xla"] = xla
        self._write(epochs)

    def _write(self, epochs: int) -> None:
        seconds = round(time.perf_counter() - self.clock, 3)
        self.environment["sessions"][-1] |= {"epochs": [self.done + 1, epochs], "seconds": seconds}
        write_json(self.path, self.environment)

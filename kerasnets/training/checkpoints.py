"""The state after an epoch, on disk as often as it is worth its time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerasnets._lazy import keras
from kerasnets.training.run_folder import save_model

# An epoch of a small net takes less time than writing its state does.
_MOST_TIME = 0.05


class Checkpoints:
    """``last.keras`` and ``best.keras``, written in a twentieth of the time at most.

    Between two writes the state of the last whole epoch is kept in memory: a training that ends
    in any way but being killed writes it (:meth:`write`), and one that is killed repeats some
    epochs, bit by bit.
    """

    def __init__(self, folder: Path) -> None:
        """Take the run folder."""
        self.folder = folder / "checkpoints"
        self.last: list[np.ndarray] | None = None
        self.best: list[np.ndarray] | None = None
        self.written, self.seconds = -np.inf, 0.0

    def keep(self, model: keras.Model, *, best: bool, over: bool) -> None:
        """Keep the state after an epoch, and write it if it is time to.

        Args:
            model: as it is after the epoch.
            best: the epoch is the best one so far.
            over: the training is over.
        """
        self.last = _values(_state(model))
        if best:
            self.best = _values(model.variables)
        if over or time.perf_counter() - self.written > self.seconds / _MOST_TIME:
            self.write(model)

    def write(self, model: keras.Model) -> None:
        """Write what has been kept since the last time; leave the model in that state.

        ``last.keras`` comes last: a run that is killed before it is replaced repeats the epochs
        since the one before, and writes the other files again.
        """
        if self.last is None:
            return
        started = time.perf_counter()
        if self.best is not None:
            _assign(model.variables, self.best)
            save_model(model, self.folder / "best.keras")
        _assign(_state(model), self.last)
        save_model(model, self.folder / "last.keras")
        self.best = self.last = None
        self.written = time.perf_counter()
        self.seconds = self.written - started


def _state(model: keras.Model) -> list[Any]:
    return [*model.variables, *model.optimizer.variables]


def _values(variables: Sequence[Any]) -> list[np.ndarray]:
    return [variable.numpy() for variable in variables]


def _assign(variables: Sequence[Any], values: Sequence[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)

"""Checkpoints after epochs, written only as often as is cheap."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerasnets._lazy import keras
from kerasnets.training.run_folder import save_model

# Share of the time that writing may take: an epoch of a small net is shorter than a write.
_MAX_SHARE = 0.05


class Checkpoints:
    """``last.keras`` and ``best.keras``. Writing takes at most a twentieth of the time.

    Between two writes, the state of the last complete epoch is kept in memory. It is written when
    the training ends, even after an error or Ctrl-C (:meth:`write`). If the process is killed, the
    resumed run repeats some epochs, with identical results.
    """

    def __init__(self, folder: Path) -> None:
        """Write to the ``checkpoints`` folder of a run folder."""
        self.folder = folder / "checkpoints"
        self.last: list[np.ndarray] | None = None
        self.best: list[np.ndarray] | None = None
        self.epochs = 0
        self.written, self.seconds = -np.inf, 0.0

    def keep(self, model: keras.Model, epochs: int, *, best: bool, over: bool) -> None:
        """Keep the state after an epoch, and write it if it is due.

        Args:
            model: in the state after the epoch.
            epochs: number of complete epochs.
            best: whether the epoch is the best one so far.
            over: whether the training is over.
        """
        last, best_values = _values(_state(model)), _values(model.variables) if best else self.best
        # In one line, so that an interrupt cannot leave a new last state with an old best one.
        self.last, self.best, self.epochs = last, best_values, epochs
        if over or time.perf_counter() - self.written > self.seconds / _MAX_SHARE:
            self.write(model)

    def write(self, model: keras.Model) -> None:
        """Write the states in memory. Afterwards, the model is in the last state.

        ``last.keras`` is written last. If the process is killed before that, the resumed run
        starts from the previous checkpoint and writes the other files again.
        """
        if self.last is None:
            return
        started = time.perf_counter()
        if self.best is not None:
            _assign(model.variables, self.best)
            save_model(model, self.folder / "best.keras")
        _assign(_state(model), self.last)
        save_model(model, self.folder / "last.keras", self.epochs)
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

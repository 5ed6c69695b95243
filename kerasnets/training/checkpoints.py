"""Checkpoints after epochs, written only as often as is cheap."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from kerasnets._lazy import keras
from kerasnets.training.model_file import (
    RunState,
    best_checkpoint,
    count_steps,
    last_checkpoint,
    save_checkpoint,
)

# Share of the time that writing may take: an epoch of a small net is shorter than a write.
_MAX_SHARE = 0.05


@dataclass(frozen=True)
class _Kept:
    """Values of variables after an epoch, and the numbers of epochs and steps until then."""

    values: list[np.ndarray]
    epochs: int
    steps: int


class Checkpoints:
    """``last.keras`` and ``best.keras``. Writing takes at most a twentieth of the time.

    Between two writes, the state of the last complete epoch is kept in memory. It is written when
    the training ends, even after an error or Ctrl-C (:meth:`write`). If the process is killed, the
    resumed run repeats some epochs, with identical results.
    """

    def __init__(
        self,
        folder: Path,
        save_progress: Callable[[int], None],
        make_state: Callable[[Literal["last", "best"], int, int], RunState],
    ) -> None:
        """Write to a run folder.

        Args:
            folder: the run folder.
            save_progress: saves the history of a number of epochs.
            make_state: returns the state of the run for a kind of checkpoint, a number of epochs
                and a number of steps.
        """
        self.folder, self.save_progress, self.make_state = folder, save_progress, make_state
        self.last: _Kept | None = None
        self.best: _Kept | None = None
        self.written, self.seconds = -np.inf, 0.0

    def keep(self, model: keras.Model, epochs: int, *, best: bool, over: bool) -> None:
        """Keep the state after an epoch, and write it if it is due.

        Args:
            model: in the state after the epoch.
            epochs: number of complete epochs.
            best: whether the epoch is the best one so far.
            over: whether the training is over.
        """
        steps = count_steps(model)
        last = _Kept(_values(_state(model)), epochs, steps)
        new_best = _Kept(_values(model.variables), epochs, steps) if best else self.best
        # In one line, so that an interrupt cannot leave a new last state with an old best one.
        self.last, self.best = last, new_best
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
        last, best = self.last, self.best
        self.save_progress(last.epochs)
        if best is not None:
            _assign(model.variables, best.values)
            state = self.make_state("best", best.epochs, best.steps)
            save_checkpoint(model, best_checkpoint(self.folder), state)
        _assign(_state(model), last.values)
        state = self.make_state("last", last.epochs, last.steps)
        save_checkpoint(model, last_checkpoint(self.folder), state)
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

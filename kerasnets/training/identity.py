"""What a run began with, and the check that the files in its folder belong together."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kerasnets._lazy import keras
from kerasnets.data import Dataset
from kerasnets.training.model_file import (
    RunState,
    best_checkpoint,
    count_steps,
    last_checkpoint,
    read_state,
)
from kerasnets.training.recipe import Recipe, recipe_toml
from kerasnets.training.run_folder import (
    History,
    best_epoch,
    describe_data,
    first_epochs,
    history_text,
)

_DATA = ("checksum", "split", "split_seed", "rows")  # a change of these changes the training


@dataclass(frozen=True)
class RunIdentity:
    """What a run began with. Each checkpoint stores it.

    Attributes:
        recipe: the settings, as plain values.
        data: checksum, split and rows of the data set.
        start: SHA-256 of the initial weights.
    """

    recipe: dict[str, Any]
    data: dict[str, Any]
    start: str

    @classmethod
    def of(cls, recipe: Recipe, data: Dataset, start: str) -> RunIdentity:
        """Return the identity of a run."""
        described = describe_data(data)
        settings = tomllib.loads(recipe_toml(recipe))  # with the types that the file has
        return cls(_plain(settings), {name: described[name] for name in _DATA}, start)

    def state(
        self, kind: Literal["last", "best"], epochs: int, steps: int, history: History
    ) -> RunState:
        """Return the state to store in a checkpoint.

        Args:
            kind: which checkpoint.
            epochs: number of complete epochs.
            steps: number of steps that the optimizer has counted.
            history: history of at least these epochs.
        """
        return RunState(
            kind=kind,
            epochs=epochs,
            steps=steps,
            history=_hash_history(history, epochs),
            start=self.start,
            recipe=self.recipe,
            data=self.data,
        )

    def check_files(self, folder: Path, model: keras.Model, history: History) -> int:
        """Check that recipe, data, history and checkpoints belong to the same run.

        Args:
            folder: the run folder.
            model: loaded from its last checkpoint.
            history: read from its ``history.csv``.

        Returns:
            The number of complete epochs.

        Raises:
            ValueError: if they do not. The message names the file, and what to do.
        """
        path = last_checkpoint(folder)
        state = self._read(path, "last", folder)
        if state.steps != count_steps(model):
            raise ValueError(
                f"{path} has {state.epochs} epochs after {state.steps} steps, but its optimizer "
                f"has counted {count_steps(model)} steps. {_RESTORE}"
            )
        _check_history(folder, history, state)
        if state.epochs:
            best = self._read(best_checkpoint(folder), "best", folder)
            # It may be of a later epoch, if the process was killed before it saved that epoch.
            if best.epochs <= state.epochs:
                self.check_best(folder, first_epochs(history, state.epochs))
        return state.epochs

    def check_best(self, folder: Path, history: History) -> None:
        """Check that ``best.keras`` has the weights of the best epoch of a history.

        Raises:
            ValueError: if it has not.
        """
        path = best_checkpoint(folder)
        found = self._read(path, "best", folder)
        expected = best_epoch(history, self.recipe["monitor"])
        if found.epochs != expected or found.history != _hash_history(history, expected):
            raise ValueError(
                f"{path} is of epoch {found.epochs}, but the best epoch of this run is {expected}. "
                f"{_RESTORE}"
            )

    def _read(self, path: Path, kind: str, folder: Path) -> RunState:
        """Read the state in a checkpoint, and compare it with this identity."""
        state = read_state(path)
        if state.kind != kind:
            raise ValueError(f"{path} is a copy of {state.kind}.keras. {_RESTORE}")
        for name, began in state.recipe.items():
            if (now := self.recipe.get(name)) != began:
                raise ValueError(
                    f"{folder / 'recipe.toml'} has {name} = {now!r}, but {path} was trained with "
                    f"{name} = {began!r}. Restore the recipe, or train with the new settings into "
                    "another folder."
                )
        for name, began in state.data.items():
            if (now := self.data.get(name)) != began:
                raise ValueError(
                    f"{path} was trained on data with {name} {began}, but these data have {name} "
                    f"{now}. Pass the same data in the same split."
                )
        if state.start != self.start:
            raise ValueError(f"{path} belongs to another run. {_RESTORE}")
        return state


_RESTORE = "Restore the files of this run from a copy, or train again."


def _check_history(folder: Path, history: History, state: RunState) -> None:
    epochs = len(next(iter(history.values()), ()))
    if epochs < state.epochs:
        raise ValueError(
            f"{folder / 'history.csv'} has {epochs} epochs, but {last_checkpoint(folder)} has "
            f"{state.epochs}. {_RESTORE}"
        )
    if _hash_history(history, state.epochs) != state.history:
        raise ValueError(
            f"{folder / 'history.csv'} is not the history that {last_checkpoint(folder)} was saved "
            f"with. {_RESTORE}"
        )


def _hash_history(history: Mapping[str, list[float]], epochs: int) -> str:
    text = history_text(first_epochs(dict(history), epochs))
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Return a value with the types that JSON has."""
    return json.loads(json.dumps(value, default=str))

"""The ``.keras`` files of a run: checkpoints that know their run, and the final model."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import tempfile
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from kerasnets._files import atomic_write
from kerasnets._lazy import keras
from kerasnets.nets.new_arguments import (
    CONFIG,
    METADATA,
    copy_members,
    without_new_arguments,
)
from kerasnets.training.run_folder import damaged

_STATE = "run.json"  # member of a checkpoint, which Keras ignores
_NO_DATE = "1980-01-01@00:00:00"
_NO_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can store


@dataclass(frozen=True, config=ConfigDict(strict=True, extra="forbid"))
class RunState:
    """The state of a run, stored in its checkpoints, so that files of two runs cannot be mixed.

    Attributes:
        kind: ``"last"`` for the last complete epoch, ``"best"`` for the best one.
        epochs: number of complete epochs.
        steps: number of steps that the optimizer has counted.
        history: SHA-256 of the history of these epochs.
        start: SHA-256 of the initial weights.
        recipe: the settings.
        data: checksum, split and rows of the data set.
    """

    kind: Literal["last", "best"]
    epochs: int
    steps: int
    history: str
    start: str
    recipe: dict[str, Any]
    data: dict[str, Any]


def last_checkpoint(folder: Path) -> Path:
    """Return the file with the state after the last complete epoch, optimizer included."""
    return folder / "checkpoints" / "last.keras"


def best_checkpoint(folder: Path) -> Path:
    """Return the file with the weights of the best epoch."""
    return folder / "checkpoints" / "best.keras"


def count_steps(model: keras.Model) -> int:
    """Return the number of steps, including those that only accumulate gradients."""
    return int(model.optimizer._iterations)


def hash_weights(model: keras.Model) -> str:
    """Return the SHA-256 of the weights of a model."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def save_checkpoint(model: keras.Model, path: Path, state: RunState) -> None:
    """Save a model, its optimizer and the state of its run, completely or not at all."""
    with atomic_write(path) as temporary:
        model.save(temporary)
        with zipfile.ZipFile(temporary, "a") as file:
            file.writestr(_STATE, json.dumps(asdict(state)))


def read_state(path: Path) -> RunState:
    """Read the state of the run from a checkpoint.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is damaged or is not a checkpoint.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist. Restore it, or train again.")
    try:
        with zipfile.ZipFile(path) as file:
            text = file.read(_STATE)
        return TypeAdapter(RunState).validate_json(text)
    except KeyError as error:
        raise ValueError(
            f"{path} is not a checkpoint of this version of kerasnets: it has no {_STATE}. Restore "
            "the checkpoint of this run, or train again."
        ) from error
    except ValidationError as error:
        raise damaged(path, f"{_STATE}: {error.errors()[0]['msg']}") from error
    except Exception as error:
        raise damaged(path, str(error)) from error


def save_final_model(model: keras.Model, path: Path, learning_rate: float) -> None:
    """Save a trained model so that equal weights give equal bytes.

    Older versions of Keras can load the file, unless the model needs something of a newer one.
    The file has no state of the optimizer, which depends on the time of the last checkpoint. When
    it is loaded, the model is compiled with a new optimizer, and can be evaluated or trained.

    Args:
        model: compiled. Its optimizer is reset.
        path: the file to write.
        learning_rate: learning rate of the optimizer, unless it has a schedule.
    """
    _reset_optimizer(model, learning_rate)
    with atomic_write(path) as temporary, tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / path.name
        model.save(saved)
        _copy_reproducibly(saved, temporary)


def _reset_optimizer(model: keras.Model, learning_rate: float) -> None:
    optimizer = model.optimizer
    new = type(optimizer).from_config(optimizer.get_config())
    for each in (optimizer, new):
        each.build(model.trainable_variables)  # does nothing if it has variables
    for variable, value in zip(optimizer.variables, new.variables, strict=True):
        variable.assign(value)
    with contextlib.suppress(TypeError):  # a schedule starts again by itself
        optimizer.learning_rate = learning_rate


def _copy_reproducibly(source: Path, target: Path) -> None:
    """Copy a model file without what differs between equal models, and without new arguments.

    What differs: the times of its members, the date, and the ids of objects that layers share.
    """
    edits = {
        METADATA: lambda text: json.dumps({**json.loads(text), "date_saved": _NO_DATE}),
        CONFIG: lambda text: _number_shared_objects(without_new_arguments(text)),
    }
    copy_members(source, target, edits, _header_without_time)


def _header_without_time(member: zipfile.ZipInfo) -> zipfile.ZipInfo:
    header = zipfile.ZipInfo(member.filename, _NO_TIME)
    header.compress_type, header.file_size = zipfile.ZIP_DEFLATED, member.file_size
    return header


def _number_shared_objects(config: str) -> str:
    """Replace the ids of shared objects, which are addresses in memory, by 1, 2 and so on."""
    numbers: dict[str, int] = {}
    return re.sub(
        r'(?<="shared_object_id": )\d+',
        lambda found: str(numbers.setdefault(found[0], len(numbers) + 1)),
        config,
    )

"""Read the files of a run folder, and refuse damaged ones."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kerasnets.training.recipe import Recipe, check_recipe, read_settings
from kerasnets.training.run_folder import History, damaged, history_text

Arrays = dict[str, np.ndarray]


class _Stored(BaseModel):
    """A JSON object of which some keys are required; others are allowed."""

    model_config = ConfigDict(strict=True, extra="ignore")


class _Data(_Stored):
    name: str
    simulated: bool
    source: str
    checksum: str
    split: str
    split_seed: int
    rows: dict[str, int]
    class_names: list[str]
    units: str
    target_names: list[str] = []
    target_units: str = ""
    feature_names: list[str] = []
    codebook: list[dict[str, Any]] = []


class _Session(_Stored):
    started: str
    epochs: list[int] = Field(min_length=2, max_length=2)
    seconds: float


class _Environment(_Stored):
    versions: dict[str, str]
    commit: str | None
    task: str
    start: str = ""  # this and the next two are missing in runs of earlier versions
    examples: str = ""
    model: str = ""
    data: _Data
    sessions: list[_Session]
    xla: bool = False


class _Metrics(_Stored):
    train: dict[str, Any]
    validation: dict[str, Any]
    test: dict[str, Any]


def check_is_run(folder: Path) -> None:
    """Check that a folder is a run folder.

    Raises:
        FileNotFoundError: if it is not.
    """
    if not (folder / "recipe.toml").is_file():
        raise FileNotFoundError(f"{folder} is not a run folder: it has no recipe.toml.")


def read_run_recipe(folder: Path) -> Recipe:
    """Read the recipe of a run folder; its net need not be in the catalogue.

    Raises:
        FileNotFoundError: if it is not a run folder.
        ValueError: if the recipe is damaged.
    """
    check_is_run(folder)
    path = folder / "recipe.toml"
    return check_recipe(read_settings(path), str(path))


def read_environment(folder: Path) -> dict[str, Any]:
    """Read ``environment.json`` of a run folder.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged.
    """
    return _read_json(folder / "environment.json", _Environment)


def read_metrics(folder: Path) -> dict[str, Any]:
    """Read ``metrics.json`` of a run folder; errors as in :func:`read_environment`."""
    return _read_json(folder / "metrics.json", _Metrics)


def _read_json(path: Path, form: type[BaseModel]) -> dict[str, Any]:
    text = _read_text(path)
    try:
        form.model_validate_json(text)
        return dict(json.loads(text))
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        raise damaged(path, f"{where}: {problem['msg']}" if where else problem["msg"]) from error
    except (ValueError, RecursionError) as error:  # numbers or nesting beyond Python's limits
        raise damaged(path, str(error)) from error


def _read_text(path: Path) -> str:
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist, so the run folder is not complete. Restore the file, or train "
            "again."
        )
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise damaged(path, str(error)) from error


def read_history(folder: Path) -> History:
    """Read the history of a run folder; empty if there is none yet.

    Raises:
        ValueError: if the file is not exactly as it was written: complete lines, one per epoch,
            with as many numbers as the header has names. The message names the line.
    """
    path = folder / "history.csv"
    if not path.is_file():
        return {}
    text = _read_text(path)
    if not text.endswith("\n"):
        raise damaged(path, "its last line is not complete")
    try:
        header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    except (csv.Error, ValueError) as error:
        raise damaged(path, str(error)) from error
    if header[:1] != ["epoch"] or len(set(header)) != len(header):
        raise damaged(path, f"its header is {','.join(header)!r}")
    for number, row in enumerate(rows, 1):
        _check_row(path, number, row, len(header))
    history = {key: [float(row[at]) for row in rows] for at, key in enumerate(header) if at}
    if history_text(history) != text:
        raise damaged(path, "it is not exactly as it was written")
    return history


def _check_row(path: Path, number: int, row: list[str], columns: int) -> None:
    line = f"line {number + 1}"
    if len(row) != columns:
        raise damaged(path, f"{line} has {len(row)} fields, but the header has {columns}")
    if row[0] != str(number):
        raise damaged(path, f"{line} must be epoch {number}, but is epoch {row[0]!r}")
    for value in row[1:]:
        try:
            float(value)
        except ValueError as error:
            raise damaged(path, f"{line} has {value!r}, which is not a number") from error


def check_model_file(path: Path, sha256: str) -> None:
    """Check that the final model of a run has not changed since it was written.

    Args:
        path: the file; :func:`kerasnets.nets.load_model` reports a missing one.
        sha256: its checksum, from ``environment.json``; empty if it is not known.

    Raises:
        ValueError: if it has changed.
    """
    if sha256 and path.is_file() and checksum_of(path) != sha256:
        raise damaged(path, "it does not have the checksum in environment.json")


def checksum_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_examples(folder: Path, sha256: str) -> Arrays:
    """Read the raw test inputs of a run folder by name.

    Args:
        folder: the run folder.
        sha256: checksum of the file, from ``environment.json``; empty if it is not known.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged, or has changed since it was written.
    """
    path = folder / "examples.npz"
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist. Restore it, or train again.")
    content = path.read_bytes()
    if sha256 and hashlib.sha256(content).hexdigest() != sha256:
        raise damaged(path, "it does not have the checksum in environment.json")
    try:
        with np.load(io.BytesIO(content)) as arrays:
            return dict(arrays)
    except Exception as error:  # of zipfile, zlib, tokenize and NumPy
        raise damaged(path, str(error) or type(error).__name__) from error

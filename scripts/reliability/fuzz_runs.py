"""Fuzz targets: a recipe, the folder of a finished run, its model, and a run that was stopped.

A stopped run must be resumed exactly as it was or not at all. In the other targets, a number that
was changed in a text file is loaded as it is written there.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
import io
import json
import tempfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from fuzzing import Target, UnreadableError, register

import kerasnets as kn
from kerasnets.training.identity import RunIdentity
from kerasnets.training.model_file import last_checkpoint
from kerasnets.training.recipe import Recipe, read_recipe
from kerasnets.training.stored import read_environment, read_history, read_run_recipe

Files = dict[str, bytes]
NET, EPOCHS = "seizure-mlp", 2
_UNREADABLE = (ValueError, KeyError, RecursionError, EOFError, OSError, zipfile.BadZipFile)


@functools.cache
def data() -> kn.Dataset:
    """Three classes of random rows."""
    rng = np.random.default_rng(0)
    return kn.Dataset.from_arrays(rng.normal(size=(60, 5)), np.arange(60) % 3, seed=0)


@functools.cache
def run_files() -> Files:
    """All files of a finished run, by path."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "run"
        settings = {"net_arguments": {"units": [3]}, "batch_size": 16}
        kn.train(NET, data=data(), out=folder, epochs=EPOCHS, progress=False, **settings)
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and "figures" not in path.parts
        }


def _only(*names: str) -> Files:
    return {name: run_files()[name] for name in names}


def recipe_files() -> Files:
    """A recipe with every setting."""
    return _only("recipe.toml")


def load_recipe(folder: Path) -> dict[str, Any]:
    """Read the recipe as ``kerasnets train --recipe`` does."""
    return dataclasses.asdict(read_recipe(folder / "recipe.toml"))


def read_recipe_again(files: Files, loaded: Any) -> dict[str, Any]:
    """The settings in the file, completed by the defaults."""
    settings = _toml(files["recipe.toml"])
    spec = kn.describe(settings["net"])
    defaults = dataclasses.asdict(Recipe(net=settings["net"]))
    return {**defaults, "data": spec.data, **spec.recipe, **settings}


def folder_files() -> Files:
    """The files of a finished run without its models."""
    return _only("recipe.toml", "environment.json", "history.csv", "metrics.json", "examples.npz")


def load_folder(folder: Path) -> dict[str, Any]:
    """Load a run, and its examples."""
    run = kn.load_run(folder)
    return {
        "recipe": dataclasses.asdict(run.recipe),
        "history": run.history,
        "metrics": run.metrics,
        "environment": run.environment,
        "best epoch": run.best_epoch,
        "examples": run.example_inputs,
    }


def read_folder(files: Files, loaded: Any) -> dict[str, Any]:
    """The same from the bytes of the files."""
    missing = folder_files().keys() - files.keys()
    if missing:
        raise UnreadableError(f"{', '.join(missing)} is missing")
    recipe = {**loaded["recipe"], **_toml(files["recipe.toml"])}
    history = _history(files["history.csv"])
    monitored = history.get(recipe["monitor"], [])
    best = max if recipe["monitor"].endswith("accuracy") else min
    return {
        "recipe": recipe,
        "history": history,
        "metrics": _json(files["metrics.json"]),
        "environment": _json(files["environment.json"]),
        "best epoch": 1 + monitored.index(best(monitored)) if monitored else 0,
        "examples": _examples(files["examples.npz"]),
    }


def model_files() -> Files:
    """The model of a finished run."""
    return _only("model.keras")


def load_model(folder: Path) -> list[np.ndarray]:
    """Load the model of a run, and return its weights and its outputs for some rows."""
    for name, content in folder_files().items():
        (folder / name).write_bytes(content)
    model = kn.load_run(folder).model
    return [*model.get_weights(), np.asarray(model(data().test.x))]


@functools.cache
def _model_values() -> list[np.ndarray]:
    with tempfile.TemporaryDirectory() as work:
        (Path(work) / "model.keras").write_bytes(model_files()["model.keras"])
        return load_model(Path(work))


def stopped_files() -> Files:
    """A run that was stopped after training and before evaluation."""
    names = ("recipe.toml", "environment.json", "history.csv")
    return _only(*names, "checkpoints/last.keras", "checkpoints/best.keras")


def load_stopped(folder: Path) -> dict[str, Any]:
    """Read all that resuming reads before it runs a step."""
    from kerasnets.nets import load_model

    recipe, history = read_run_recipe(folder), read_history(folder)
    environment, model = read_environment(folder), load_model(last_checkpoint(folder))
    identity = RunIdentity.of(recipe, data(), environment["start"])
    epochs = identity.check_files(folder, model, history)
    best = load_model(folder / "checkpoints" / "best.keras")
    return {
        "recipe": dataclasses.asdict(recipe),
        "history": {name: values[:epochs] for name, values in history.items()},
        "weights": [*model.get_weights(), *best.get_weights()],
        "optimizer": [np.asarray(variable) for variable in model.optimizer.variables],
    }


@functools.cache
def _stopped_values() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as work:
        for name, content in stopped_files().items():
            (Path(work) / name).parent.mkdir(exist_ok=True)
            (Path(work) / name).write_bytes(content)
        return load_stopped(Path(work))


def _toml(content: bytes) -> dict[str, Any]:
    return dict(_parse(lambda: tomllib.loads(content.decode()), "recipe.toml"))


def _json(content: bytes) -> Any:
    return _parse(lambda: json.loads(content.decode()), "the JSON file")


def _history(content: bytes) -> dict[str, list[float]]:
    lines = content.decode().split("\r\n")
    if lines.pop() != "":
        raise UnreadableError("the last line of the history is not complete")
    header, *rows = [next(csv.reader([lines[0]]), [])] + [line.split(",") for line in lines[1:]]
    if [row[0] for row in rows] != [str(number) for number in range(1, EPOCHS + 1)]:
        raise UnreadableError("the history has other epochs")
    if any(len(row) != len(header) for row in rows):
        raise UnreadableError("a line of the history has too many or too few cells")
    columns = zip(*rows, strict=True)
    return {
        name: _parse(lambda cells=cells: [float(cell) for cell in cells], "history.csv")
        for name, cells in zip(header, columns, strict=True)
        if name != "epoch"
    }


def _examples(content: bytes) -> np.ndarray:
    def read() -> np.ndarray:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            return np.lib.format.read_array(io.BytesIO(file.read("x.npy")))

    return _parse(read, "examples.npz")


def _parse(read: Any, name: str) -> Any:
    try:
        return read()
    except _UNREADABLE as error:
        raise UnreadableError(f"{name} cannot be read: {error}") from error


register(Target("recipe", recipe_files, load_recipe, read_recipe_again))
register(Target("run folder", folder_files, load_folder, read_folder))
register(Target("run model", model_files, load_model, lambda files, loaded: _model_values()))
register(
    Target("stopped run", stopped_files, load_stopped, lambda files, loaded: _stopped_values())
)

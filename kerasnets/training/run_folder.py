"""The run folder: everything one training leaves behind, and nothing of it half written.

```
recipe.toml        what was asked for, every setting written out
environment.json   versions, machine, commit, data set with checksum, sessions with their seconds
history.csv        one line an epoch; the same seed gives the same bytes
checkpoints/       last.keras (with the optimizer's state) and best.keras
model.keras        the best epoch's weights; raw values in, logits out
examples.npz       some raw test inputs, for export to verify with
metrics.json       train, validation and test; its presence says the run is finished
figures/           learning curves, confusion matrix, ROC curves, each as PNG and SVG
```
"""

from __future__ import annotations

import csv
import functools
import importlib.metadata
import json
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import kerasnets
from kerasnets._files import atomic_write
from kerasnets._lazy import keras
from kerasnets.data.dataset import Dataset
from kerasnets.data.ehr.visits import VisitSequences
from kerasnets.nets import load_model
from kerasnets.training.recipe import Recipe, check_recipe, read_settings

History = dict[str, list[float]]
LOG_LOSS = "log_loss"  # the metric that nets with weight penalties have beside the loss

_LIBRARIES = ("tensorflow", "keras", "numpy", "onnx", "onnxruntime", "tf2onnx")
_EXAMPLES = 32


@dataclass(frozen=True)
class Run:
    """A training and what it left in its folder.

    Attributes:
        folder: the run folder.
        recipe: how the net was trained.
        history: one value an epoch for each of loss, accuracy, val_loss, val_accuracy and
            learning_rate, and of log_loss and val_log_loss where the loss holds penalties too.
        metrics: ``{"train": …, "validation": …, "test": {"accuracy": …, "auroc": …}}``.
        environment: versions, machine, commit, data set and sessions.
    """

    folder: Path
    recipe: Recipe
    history: History
    metrics: dict[str, dict[str, Any]]
    environment: dict[str, Any]

    @property
    def name(self) -> str:
        """The net's name."""
        return self.recipe.net

    @functools.cached_property
    def model(self) -> keras.Model:
        """The trained model, best epoch: raw values in, logits out."""
        return load_model(self.folder / "model.keras")

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights were kept, counted from 1."""
        return best_epoch(self.history, self.recipe.monitor)

    @property
    def seconds(self) -> float:
        """Seconds spent in training, all sessions together."""
        return sum(session["seconds"] for session in self.environment["sessions"])

    @property
    def class_names(self) -> tuple[str, ...]:
        """One name a class, in the order of the logits."""
        return tuple(self.environment["data"]["class_names"])

    @property
    def units(self) -> str:
        """The physical unit of the inputs."""
        return str(self.environment["data"]["units"])

    @property
    def codebook(self) -> list[dict[str, Any]]:
        """Of a table of text, how its columns became numbers: ``encode_table`` takes it."""
        return list(self.environment["data"].get("codebook", []))

    @property
    def example_inputs(self) -> np.ndarray | dict[str, np.ndarray]:
        """Some raw test inputs, by input name where there are several."""
        with np.load(self.folder / "examples.npz") as arrays:
            examples = dict(arrays)
        return examples["x"] if list(examples) == ["x"] else examples

    @property
    def provenance(self) -> dict[str, str]:
        """Where the model comes from, for its card and its exported files."""
        data = self.environment["data"]
        return {
            "net": self.recipe.net,
            "data": data["name"],
            "data_checksum": data["checksum"],
            "split": data["split"],
            "seed": str(self.recipe.seed),
            "best_epoch": str(self.best_epoch),
            "test_accuracy": str(self.metrics["test"]["accuracy"]),
            "commit": str(self.environment["commit"]),
            **{name: str(version) for name, version in self.environment["versions"].items()},
            # Not in the graph, which takes numbers, but with it wherever it goes.
            **({"codebook": json.dumps(self.codebook)} if self.codebook else {}),
        }


def load_run(folder: str | Path) -> Run:
    """The run in a folder.

    Raises:
        FileNotFoundError: if the folder holds no run.
        ValueError: if the run is not finished; the message says how to go on with it.
    """
    folder = Path(folder)
    if not (folder / "recipe.toml").is_file():
        raise FileNotFoundError(f"{folder} is not a run folder: it has no recipe.toml.")
    if not (folder / "metrics.json").is_file():
        raise ValueError(
            f"The run in {folder} is not finished. Go on with it: kerasnets train --resume {folder}"
        )
    return Run(
        folder=folder,
        recipe=read_run_recipe(folder),
        history=read_history(folder),
        metrics=read_json(folder / "metrics.json"),
        environment=read_json(folder / "environment.json"),
    )


def read_run_recipe(folder: Path) -> Recipe:
    """The recipe of a run folder, which may be that of a net outside the catalogue."""
    path = folder / "recipe.toml"
    return check_recipe(read_settings(path), str(path))


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file of the run folder."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def read_history(folder: Path, epochs: int | None = None) -> History:
    """The history of a run folder; of its first ``epochs`` epochs where given."""
    path = folder / "history.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:epochs]
    keys = [key for key in rows[0] if key != "epoch"] if rows else []
    return {key: [float(row[key]) for row in rows] for key in keys}


def write_history(folder: Path, history: History) -> None:
    """Write the history as CSV, each number with all its digits."""
    with (
        atomic_write(folder / "history.csv") as path,
        path.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(["epoch", *history])
        writer.writerows(
            [epoch, *values] for epoch, values in enumerate(zip(*history.values(), strict=True), 1)
        )


def save_model(model: keras.Model, path: Path) -> None:
    """Save a model as ``.keras``, whole or not at all."""
    with atomic_write(path) as temporary:
        model.save(temporary)


def save_examples(folder: Path, data: Dataset) -> None:
    """Keep some raw test inputs from all over the split, for export to make its reference from."""
    x = data.test.x
    rows = np.linspace(0, len(data.test) - 1, min(_EXAMPLES, len(data.test))).astype(int)
    if isinstance(x, VisitSequences):
        examples: dict[str, Any] = x.take(rows)
    else:
        arrays = {"x": x} if isinstance(x, np.ndarray) else x
        examples = {name: array[rows] for name, array in arrays.items()}
    with atomic_write(folder / "examples.npz") as path:
        np.savez(path, **examples)


def without_penalties(history: History) -> History:
    """The history with the losses of nets with weight penalties as they would be without."""
    return history | {
        prefix + "loss": history[prefix + LOG_LOSS]
        for prefix in ("", "val_")
        if prefix + LOG_LOSS in history
    }


def best_epoch(history: History, monitor: str) -> int:
    """The epoch, counted from 1, with the best value; the first of equals."""
    values = np.asarray(without_penalties(history)[monitor])
    losses = -values if monitor.endswith("accuracy") else values
    return 1 + int(np.argmin(np.where(np.isfinite(losses), losses, np.inf)))


def describe_environment(data: Dataset) -> dict[str, Any]:
    """Versions, machine, commit and data set of a run, ready for JSON."""
    return {
        "versions": {
            "kerasnets": kerasnets.__version__,
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in _LIBRARIES},
        },
        "machine": {"platform": platform.platform(), "cpus": os.cpu_count()},
        "commit": _commit(),
        "data": describe_data(data),
        "sessions": [],
    }


def describe_data(data: Dataset) -> dict[str, Any]:
    """What a run has to know of its data set, ready for JSON."""
    return {
        "name": data.name,
        "simulated": data.simulated,
        "source": data.source,
        "checksum": data.checksum,
        "split": data.split,
        "split_seed": data.seed,
        "rows": {name: len(split) for name, split in data.splits.items()},
        "class_names": list(data.class_names),
        "units": data.units,
        **({"codebook": list(data.codebook)} if data.codebook else {}),
    }


def _commit() -> str | None:
    """The commit kerasnets runs from, marked where files differ from it; None outside its git."""
    folder = Path(__file__).parent

    def git(*words: str) -> str:
        command = ["git", "-C", str(folder), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        # An installed package may lie inside the repository of somebody else's project.
        git("ls-files", "--error-unmatch", Path(__file__).name)
        return git("describe", "--always", "--dirty", "--abbrev=40")
    except (OSError, subprocess.CalledProcessError):
        return None

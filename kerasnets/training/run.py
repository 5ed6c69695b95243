"""A finished run: its model, history and metrics, loaded from its folder."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kerasnets._display import html_block
from kerasnets._lazy import keras
from kerasnets.data import Dataset, VisitSequences
from kerasnets.data.tables.codebook import encode_table
from kerasnets.data.tables.privacy import MIN_ROWS
from kerasnets.evaluation.baseline import headline
from kerasnets.evaluation.predict import predict_outputs
from kerasnets.evaluation.tasks import get_task
from kerasnets.nets import load_model
from kerasnets.training.recipe import Recipe
from kerasnets.training.run_data import load_run_data
from kerasnets.training.run_folder import (
    History,
    best_epoch,
    damaged,
    without_penalties,
)
from kerasnets.training.stored import (
    check_is_run,
    check_model_file,
    read_environment,
    read_examples,
    read_history,
    read_metrics,
    read_run_recipe,
)


@dataclass(frozen=True, repr=False)
class Run:
    """A finished training and what it wrote to its folder.

    Attributes:
        folder: the run folder.
        recipe: how the net was trained.
        history: one value per epoch for ``loss``, the metrics, the same with ``val_`` in front, and
            ``learning_rate``; also ``log_loss`` and ``val_log_loss`` if the loss has penalties.
        metrics: ``{"train": …, "validation": …, "test": {"accuracy": …, "auroc": …}}``.
        environment: versions, machine, commit, data set and sessions.
    """

    folder: Path
    recipe: Recipe
    history: History
    metrics: dict[str, dict[str, Any]]
    environment: dict[str, Any]

    def __repr__(self) -> str:
        figures = ", ".join(f"{name} {value:.4f}" for name, value in self._headline.items())
        return (
            f"Run({self.name!r} on {self._data_name!r}, best epoch {self.best_epoch} of "
            f"{len(self.history['loss'])}, test {figures}, folder {str(self.folder)!r})"
        )

    def _repr_html_(self) -> str:
        """Describe the run in a notebook."""
        title = f"{self.name} on {self._data_name}, split by {self.recipe.split}"
        facts = {
            "folder": self.folder,
            "best epoch": f"{self.best_epoch} of {len(self.history['loss'])}",
            "seconds": f"{self.seconds:.1f}",
        }
        names = [*self._headline, "log_loss"] if "log_loss" in self.metrics["test"] else ["mae"]
        rows = [
            [split, *("" if values[name] is None else f"{values[name]:.4f}" for name in names)]
            for split, values in self.metrics.items()
        ]
        return html_block(title, facts, ["split", *names], rows, "l" + "r" * len(names))

    @property
    def _headline(self) -> dict[str, float]:
        return headline(self.metrics.get("test", {}))

    @property
    def _data_name(self) -> str:
        return str(self.environment["data"]["name"])

    @property
    def name(self) -> str:
        """The net's name."""
        return self.recipe.net

    @functools.cached_property
    def model(self) -> keras.Model:
        """The trained model of the best epoch; it takes raw values and returns logits.

        Raises:
            ValueError: if ``model.keras`` is damaged or has changed.
        """
        path = self.folder / "model.keras"
        check_model_file(path, self.environment.get("model", ""))
        return load_model(path)

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights were kept, counted from 1."""
        return best_epoch(self.history, self.recipe.monitor)

    @property
    def seconds(self) -> float:
        """Seconds of training, summed over all sessions."""
        return sum(session["seconds"] for session in self.environment["sessions"])

    @property
    def task(self) -> str:
        """What was learned: classification, binary, multilabel or regression."""
        return str(self.environment.get("task", "classification"))

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of each class, in the order of the logits; empty for a regression."""
        return tuple(self.environment["data"]["class_names"])

    @property
    def target_names(self) -> tuple[str, ...]:
        """Name of each target of a regression; else empty."""
        return tuple(self.environment["data"].get("target_names", ()))

    @property
    def target_units(self) -> str:
        """The physical unit of the targets of a regression."""
        return str(self.environment["data"].get("target_units", ""))

    @property
    def units(self) -> str:
        """The physical unit of the inputs."""
        return str(self.environment["data"]["units"])

    @property
    def codebook(self) -> list[dict[str, Any]]:
        """How text columns were encoded as numbers, for ``kerasnets.data.encode_table``."""
        return list(self.environment["data"].get("codebook", []))

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Name of each code of the visits, in the order of the inputs; empty for other data."""
        return tuple(self.environment["data"].get("vocabulary", ()))

    def predict(self, x: Any, batch_size: int = 256) -> np.ndarray:
        """Predict for raw inputs.

        Args:
            x: inputs like those of the data set: an array, a dict of arrays, sequences, or for a
                table with text columns a DataFrame.
            batch_size: rows per batch.

        Returns:
            Float64 of shape ``(n, outputs)``: a probability per class or label, the probability of
            the second class for one output, or the values of a regression.

        Raises:
            ValueError: if the inputs do not fit the model, sequences have other codes than the data
                of the run, or an output is not finite.
        """
        if isinstance(x, VisitSequences) and self.vocabulary not in ((), x.names):
            raise ValueError(
                f"The sequences have {x.features} codes, which are not the {len(self.vocabulary)} "
                "codes of the run in their order. Load them with load_data(…, "
                "vocabulary=run.vocabulary)."
            )
        if self.codebook and hasattr(x, "columns"):
            x = encode_table(x, self.codebook)
        return predict_outputs(self.model, x, get_task(self.task), batch_size)

    def load_data(self, data_dir: str | Path | None = None) -> Dataset:
        """Load the data set of the run, in the same split.

        Args:
            data_dir: where to look for its files.

        Raises:
            FileNotFoundError: if its files do not exist; the message says how to get them.
            ValueError: if the data have changed, or were passed as arrays and not by name.
        """
        return load_run_data(self.folder, data_dir=data_dir)

    @property
    def example_inputs(self) -> np.ndarray | dict[str, np.ndarray]:
        """Some raw test inputs, by name of the input if there are several.

        Raises:
            ValueError: if ``examples.npz`` is damaged.
        """
        examples = read_examples(self.folder, self.environment.get("examples", ""))
        return examples["x"] if list(examples) == ["x"] else examples

    @property
    def provenance(self) -> dict[str, str]:
        """Where the model comes from, for its card and its exported files."""
        data = self.environment["data"]
        return {
            "net": self.recipe.net,
            # Of an own file only its name: the folders above may name persons.
            "data": Path(data["name"]).name,
            "data_checksum": data["checksum"],
            "split": data["split"],
            "seed": str(self.recipe.seed),
            "best_epoch": str(self.best_epoch),
            **{f"test_{name}": str(value) for name, value in self._headline.items()},
            "commit": str(self.environment["commit"]),
            **{name: str(version) for name, version in self.environment["versions"].items()},
            # Stored beside the graph, because the graph takes numbers only.
            **({"codebook": _published(self.codebook)} if self.codebook else {}),
        }


def load_run(folder: str | Path) -> Run:
    """Load the run in a folder.

    Raises:
        FileNotFoundError: if there is no run in the folder.
        ValueError: if the run is not finished; the message says how to resume it. Or if a file
            is damaged; the message names the file.
    """
    folder = Path(folder)
    check_is_run(folder)
    if not (folder / "metrics.json").is_file():
        raise ValueError(
            f"The run in {folder} is not finished. Resume it with: "
            f"kerasnets train --resume {folder}"
        )
    run = Run(
        folder=folder,
        recipe=read_run_recipe(folder),
        history=read_history(folder),
        metrics=read_metrics(folder),
        environment=read_environment(folder),
    )
    _check_history(run)
    return run


def _check_history(run: Run) -> None:
    """Refuse a history with other epochs than those of the last session, or without the monitor."""
    path = run.folder / "history.csv"
    epochs, sessions = len(run.history.get("loss", ())), run.environment["sessions"]
    trained = sessions[-1]["epochs"][1] if sessions else 0
    if not epochs or epochs != trained:
        raise damaged(path, f"it has {epochs} epochs, but the run has {trained}")
    for name in (run.recipe.monitor, "learning_rate"):
        if name not in without_penalties(run.history):
            raise damaged(path, f"it has no column {name}")


def _published(codebook: list[dict[str, Any]]) -> str:
    """The codebook as JSON for an export, if nothing in it belongs to single rows."""
    if any(column.get("min_rows", 0) < MIN_ROWS for column in codebook):
        return (
            "left out: the run is from an older version, whose codebook may have texts of single "
            "rows. Train it again to export its codebook."
        )
    return json.dumps(codebook)

"""Trained reference nets by name. Their files are part of the package."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerasnets._display import html_block
from kerasnets._errors import unknown_name
from kerasnets._lazy import keras
from kerasnets.nets import load_model

if TYPE_CHECKING:
    import numpy as np

    from kerasnets.data.dataset import Dataset

_FOLD = {"folds": 5, "fold": 0}
# The nets, and the options of the data set that each was trained with.
_DATA_OPTIONS: dict[str, dict[str, Any]] = {
    "digit-cnn-compact": {},
    "lenet5": {},
    "mortality-gru": {},
    "seizure-cnn": {},
    "seizure-gru": {},
    "seizure-spectral": _FOLD,
    "seizure-spectral-long": {**_FOLD, "samples": 2_047, "step": 178},
    "seizure-spectral-small": _FOLD,
}


@dataclass(frozen=True, repr=False)
class ReferenceNet:
    """A trained net of this package. It can be predicted with, evaluated and exported like a run.

    Attributes:
        name: the name of the net.
        path: its ``.keras`` file.
        card: the model card of its export: inputs, outputs, data set, versions and verification.
        data_options: the options of the data set that it was trained with.
    """

    name: str
    path: Path
    card: dict[str, Any] = field(compare=False)
    data_options: dict[str, Any] = field(compare=False)

    @functools.cached_property
    def model(self) -> keras.Model:
        """The model. It takes raw values and returns logits."""
        return load_model(self.path, compile=False)

    @property
    def task(self) -> str:
        """What was learned; all reference nets are classifiers."""
        return str(self.card.get("task") or "classification")

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of each class, in the order of the logits."""
        return tuple(self.card["class_names"])

    @property
    def units(self) -> str:
        """The physical unit of the inputs."""
        return str(self.card["input_units"])

    @property
    def license(self) -> str:
        """The identifier of the licence of the trained net."""
        return str(self.card["license"])

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """``accuracy`` and ``auroc`` on the test split of its data set."""
        return {"test": dict(self.card["verification"]["test_metrics"]["keras"])}

    @property
    def provenance(self) -> dict[str, str]:
        """Where the model comes from: data set with checksum, seed, commit and versions."""
        return dict(self.card["provenance"])

    def predict(self, x: Any, batch_size: int = 256) -> np.ndarray:
        """Predict for raw inputs.

        Args:
            x: inputs like those of its data set: an array, a dict of arrays, or sequences.
            batch_size: rows per batch.

        Returns:
            A probability per class, float64 of shape ``(n, classes)``.

        Raises:
            ValueError: if the inputs do not fit the model or an output is not finite.
        """
        from kerasnets.evaluation.predict import predict_outputs
        from kerasnets.evaluation.tasks import get_task

        return predict_outputs(self.model, x, get_task(self.task), batch_size)

    def load_data(self, data_dir: str | Path | None = None) -> Dataset:
        """Load the data set that the net was trained on, in the same split.

        Args:
            data_dir: where to look for its files.

        Raises:
            FileNotFoundError: if its files do not exist; the message says how to get them.
        """
        from kerasnets.data import load_data

        return load_data(self.provenance["data"], data_dir, **self.data_options)

    def __repr__(self) -> str:
        figures = ", ".join(f"{name} {value:.4f}" for name, value in self.metrics["test"].items())
        return f"ReferenceNet({self.name!r} on {self.provenance['data']!r}, test {figures})"

    def _repr_html_(self) -> str:
        """Describe the net in a notebook."""
        facts = {
            "classes": ", ".join(self.class_names),
            "parameters": f"{self.card['parameters']:,}",
            "data": f"{self.provenance['data']}, split by {self.provenance['split']}",
            **{f"test {name}": f"{value:.4f}" for name, value in self.metrics["test"].items()},
        }
        return html_block(f"{self.name}, trained", facts)


def list_reference_nets() -> list[str]:
    """The sorted names of the trained nets that :func:`load` loads."""
    return sorted(_DATA_OPTIONS)


def load(name: str) -> ReferenceNet:
    """Load a trained reference net.

    Args:
        name: a name of :func:`list_reference_nets`.

    Raises:
        ValueError: there is no such net; the message contains similar names.
        FileNotFoundError: its files are missing from the installation.
    """
    if name not in _DATA_OPTIONS:
        raise unknown_name("trained net", name, _DATA_OPTIONS)
    path, card = _files(name)
    return ReferenceNet(
        name, path, json.loads(card.read_text(encoding="utf-8")), _DATA_OPTIONS[name]
    )


def _files(name: str) -> tuple[Path, Path]:
    """The ``.keras`` file and the card: in the installed package, or in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed, checkout = package / "reference", package.parent / "exported" / name / "1"
    for files in (
        (installed / f"{name}.keras", installed / f"{name}.json"),
        (checkout / "model.keras", checkout / "card.json"),
    ):
        if all(path.is_file() for path in files):
            return files
    raise FileNotFoundError(
        f"The files of {name!r} are in neither {installed} nor {checkout}. Install kerasnets again."
    )

"""The model card: what was exported, where it comes from, and how it was verified."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from kerasnets.exporting.signature import Served
from kerasnets.exporting.verification.runtimes import CHECKSUMS

_LIBRARIES = ("kerasnets", "keras", "tensorflow", "numpy", "onnx", "tf2onnx", "onnxruntime")


@dataclass(frozen=True)
class About:
    """What the card says about a model in addition to its signature.

    Attributes:
        name: the name of the model.
        version: the version number of this export.
        served_as: the name of the model on servers: the name of the parent folder of its versions.
        class_names: one name per class, or per label of a multilabel model; empty if unknown.
        target_names: one name per column that a regression model predicts; empty if unknown.
        target_units: the physical unit of the predictions of a regression model.
        input_units: the physical unit of the raw inputs, such as ``"µV"``.
        provenance: where the model comes from: net, data set and its checksum, seed, commit, …
        license: the identifier of the licence.
        metadata: any other information from the user.
    """

    name: str
    version: int
    served_as: str
    class_names: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()
    target_units: str = ""
    input_units: str = ""
    provenance: Mapping[str, str] = field(default_factory=dict)
    license: str = "unknown"
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def check(self, served: Served) -> None:
        """Check that the names fit the task and the outputs of the model.

        Raises:
            ValueError: the number of names is wrong, or they belong to another task.
        """
        if self.class_names and served.task == "regression":
            raise ValueError(
                f"class_names belong to a classifier; the task of {served.model.name!r} is "
                "regression. Pass target_names."
            )
        if (self.target_names or self.target_units) and served.task != "regression":
            raise ValueError(
                "target_names and target_units belong to a regression model; the task of "
                f"{served.model.name!r} is {served.task}. Pass task='regression', or class_names."
            )
        if len(served.outputs) > 1 and not served.is_classifier:
            return
        columns = served.outputs[0].shape[-1]
        # One column of a binary classifier is the probability of the second class.
        two_classes = columns == 1 and served.task in (None, "binary")
        _check_count("class_names", self.class_names, 2 if two_classes else columns, columns)
        _check_count("target_names", self.target_names, columns, columns)


def _check_count(
    argument: str, names: Sequence[str], expected: int | None, columns: int | None
) -> None:
    if names and len(names) != expected:
        raise ValueError(
            f"{argument} has {len(names)} names ({', '.join(names)}); the model has {columns} "
            f"output columns, which need {expected} names."
        )


def make_card(served: Served, about: About, formats: Sequence[str]) -> dict[str, Any]:
    """The content of ``card.json`` before verification.

    Args:
        served: the model and its signature.
        about: what else is known about the model.
        formats: the exported formats.
    """
    card = {
        "name": about.name,
        "version": about.version,
        "served_as": about.served_as,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "formats": list(formats),
        "task": served.task,
        "inputs": [asdict(info) for info in served.inputs],
        "outputs": [asdict(info) for info in served.outputs],
        "license": about.license,
        "input_units": about.input_units,
        "class_names": list(about.class_names),
    }
    if served.task == "regression":
        card |= {"target_names": list(about.target_names), "target_units": about.target_units}
    return card | {
        "parameters": served.model.count_params(),
        "libraries": _library_versions(),
        "provenance": dict(about.provenance),
        "metadata": dict(about.metadata),
        "checksums": CHECKSUMS,
    }


def card_task(card: Mapping[str, Any]) -> str | None:
    """The task of an exported model; cards of older exports do not state it.

    Args:
        card: the content of ``card.json``.
    """
    if "task" in card:
        task: str | None = card["task"]
        return task
    for tensor in card["outputs"]:
        if tensor["name"] == "probabilities":
            return "binary" if tensor["shape"][-1] == 1 else "classification"
    return None


def metadata_props(card: Mapping[str, Any]) -> dict[str, str]:
    """The card as strings for the ``metadata_props`` of an ONNX file.

    Names of classes and targets are JSON lists. Each version and each entry of the provenance
    has its own key, such as ``version.keras`` and ``provenance.seed``.
    """
    props = {key: str(card[key]) for key in ("name", "version", "created", "parameters")}
    props["license"] = card["license"]
    props["input_units"] = card["input_units"]
    props["class_names"] = json.dumps(card["class_names"], ensure_ascii=False)
    if card["task"] is not None:
        props["task"] = card["task"]
    if card["task"] == "regression":
        props["target_names"] = json.dumps(card["target_names"], ensure_ascii=False)
        props["target_units"] = card["target_units"]
    for section, prefix in (("libraries", "version"), ("provenance", "provenance")):
        props |= {f"{prefix}.{key}": str(value) for key, value in card[section].items()}
    for key, value in card["metadata"].items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        props[f"metadata.{key}"] = text
    return props


def summary(card: Mapping[str, Any]) -> str:
    """Two sentences about the model, for the doc string of an ONNX graph."""
    inputs = ", ".join(tensor["name"] for tensor in card["inputs"])
    units = f" in {card['input_units']}" if card["input_units"] else ""
    return f"{card['name']}, version {card['version']}. Takes raw values{units} as {inputs}."


def check_metadata(metadata: Mapping[str, Any] | None) -> None:
    """Check that the user's metadata can be written as JSON.

    Raises:
        ValueError: the metadata cannot be written as JSON.
    """
    try:
        json.dumps(dict(metadata or {}), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"metadata must be a mapping that can be written as JSON: {error}. Convert it to plain "
            "numbers, strings, lists and dicts."
        ) from error


def _library_versions() -> dict[str, str]:
    versions = {}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:  # a checkout that is not installed
            versions[name] = "unknown"
    return versions

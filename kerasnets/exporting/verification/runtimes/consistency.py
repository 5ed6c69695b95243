"""Compare the card with what the other files say about the model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .card import Card
from .litert_check import read_metadata
from .reference import largest_case
from .report import describe

_TEXTS = ("name", "version", "input_units", "task")
_LISTS = ("class_names", "target_names")


def folder_failures(folder: Path, card: Card) -> Iterator[str]:
    """Whether the folder has the version of the card, and the files with smaller weights."""
    version = card.get("version")
    if folder.name.isdigit() and version is not None and int(folder.name) != version:
        yield f"card.json: it is of version {version}, the folder is named {folder.name}"
    for section in ("weights", "litert_weights"):
        for entry in (card.get(section) or {}).values():
            if not (folder / str(entry.get("file"))).is_file():
                yield f"{entry.get('file')}: it is missing"


def metadata_failures(name: str, path: Path, card: Card) -> Iterator[str]:
    """The metadata of an ONNX or LiteRT file that differ from the card.

    Args:
        name: the runtime.
        path: the file; files of other formats have no metadata.
        card: the content of ``card.json``.
    """
    try:
        props = _metadata(path)
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        yield f"{name}: the metadata of {path.name} cannot be read: {describe(error)}"
        return
    expected = {key: str(card[key]) for key in _TEXTS if card.get(key) is not None}
    for key in _LISTS:
        if key in card:
            expected[key] = json.dumps(card[key], ensure_ascii=False)
    for key, value in expected.items():
        if key in props and props[key] != value:
            yield f"{name}: {path.name} has the {key} {props[key]}, the card has {value}"


def _metadata(path: Path) -> Mapping[str, str]:
    if path.suffix == ".tflite":
        return read_metadata(path.read_bytes())
    if path.suffix == ".onnx":
        import onnx

        return {prop.key: prop.value for prop in onnx.load(path).metadata_props}
    return {}


def classify_failures(runtime: Any, card: Card, cases: Mapping[str, Any]) -> Iterator[str]:
    """Whether the signature ``classify`` returns the class names of the card.

    Args:
        runtime: the loaded SavedModel.
        card: the content of ``card.json``.
        cases: the inputs and outputs of each case of the reference.
    """
    names, classify = np.array(card.get("class_names") or ()), runtime.classify
    if classify is None or not names.size or "batch-2" not in cases:
        return
    inputs, outputs = cases[largest_case(cases)]
    probabilities = outputs["probabilities"]
    columns = probabilities.shape[-1]
    classes = 2 if columns == 1 and card.get("task") != "multilabel" else columns
    if len(names) != classes:
        yield f"card.json: it has {len(names)} class names, and the outputs have {classes} classes"
        return
    if card.get("task") == "multilabel":
        expected = np.broadcast_to(names, probabilities.shape)
    elif probabilities.shape[-1] == 1:
        expected = names[(probabilities[:, 0] >= 0.5).astype(int)]
    else:
        expected = names[probabilities.argmax(axis=1)]
    got = classify(inputs)["class_name"]
    if not np.array_equal(got, expected):
        yield (
            f"saved_model: the signature classify returns {got.ravel()[:5].tolist()}, with the "
            f"class names of the card {expected.ravel()[:5].tolist()}"
        )

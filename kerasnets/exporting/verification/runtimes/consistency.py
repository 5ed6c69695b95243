"""Compare the card with what the other files say about the model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .card import Card

Arrays = dict[str, np.ndarray]
_TEXTS = ("name", "version", "input_units", "task")
_LISTS = ("class_names", "target_names")


def folder_failures(folder: Path, card: Card) -> Iterator[str]:
    """Whether the folder has the version of the card, and the files with smaller weights."""
    version = card.get("version")
    if folder.name.isdigit() and version is not None and int(folder.name) != version:
        yield f"card.json: it is of version {version}, the folder is named {folder.name}"
    for entry in (card.get("weights") or {}).values():
        if not (folder / str(entry.get("file"))).is_file():
            yield f"{entry.get('file')}: it is missing"


def onnx_failures(name: str, path: Path, card: Card) -> Iterator[str]:
    """The metadata of an ONNX file that differ from the card.

    Args:
        name: the runtime.
        path: the file.
        card: the content of ``card.json``.
    """
    import onnx

    props = {prop.key: prop.value for prop in onnx.load(path).metadata_props}
    expected = {key: str(card[key]) for key in _TEXTS if card.get(key) is not None}
    for key in _LISTS:
        if key in card:
            expected[key] = json.dumps(card[key], ensure_ascii=False)
    for key, value in expected.items():
        if key in props and props[key] != value:
            yield f"{name}: {path.name} has the {key} {props[key]}, the card has {value}"


def classify_failures(runtime: Any, card: Card, cases: Mapping[str, Any]) -> Iterator[str]:
    """Whether the signature ``classify`` returns the class names of the card.

    Args:
        runtime: the loaded SavedModel.
        card: the content of ``card.json``.
        cases: the inputs and outputs of each case of the reference.
    """
    names, classify = np.array(card.get("class_names") or ()), runtime.classify
    if classify is None or not names.size or "batch-7" not in cases:
        return
    inputs, outputs = cases["batch-7"]
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

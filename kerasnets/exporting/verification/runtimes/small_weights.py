"""Files with smaller weights, compared with the figures that the card has for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .card import Card
from .reference import largest_case

# The runtime of each kind of weights, and its file.
SMALL_WEIGHTS = {
    "onnx-float16": "model.float16.onnx",
    "onnx-int8": "model.int8.onnx",
    "litert-float16": "model.float16.tflite",
    "litert-int8": "model.int8.tflite",
    "litert-full-int8": "model.full-int8.tflite",
    "litert-int16x8": "model.int16x8.tflite",
}
_SECTIONS = {"onnx": "weights", "litert": "litert_weights"}


def recorded(name: str, card: Card) -> dict[str, Any]:
    """The figures of the card for a runtime; empty if it has none."""
    format_name, _, kind = name.partition("-")
    entry: dict[str, Any] = (card.get(_SECTIONS[format_name]) or {}).get(kind, {})
    return entry


def small_runtimes(card: Card) -> list[str]:
    """The runtimes for the files with smaller weights that the card lists."""
    # Older cards have figures for other inputs than those of the reference.
    if not card.get("checks_rows"):
        return []
    return [name for name in SMALL_WEIGHTS if recorded(name, card)]


def recorded_difference(name: str, card: Card) -> float:
    """The largest difference from Keras that the card states for smaller weights; otherwise 0."""
    differences = recorded(name, card).get("max_abs_diff", {}) if name in SMALL_WEIGHTS else {}
    return max(map(float, differences.values()), default=0.0)


def recorded_failures(
    name: str, folder: Path, card: Card, runtime: Any, cases: Mapping[str, Any]
) -> Iterator[str]:
    """The figures of the card that a file with smaller weights does not have.

    Args:
        name: the runtime.
        folder: the version folder.
        card: the content of ``card.json``.
        runtime: the loaded file.
        cases: the inputs and outputs of each case of the reference.
    """
    figures, file = recorded(name, card), SMALL_WEIGHTS[name]
    size = (folder / file).stat().st_size
    if figures.get("bytes") != size:
        yield f"{name}: {file} has {size:,} bytes, the card says {figures.get('bytes'):,}"
    same = figures.get("same_class")
    if same is None or "batch-2" not in cases:
        return
    inputs, outputs = cases[largest_case(cases)]
    output = card["outputs"][0]["name"]
    try:
        computed = runtime.run(inputs)
    except Exception:  # noqa: BLE001  # the comparison of the cases reports it
        return
    got, expected = (_labels(x[output], card) for x in (computed, outputs))
    share = float((got == expected).mean())
    # One prediction may change with the version of the runtime.
    if abs(share - same) > 1 / got.size:
        yield f"{name}: {share:.4f} of the predictions are those of Keras, the card says {same:.4f}"


def _labels(probabilities: np.ndarray, card: Card) -> np.ndarray:
    if card.get("task") == "classification":
        return np.asarray(probabilities.argmax(axis=-1))
    return np.asarray(probabilities >= 0.5)

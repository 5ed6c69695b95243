"""The YAML header of the model card, as the Hugging Face Hub and other catalogues read it.

The keys and values are those of the Hub's documentation
(https://huggingface.co/docs/hub/model-cards). A task that the Hub has no name for, such as the
classification of signals and sequences, has no ``pipeline_tag``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import yaml

from kerasnets.exporting.card import card_task
from kerasnets.exporting.licenses import FILE, license_name

# Data sets of our catalogue that the Hub has too, with their identifiers there.
_HUB_DATASETS = {"mnist": "ylecun/mnist"}
_TAGS = {
    "classification": "classification",
    "binary": "binary-classification",
    "multilabel": "multi-label-classification",
    "regression": "regression",
}
# Identifiers on https://huggingface.co/metrics, and names to show.
_METRICS = {
    "auroc": ("roc_auc", "AUROC"),
    "accuracy": ("accuracy", "accuracy"),
    "mae": ("mae", "mean absolute error"),
    "r2": ("r_squared", "R²"),
}
# Inputs with these names are not the columns of a table.
_SERIES = frozenset({"length", "signal"})
_IMAGE_CHANNELS = (1, 3, 4)


def header(card: Mapping[str, Any]) -> str:
    """Write the header, between two lines of ``---``.

    Args:
        card: the content of ``card.json``, before or after verification.
    """
    data = str(card["provenance"].get("data", ""))
    content = _license(card) | {
        "library_name": "kerasnets",
        "pipeline_tag": pipeline_tag(card),
        "tags": _tags(card),
        "datasets": [_dataset_id(data)] if data else None,
    }
    figures = figures_on_test_split(card)
    if card_task(card) and figures:
        content |= {
            "metrics": [_METRICS[name][0] for name in figures],
            "model-index": [{"name": card["name"], "results": [_result(card, data, figures)]}],
        }
    present = {key: value for key, value in content.items() if value is not None}
    text = yaml.safe_dump(present, sort_keys=False, allow_unicode=True, width=100)
    return f"---\n{text}---"


def pipeline_tag(card: Mapping[str, Any]) -> str | None:
    """The Hub's name of the task, ``None`` if it has none for these inputs.

    Args:
        card: the content of ``card.json``.
    """
    task = card_task(card)
    if task is None:
        return None
    shapes = [tensor["shape"][1:] for tensor in card["inputs"]]
    if len(shapes) == 1 and len(shapes[0]) == 3 and shapes[0][-1] in _IMAGE_CHANNELS:
        return None if task == "regression" else "image-classification"
    names = {tensor["name"] for tensor in card["inputs"]}
    if names & _SERIES or any(len(shape) > 1 or None in shape for shape in shapes):
        return None
    return "tabular-regression" if task == "regression" else "tabular-classification"


def figures_on_test_split(card: Mapping[str, Any]) -> dict[str, float]:
    """The metrics on the test split: those of the verification, else those of the training.

    Args:
        card: the content of ``card.json``.

    Returns:
        Values by name of the metric, the most important first. Undefined metrics are left out.
    """
    measured = (card.get("verification") or {}).get("test_metrics") or {}
    figures = measured.get("keras") or next(iter(measured.values()), None)
    if figures is None:
        figures = {name: card["provenance"].get(f"test_{name}") for name in _METRICS}
    found = {name: value for name in figures if (value := _number(figures[name])) is not None}
    # AUROC is first for two classes and for labels, because these are often unbalanced.
    first = "accuracy" if _several_classes(card) else "auroc"
    return dict(sorted(found.items(), key=lambda item: item[0] != first))


def _number(value: object) -> float | None:
    """A metric as a number; provenance has text, which may come from a user's own class."""
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _several_classes(card: Mapping[str, Any]) -> bool:
    columns = card["outputs"][0]["shape"][-1]
    return card_task(card) == "classification" and columns != 2


def _dataset_id(data: str) -> str:
    """The identifier of a data set on the Hub, or its name in the form of an identifier."""
    slug = re.sub(r"[^\w.-]+", "-", data, flags=re.ASCII).strip("-.")
    return _HUB_DATASETS.get(data) or slug or "own-data"


def _license(card: Mapping[str, Any]) -> dict[str, Any]:
    identifier = card.get("license", "unknown")
    if identifier != "other":
        return {"license": identifier}
    return {
        "license": "other",
        "license_name": license_name(card["name"]),
        "license_link": FILE,
    }


def _tags(card: Mapping[str, Any]) -> list[str]:
    tags = ["keras", *(name.replace("_", "-") for name in card["formats"])]
    task = card_task(card)
    return tags if task is None else [*tags, _TAGS[task]]


def _result(card: Mapping[str, Any], data: str, figures: Mapping[str, float]) -> dict[str, Any]:
    """One entry of the results of ``model-index``."""
    task = card_task(card) or ""
    split = card["provenance"].get("split")
    how = "official split" if split == "official" else f"split by {split}"
    shown = data or "own data"
    return {
        "task": {"type": pipeline_tag(card) or "other", "name": _TAGS[task].replace("-", " ")},
        "dataset": {
            "type": _dataset_id(shown),
            "name": f"{shown}, {how}" if split else shown,
            "split": "test",
        },
        "metrics": [
            {
                "type": _METRICS[name][0],
                "value": float(f"{value:.6g}"),
                "name": _shown_name(name, task),
            }
            for name, value in figures.items()
        ],
    }


def _shown_name(metric: str, task: str) -> str:
    if metric == "accuracy" and task == "multilabel":
        return "accuracy over all labels"
    return _METRICS[metric][1]

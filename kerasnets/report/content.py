"""Everything that a page shows, as plain values for JSON."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from kerasnets._files import read_json
from kerasnets._lazy import keras
from kerasnets.data import Dataset
from kerasnets.evaluation.baseline import headline, majority_accuracy, majority_class
from kerasnets.evaluation.evaluate_model import predict_splits
from kerasnets.evaluation.metrics import METRIC_TITLES, metric_title
from kerasnets.evaluation.tasks import get_task
from kerasnets.exporting.verification.runtimes import largest_case, read_reference
from kerasnets.profiling import profile
from kerasnets.report.curves import curves_of
from kerasnets.report.inputs import Fields, make_editor, simulated_samples
from kerasnets.report.subject import Subject
from kerasnets.training.recipe import Recipe
from kerasnets.training.run import Run
from kerasnets.training.run_folder import without_penalties

_STEPS = 100  # of a sequence whose length nothing determines


def run_content(run: Run) -> dict[str, Any]:
    """What a run folder says, without its model and data: all sections but curves, cost and net.

    The paths of own files are left out, because the folders may name persons.
    """
    data = run.environment["data"]
    return {
        "name": run.name,
        "folder": run.folder.resolve().name,
        "task": run.task,
        "names": list(run.class_names or run.target_names),
        "target_units": run.target_units,
        "simulated": data["simulated"],
        "headline": [
            {"metric": name, "name": metric_title(name), "value": value}
            for name, value in headline(run.metrics["test"]).items()
        ],
        "recipe": recipe_rows(run.recipe),
        "data": data_content(run),
        "history": {
            "series": {
                key: _numbers(series) for key, series in without_penalties(run.history).items()
            },
            "best_epoch": run.best_epoch,
            "monitor": run.recipe.monitor,
            "seconds": run.seconds,
        },
        "metrics": published_metrics(run),
        "majority": _majority(run),
        "titles": METRIC_TITLES,
        "versions": run.environment["versions"],
        "commit": run.environment["commit"],
    }


def published_metrics(run: Run) -> dict[str, Any]:
    """The metrics of a run, without the smallest and largest residual, which belong to one row."""
    metrics: dict[str, Any] = copy.deepcopy(run.metrics)
    for split in metrics.values():
        for target in split.get("per_target", {}).values():
            for name in ("min", "max"):
                target["residuals"].pop(name, None)
    return metrics


def _majority(run: Run) -> dict[str, Any] | None:
    """The accuracy of always predicting the most frequent class of the training split."""
    name = majority_class(run.metrics["train"])
    if name is None:
        return None
    values = {split: majority_accuracy(m, name) for split, m in run.metrics.items()}
    return {"name": name, "accuracy": values}


def _numbers(values: list[float]) -> list[float | None]:
    """The values, with ``None`` for NaN and infinity, which JSON does not have."""
    return [value if np.isfinite(value) else None for value in values]


def recipe_rows(recipe: Recipe) -> list[dict[str, Any]]:
    """Every setting of a recipe with its value, its description and whether it is the default."""
    descriptions, defaults = Recipe.descriptions(), Recipe.defaults()
    return [
        {
            "name": name,
            "value": _public(value),
            "changed": name in defaults and value != defaults[name],
            "description": descriptions[name],
        }
        for name, value in dataclasses.asdict(recipe).items()
    ]


def _public(value: Any) -> Any:
    """A setting, with the name of a file and not the folders above it."""
    if isinstance(value, dict):
        return {key: _public(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_public(entry) for entry in value]
    is_path = isinstance(value, str) and os.sep in value
    return Path(value).name if is_path else value


def data_content(run: Run) -> dict[str, Any]:
    """What a run recorded about its data set, and the rows of each class in each split."""
    data = run.environment["data"]
    table = "per_label" if run.task == "multilabel" else "per_class"
    return {
        "name": Path(data["name"]).name,
        "simulated": data["simulated"],
        "checksum": data["checksum"],
        "split": data["split"],
        "split_seed": data["split_seed"],
        "units": data["units"],
        "rows": data["rows"],
        "feature_names": data.get("feature_names", []),
        "codes": len(data.get("vocabulary", ())),
        "support": {
            split: {name: values["support"] for name, values in metrics.get(table, {}).items()}
            for split, metrics in run.metrics.items()
        },
    }


def curves_content(run: Run, data: Dataset) -> dict[str, Any]:
    """The curves of the test split."""
    task = get_task(run.task)
    names = run.class_names or run.target_names or ("target",)
    predicted = predict_splits(run.model, data, task, ("test",))["test"]
    curves = curves_of(task, names, predicted)
    test = run.metrics["test"]
    columns = curves.get("columns", ())
    if len(columns) == 1 and "intervals" in columns[0]:
        columns[0]["intervals"] |= {  # those of the table of metrics have more resamples
            name: test["intervals"][name]
            for name in columns[0]["intervals"]
            if name in test.get("intervals", {})
        }
    return curves


def cost_content(model: keras.Model, steps: int = 0) -> dict[str, Any]:
    """What a model costs per layer and in total.

    Args:
        model: the model.
        steps: number of steps of a sequence, for a model with an unknown number of them; 0 for
            100.
    """
    cost, used = profile(model), 0
    if cost.symbols:
        used = steps or _STEPS
        cost = cost.at(**dict.fromkeys(cost.symbols, used))
    record: dict[str, Any] = json.loads(cost.to_json())
    return record | {"steps": used}


def net_content(subject: Subject, version: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The net that runs in the page.

    Args:
        subject: what the page is about.
        version: an exported version folder with ``model.onnx``.

    Returns:
        What the page needs to know, and the files that it contains.
    """
    card = read_json(version / "card.json")
    cases = read_reference(version / "reference.npz")
    case = largest_case(cases)
    examples, _ = cases[case]
    run = subject.run
    fields = Fields()
    if run is not None:
        published = run.provenance.get("codebook", "[]")
        fields = Fields(
            names=tuple(run.environment["data"].get("feature_names", ())),
            codebook=json.loads(published) if published.startswith("[") else (),
            vocabulary=run.vocabulary,
        )
    editor = make_editor(card, examples, fields, subject.model)
    options = run.recipe.data_options if run is not None else {}
    content = {
        "inputs": card["inputs"],
        "outputs": card["outputs"],
        "task": card["task"],
        "names": card["class_names"] or card.get("target_names", []),
        "units": card["input_units"],
        "target_units": card.get("target_units", ""),
        "threshold": _threshold(run),
        "tolerance": card.get("verification", {}).get("tolerance", 1e-5),
        "examples": case,
        "editor": editor,
        "samples": simulated_samples(card, editor, options),
    }
    blobs = {name: (version / name).read_bytes() for name in ("model.onnx", "reference.npz")}
    return content, blobs


def _threshold(run: Run | None) -> float:
    return float(run.metrics["test"].get("threshold", 0.5)) if run is not None else 0.5


def card_content(version: Path) -> dict[str, Any]:
    """The card of an export and the size of each of its files."""
    card: dict[str, Any] = read_json(version / "card.json")
    files = [file for file in sorted(version.rglob("*")) if file.is_file()]
    sizes = {str(file.relative_to(version)): file.stat().st_size for file in files}
    return {**card, "sizes": sizes}

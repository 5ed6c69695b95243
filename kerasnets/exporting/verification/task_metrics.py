"""Metrics of each runtime on labelled examples; they must equal those of Keras."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from kerasnets.exporting.card import card_task
from kerasnets.exporting.verification.runtimes import read_card, recorded

Arrays = dict[str, np.ndarray]
Metrics = dict[str, float | None]
# The largest difference allowed in AUROC: it corresponds to a few examples whose float32 scores are
# almost equal. In regression, the largest difference allowed in each prediction. It is relative to
# the largest absolute target if that is above 1.
_MARGIN = 1e-5


class Labelled(Protocol):
    """Examples with labels, such as a ``Split`` of a data set."""

    @property
    def x(self) -> Any:
        """An array, arrays by input name, or an object with a ``dense()`` method."""

    @property
    def y(self) -> np.ndarray:
        """Class labels, shape ``(n,)``; label indicators ``(n, labels)``; or targets."""


def input_arrays(names: Sequence[str], test: Labelled) -> Arrays:
    """The inputs of the examples by name; floats are converted to float32.

    Args:
        names: the names of the model's inputs.
        test: the examples.

    Raises:
        ValueError: the names differ, or there are no examples.
    """
    x = test.x.dense() if hasattr(test.x, "dense") else test.x
    arrays = dict(x) if isinstance(x, Mapping) else {names[0]: np.asarray(x)}
    if set(arrays) != set(names) or not len(test.y):
        raise ValueError(
            f"test has {len(test.y)} examples of {sorted(arrays)}; the model takes "
            f"{sorted(names)}, and needs at least one example."
        )
    return {
        name: array.astype("float32") if array.dtype.kind == "f" else array
        for name, array in arrays.items()
    }


def read_labelled(folder: Path, test: Labelled) -> tuple[str, Arrays, np.ndarray]:
    """The task, the inputs and the labels for an exported model.

    Args:
        folder: the version folder.
        test: the examples.

    Raises:
        OSError: ``card.json`` cannot be read.
        ValueError: it is damaged, the model has no task, or the examples do not fit it.
    """
    path = folder / "card.json"
    try:
        card = read_card(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}.") from None
    task = card_task(card)
    if task is None:
        raise ValueError(
            "test needs a model that was exported with a task; this one has none. Pass task= to "
            "export."
        )
    arrays = input_arrays([tensor["name"] for tensor in card["inputs"]], test)
    types = {tensor["name"]: tensor["dtype"] for tensor in card["inputs"]}
    labels = check_labels(task, test.y, card["outputs"][0]["shape"][-1])
    return task, {name: array.astype(types[name]) for name, array in arrays.items()}, labels


def check_labels(task: str, labels: np.ndarray, columns: int | None) -> np.ndarray:
    """Check the shape of the labels.

    Args:
        task: the task of the model.
        labels: class labels, label indicators or targets.
        columns: the number of columns of the model's output.

    Returns:
        The labels, with shape ``(n, columns)`` for regression.

    Raises:
        ValueError: the shape does not fit.
    """
    labels = np.asarray(labels)
    if task == "regression" and labels.ndim == 1:
        labels = labels[:, np.newaxis]
    shape = (len(labels),) if task in ("classification", "binary") else (len(labels), columns)
    if labels.shape != shape:
        raise ValueError(
            f"test.y has shape {labels.shape}; a {task} model with {columns} output columns "
            f"needs {shape}."
        )
    return labels


def predicted_labels(task: str, probabilities: np.ndarray) -> np.ndarray:
    """The predicted class of each row, or 0 or 1 for each label of a multilabel model."""
    if task == "classification":
        return probabilities.argmax(axis=1)
    labels = (probabilities >= 0.5).astype(int)
    return labels[:, 0] if task == "binary" else labels


def compute_metrics(task: str, labels: np.ndarray, outputs: np.ndarray) -> Metrics:
    """The metrics of one runtime.

    Args:
        task: the task of the model.
        labels: the labels, checked with :func:`check_labels`.
        outputs: probabilities or predictions, shape ``(n, columns)``.

    Returns:
        For regression, the mean absolute error ``mae`` and ``r2``, the mean R² of all targets.
        For the other tasks, ``accuracy`` (of a multilabel model, the share of correct labels) and
        ``auroc``, the mean over classes (one against the rest) or labels. Where R² or AUROC is
        undefined, it is ``None``.
    """
    if task == "regression":
        targets = labels.astype("float64")
        spread = targets.var(axis=0)
        error = outputs - targets
        defined = spread > 0
        r2 = 1 - (error**2).mean(axis=0)[defined] / spread[defined]
        return {"mae": float(np.abs(error).mean()), "r2": float(r2.mean()) if r2.size else None}
    accuracy = float((predicted_labels(task, outputs) == labels).mean())
    return {"accuracy": accuracy, "auroc": _mean_auroc(task, labels, outputs)}


def _mean_auroc(task: str, labels: np.ndarray, probabilities: np.ndarray) -> float | None:
    # Imports scikit-learn, which takes seconds and is only needed with labelled examples.
    from kerasnets.evaluation.metrics import column_aurocs, mean_of_defined

    if task == "classification":
        labels = labels[:, np.newaxis] == np.arange(probabilities.shape[1])
    positive = labels.reshape(len(labels), -1).astype(bool)
    return mean_of_defined(column_aurocs(positive, probabilities))


def metrics_by_runtime(outputs: Arrays, task: str, labels: np.ndarray) -> dict[str, Metrics]:
    """The metrics of every runtime, from its outputs.

    Args:
        outputs: arrays by ``<runtime>/<output>``.
        task: the task of the model.
        labels: the labels, checked with :func:`check_labels`.
    """
    metrics = {}
    for key, array in outputs.items():
        runtime, output = key.split("/", 1)
        if output != "logits":
            metrics[runtime] = compute_metrics(task, labels, array)
    return metrics


def metric_failures(metrics: Mapping[str, Metrics], labels: np.ndarray) -> Iterator[str]:
    """The runtimes whose metrics differ from those of Keras.

    Args:
        metrics: the metrics of each runtime. Without Keras, the first runtime is the reference.
        labels: the labels, checked with :func:`check_labels`.
    """
    if not metrics:
        return
    reference = "keras" if "keras" in metrics else next(iter(metrics))
    margins = _margins(metrics[reference], labels)
    for runtime, values in metrics.items():
        for name, value in values.items():
            expected = metrics[reference][name]
            if value is None or expected is None:
                continue
            if not abs(value - expected) <= margins[name]:
                yield (
                    f"{runtime}: {name} on the test split is {value}; with {reference} it is "
                    f"{expected}"
                )


def recorded_metric_failures(
    small: Mapping[str, Metrics], folder: Path, examples: int
) -> Iterator[str]:
    """The files with smaller weights whose metrics differ from those in the card.

    Args:
        small: the metrics of each runtime with smaller weights.
        folder: the version folder.
        examples: the number of examples. One of them may be classified differently by another
            version of a runtime.
    """
    card = read_card(folder / "card.json")
    for runtime, metrics in small.items():
        figures = recorded(runtime, card)
        for name in ("accuracy", "mae"):
            value, expected = metrics.get(name), figures.get(name)
            if value is None or expected is None:
                continue
            margin = 1 / examples if name == "accuracy" else _MARGIN * max(1.0, expected)
            if abs(value - expected) > margin:
                yield f"{runtime}: {name} on the test split is {value}, the card says {expected}"


def _margins(reference: Metrics, labels: np.ndarray) -> dict[str, float]:
    """The difference from the reference that is allowed in each metric."""
    mae = reference.get("mae")
    if mae is None:
        return {"accuracy": 0.0, "auroc": _MARGIN}
    # If each prediction differs by at most d, the squared error differs by at most 2·mae·d + d².
    difference = _MARGIN * max(1.0, float(np.abs(labels).max()))
    spread = labels.astype("float64").var(axis=0)
    smallest = spread[spread > 0].min(initial=np.inf)
    return {
        "mae": difference,
        "r2": float((2 * mae * labels.shape[1] * difference + difference**2) / smallest),
    }

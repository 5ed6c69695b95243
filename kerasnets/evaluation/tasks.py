"""The four tasks, with their labels, outputs of the model and predictions.

| task | labels ``y`` | outputs of the model | predictions |
|---|---|---|---|
| ``classification`` | int ``(n,)``, k classes | ``(n, k)`` logits | softmax |
| ``binary`` | int ``(n,)``, 0 or 1 | ``(n, 1)`` logit of class 1 | sigmoid |
| ``multilabel`` | int ``(n, k)``, 0 or 1 | ``(n, k)`` logits | sigmoid of each |
| ``regression`` | float ``(n,)`` or ``(n, k)`` | ``(n, 1)`` or ``(n, k)`` values | the outputs |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets._errors import unknown_name
from kerasnets._lazy import keras
from kerasnets.evaluation.binary import binary_metrics
from kerasnets.evaluation.metrics import check_class_labels, classification_metrics
from kerasnets.evaluation.multilabel import check_label_matrix, multilabel_metrics
from kerasnets.evaluation.outputs import (
    both_classes,
    finite_outputs,
    sigmoid,
    softmax,
)
from kerasnets.evaluation.regression import check_targets, regression_metrics
from kerasnets.evaluation.task import Task as Task

if TYPE_CHECKING:
    from kerasnets.data.dataset import Dataset


def get_task(name: str) -> Task:
    """Return the task of this name.

    Raises:
        ValueError: if there is no such task.
    """
    if name not in TASKS:
        raise unknown_name("task", name, TASKS)
    return TASKS[name]


def infer_task(data: Dataset, model_outputs: int) -> Task:
    """Infer the task from a data set and the number of outputs of a model.

    With two classes, the task is ``binary`` for a model with one output, and ``classification``
    for a model with two outputs.

    Args:
        data: the data set; its ``task`` says what its labels are.
        model_outputs: number of outputs of the model.

    Raises:
        ValueError: if the labels of the data set do not match its task, or if the model does
            not have the number of outputs that the task needs.
    """
    task, names = get_task(getattr(data, "task", "classification")), output_names(data)
    if task.one_class_per_row and len(names) == 2:
        task = BINARY if model_outputs == 1 else CLASSIFICATION
    check_task(task, data, model_outputs)
    return task


def check_task(task: Task, data: Dataset, model_outputs: int) -> None:
    """Check that a task, a data set and a model match.

    Raises:
        ValueError: if they do not.
    """
    names = output_names(data)
    needed = task.outputs(data.train.y, names)
    if model_outputs != needed:
        alternative = " (or 1)" if task is CLASSIFICATION and len(names) == 2 else ""
        raise ValueError(
            f"Data set {data.name!r} is a {task.name} task with {len(names)} "
            f"{'targets' if task is REGRESSION else 'classes or labels'}, so the number "
            f"of outputs of the model must be {needed}{alternative}, got {model_outputs}."
        )


def output_names(data: Dataset) -> tuple[str, ...]:
    """Return the names of the classes, labels or targets of a data set.

    Targets without names are called ``"target"``, or ``"target 1"``, ``"target 2"``, ….
    """
    names = tuple(data.class_names) or tuple(getattr(data, "target_names", ()))
    if names:
        return names
    shape = np.shape(data.train.y)
    if len(shape) == 1 or shape[1] == 1:
        return ("target",)
    return tuple(f"target {number}" for number in range(1, shape[1] + 1))


def _check_binary_labels(y: np.ndarray, names: Sequence[str]) -> None:
    if len(names) != 2:
        raise ValueError(f"A binary task has two class names, got {list(names)}.")
    check_class_labels(y, names)


def _measure_classes(
    y: np.ndarray,
    predictions: np.ndarray,
    names: Sequence[str],
    groups: np.ndarray | None,
    threshold: float,
    resamples: int,
) -> dict[str, Any]:
    metrics = classification_metrics(y, predictions, names)
    if len(names) != 2:
        _refuse_threshold(threshold, f"{len(names)} classes")
        return metrics
    return metrics | binary_metrics(
        y, predictions[:, 1], groups, threshold=threshold, resamples=resamples
    )


def _measure_binary(
    y: np.ndarray, predictions: np.ndarray, names: Sequence[str], *arguments: Any
) -> dict[str, Any]:
    return _measure_classes(y, both_classes(predictions), names, *arguments)


def _measure_labels(
    y: np.ndarray,
    predictions: np.ndarray,
    names: Sequence[str],
    groups: np.ndarray | None,
    threshold: float,
    resamples: int,
) -> dict[str, Any]:
    return multilabel_metrics(
        y, predictions, names, groups, threshold=threshold, resamples=resamples
    )


def _measure_targets(
    y: np.ndarray,
    predictions: np.ndarray,
    names: Sequence[str],
    groups: np.ndarray | None,
    threshold: float,
    resamples: int,
) -> dict[str, Any]:
    _refuse_threshold(threshold, "regression")
    return regression_metrics(y, predictions, names, groups, resamples=resamples)


def _refuse_threshold(threshold: float, task: str) -> None:
    if threshold != 0.5:
        raise ValueError(f"There is no decision threshold for {task}, got {threshold}.")


CLASSIFICATION = Task(
    name="classification",
    loss=lambda: keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    loss_label="Loss (cross-entropy)",
    metrics=lambda: [keras.metrics.SparseCategoricalAccuracy("accuracy")],
    log_loss_metric=lambda name: keras.metrics.SparseCategoricalCrossentropy(
        name, from_logits=True
    ),
    predictions=softmax,
    check_labels=check_class_labels,
    measure=_measure_classes,
    one_class_per_row=True,
)
BINARY = Task(
    name="binary",
    loss=lambda: keras.losses.BinaryCrossentropy(from_logits=True),
    loss_label="Loss (binary cross-entropy)",
    # A logit above 0 is a probability above 0.5.
    metrics=lambda: [keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)],
    # keras.metrics.BinaryCrossentropy refuses labels (n,) with logits (n, 1); the loss accepts.
    log_loss_metric=lambda name: keras.metrics.MeanMetricWrapper(
        keras.losses.BinaryCrossentropy(from_logits=True, reduction=None), name
    ),
    predictions=sigmoid,
    check_labels=_check_binary_labels,
    measure=_measure_binary,
    one_class_per_row=True,
)
MULTILABEL = Task(
    name="multilabel",
    loss=lambda: keras.losses.BinaryCrossentropy(from_logits=True),
    loss_label="Loss (binary cross-entropy)",
    metrics=lambda: [keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)],
    log_loss_metric=lambda name: keras.metrics.BinaryCrossentropy(name, from_logits=True),
    predictions=sigmoid,
    check_labels=check_label_matrix,
    measure=_measure_labels,
)
REGRESSION = Task(
    name="regression",
    loss=lambda: keras.losses.MeanSquaredError(),
    loss_label="Loss (mean squared error)",
    metrics=lambda: [keras.metrics.MeanAbsoluteError("mae")],
    log_loss_metric=lambda name: keras.metrics.MeanSquaredError(name),
    predictions=finite_outputs,
    check_labels=check_targets,
    measure=_measure_targets,
    output_name="prediction",
)
TASKS = {task.name: task for task in (CLASSIFICATION, BINARY, MULTILABEL, REGRESSION)}

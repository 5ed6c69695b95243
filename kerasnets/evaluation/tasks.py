"""The four tasks of a network, and what each of them needs.

| task | labels ``y`` | outputs of the model | predictions |
|---|---|---|---|
| ``classification`` | int ``(n,)``, k classes | ``(n, k)`` logits | softmax |
| ``binary`` | int ``(n,)``, 0 or 1 | ``(n, 1)`` logit of class 1 | sigmoid |
| ``multilabel`` | int ``(n, k)``, 0 or 1 | ``(n, k)`` logits | sigmoid of each |
| ``regression`` | float ``(n,)`` or ``(n, k)`` | ``(n, 1)`` or ``(n, k)`` values | the outputs |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets._errors import unknown_name
from kerasnets._lazy import keras
from kerasnets.evaluation.binary import THRESHOLDS, binary_metrics, choose_threshold
from kerasnets.evaluation.bootstrap import RESAMPLES
from kerasnets.evaluation.metrics import check_class_labels, classification_metrics
from kerasnets.evaluation.multilabel import check_label_matrix, multilabel_metrics
from kerasnets.evaluation.outputs import (
    both_classes,
    finite_outputs,
    second_class,
    sigmoid,
    softmax,
)
from kerasnets.evaluation.regression import check_targets, regression_metrics

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kerasnets.data.dataset import Dataset


@dataclass(frozen=True)
class Task:
    """What depends on the task: loss, metrics, predictions and figures.

    Labels ``y`` are those of the table above; ``names`` is one name per class, label or target.

    Attributes:
        name: the name of the task.
        loss: function that creates the Keras loss; the loss takes the outputs of the model.
        loss_label: what figures call the loss.
        metrics: function that creates the Keras metrics to compile a model with.
        log_loss_metric: function from a name to a Keras metric that equals the loss, but without
            the weight penalties of the model.
        predictions: function from the outputs of the model to predictions, float64 of the same
            shape. Raises ``ValueError`` if an output is NaN or infinite.
        check_labels: function of ``y`` and ``names`` that raises ``ValueError`` if they do not
            match.
        measure: function that computes the metrics; call :meth:`evaluate`.
        output_name: the name of the predictions in an exported model.
        one_class_per_row: whether each row belongs to exactly one class.
    """

    name: str
    loss: Callable[[], keras.losses.Loss]
    loss_label: str
    metrics: Callable[[], list[keras.metrics.Metric]]
    log_loss_metric: Callable[[str], keras.metrics.Metric]
    predictions: Callable[[np.ndarray], np.ndarray]
    check_labels: Callable[[np.ndarray, Sequence[str]], object]
    measure: Callable[..., dict[str, Any]]
    output_name: str = "probabilities"
    one_class_per_row: bool = False

    def outputs(self, y: np.ndarray, names: Sequence[str]) -> int:
        """Number of outputs that the model needs."""
        self.check_labels(y, names)
        return len(self.column_names(names))

    def column_names(self, names: Sequence[str]) -> tuple[str, ...]:
        """The name of each column of the predictions: of a binary task, the second class."""
        return tuple(names[1:] if self.name == "binary" else names)

    def evaluate(
        self,
        y: np.ndarray,
        predictions: np.ndarray,
        names: Sequence[str],
        *,
        groups: np.ndarray | None = None,
        threshold: float = 0.5,
        resamples: int = RESAMPLES,
    ) -> dict[str, Any]:
        """Compute every metric of the predictions.

        Args:
            y: the labels.
            predictions: predictions for the same rows, as ``predictions`` returns them.
            names: one name per class, label or target.
            groups: the group of each row, such as its patient. The bootstrap for the intervals
                resamples groups; by default every row is its own group.
            threshold: lowest probability at which the positive class, or a label, is predicted.
            resamples: number of bootstrap resamples; 0 for no intervals.

        Returns:
            Plain numbers by name of metric. Intervals are under ``intervals``.

        Raises:
            ValueError: if labels, predictions and names do not match, or if a threshold other than
                0.5 is passed for a task that has none.
        """
        return self.measure(y, predictions, names, groups, threshold, resamples)

    def figures(
        self,
        y: np.ndarray,
        predictions: np.ndarray,
        names: Sequence[str],
        *,
        title: str = "",
        subtitle: str = "",
        split: str = "test",
        threshold: float = 0.5,
        unit: str = "",
    ) -> dict[str, Figure]:
        """Draw the figures of the task.

        Args:
            y: the labels.
            predictions: predictions for the same rows, as ``predictions`` returns them.
            names: one name per class, label or target.
            title: start of the title of each figure, such as the name of the net.
            subtitle: line below each title.
            split: the name of the split, which each title contains.
            threshold: lowest probability at which the positive class is predicted.
            unit: the physical unit of the targets of a regression.

        Returns:
            The figures by file name without suffix.

        Raises:
            ValueError: if labels, predictions and names do not match.
        """
        from kerasnets.evaluation.figures.by_task import Header, draw  # imports matplotlib

        header = Header(title, subtitle, split)
        return draw(self.name, y, predictions, names, header, threshold, unit)

    def check_threshold_rule(self, rule: str, names: Sequence[str]) -> None:
        """Check that a rule for choosing the threshold applies to this task.

        Raises:
            ValueError: if the rule is unknown, or if it is not ``"fixed"`` and the task has not
                exactly two classes.
        """
        if rule not in THRESHOLDS:
            raise unknown_name("threshold rule", rule, THRESHOLDS)
        if rule != "fixed" and not (self.one_class_per_row and len(names) == 2):
            raise ValueError(
                f"The threshold rule {rule!r} needs two classes, but this is {self.name} with "
                f"{len(names)} outputs. Use 'fixed'."
            )

    def choose_threshold(
        self, y: np.ndarray, predictions: np.ndarray, names: Sequence[str], rule: str
    ) -> float:
        """Choose the decision threshold by a rule. Use the labels of the validation split.

        Raises:
            ValueError: if the rule is unknown or does not apply to this task, or if all labels
                are the same.
        """
        self.check_threshold_rule(rule, names)
        return 0.5 if rule == "fixed" else choose_threshold(y, second_class(predictions), rule)


def get_task(name: str) -> Task:
    """Return the task of this name.

    Raises:
        ValueError: if there is no such task.
    """
    if name not in TASKS:
        raise unknown_name("task", name, TASKS)
    return TASKS[name]


def infer_task(data: Dataset, model_outputs: int) -> Task:
    """Return the task that a data set and the number of outputs of a model have in common.

    Two classes are ``binary`` for a model with one output, and ``classification`` for a model with
    two.

    Args:
        data: the data set; its ``task`` says what its labels are.
        model_outputs: number of outputs of the model.

    Raises:
        ValueError: if the labels of the data set do not match its task, or if the model has
            another number of outputs than the task needs.
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
            f"{'targets' if task is REGRESSION else 'classes or labels'}, so the model must have "
            f"{needed}{alternative} outputs; it has {model_outputs}."
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


def _refuse_threshold(threshold: float, of_what: str) -> None:
    if threshold != 0.5:
        raise ValueError(f"There is no decision threshold for {of_what}, got {threshold}.")


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
    # keras.metrics.BinaryCrossentropy refuses labels (n,) with logits (n, 1); the loss takes them.
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

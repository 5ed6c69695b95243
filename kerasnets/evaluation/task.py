"""The class ``Task``: what training and evaluation need to know about the kind of labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets._errors import unknown_name
from kerasnets._lazy import keras
from kerasnets.evaluation.binary import THRESHOLDS, choose_threshold
from kerasnets.evaluation.bootstrap import RESAMPLES
from kerasnets.evaluation.outputs import second_class

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Task:
    """A task, with its loss, metrics, predictions and figures.

    The table in :mod:`kerasnets.evaluation.tasks` describes the labels ``y`` of each task.
    ``names`` contains one name per class, label or target.

    Attributes:
        name: the name of the task.
        loss: function that creates the Keras loss; the loss takes the outputs of the model.
        loss_label: the axis label of the loss in figures.
        metrics: function that creates the Keras metrics to compile a model with.
        log_loss_metric: function from a name to a Keras metric that equals the loss, but without
            the weight penalties of the model.
        predictions: function from the outputs of the model to predictions, float64 of the same
            shape. Raises ``ValueError`` if an output is NaN or infinite.
        check_labels: function of ``y`` and ``names`` that raises ``ValueError`` if they do not
            match.
        measure: function that computes the metrics. Call :meth:`evaluate` instead.
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
        """The names of the columns of the predictions. For a binary task: the second class."""
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
        """Compute all metrics of the predictions.

        Args:
            y: the labels.
            predictions: predictions for the same rows, as ``predictions`` returns them.
            names: one name per class, label or target.
            groups: the group of each row, such as its patient. Intervals are computed by resampling
                groups. By default every row is its own group.
            threshold: lowest probability at which the positive class, or a label, is predicted.
            resamples: number of bootstrap resamples; 0 for no intervals.

        Returns:
            A dict from the name of each metric to plain numbers. ``intervals`` contains the
            intervals.

        Raises:
            ValueError: if labels, predictions and names do not match, or if a threshold other than
                0.5 is passed for a task without a threshold.
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
            A dict from file name, without suffix, to figure.

        Raises:
            ValueError: if labels, predictions and names do not match.
        """
        from kerasnets.evaluation.figures.by_task import Header, draw  # imports matplotlib

        header = Header(title, subtitle, split)
        return draw(self.name, y, predictions, names, header, threshold, unit)

    def check_threshold_rule(self, rule: str, names: Sequence[str]) -> None:
        """Check that a rule for choosing the threshold applies to this task.

        Raises:
            ValueError: if the rule is unknown, or if it is not ``"fixed"`` and the task does
                not have exactly two classes.
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

"""Evaluate a model: compute its metrics on the splits of a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets._errors import unknown_name
from kerasnets._lazy import keras
from kerasnets.evaluation.bootstrap import RESAMPLES
from kerasnets.evaluation.predict import predict_logits, predict_outputs
from kerasnets.evaluation.tasks import Task, check_task, get_task, infer_task, output_names

if TYPE_CHECKING:
    from kerasnets.data.dataset import Dataset


def evaluate(
    model_or_run: Any,
    data: Dataset | None = None,
    batch_size: int = 256,
    splits: Sequence[str] = ("train", "validation", "test"),
    threshold: str | float | None = None,
    task: str | None = None,
) -> dict[str, dict[str, Any]]:
    """Compute all metrics of a model on the splits of a data set.

    Args:
        model_or_run: a ``keras.Model`` with one output of shape ``(n, outputs)``: logits, or the
            values of a regression. Or a run, which has such a model as ``.model``.
        data: the data set. By default, a run loads the data set it was trained on.
        batch_size: number of rows per batch.
        splits: names of the splits to evaluate.
        threshold: decision threshold for two classes: a probability, or the name of a rule that
            chooses it on the validation split: ``"fixed"`` (0.5), ``"youden"`` or ``"f1"``. By
            default the rule in the recipe of the run, or ``"fixed"``. For several labels per row,
            only a probability or ``"fixed"`` is allowed.
        task: ``"classification"``, ``"binary"``, ``"multilabel"`` or ``"regression"``. By default
            the task of the run, or the task of the data set.

    Returns:
        The metrics by name of split; see :mod:`kerasnets.evaluation.metrics`, ``binary``,
        ``multilabel`` and ``regression`` for their names. The training split has no intervals.

    Raises:
        ValueError: if there is no model or no data set, if a split or task is unknown, if model,
            data set, task and threshold do not match, or if an output is not finite.
    """
    model = _model_of(model_or_run)
    data = _load_data(model_or_run) if data is None else data
    for name in splits:
        if name not in data.splits:
            raise unknown_name("split", name, data.splits)
    chosen = _task_of(model_or_run, task, data, _number_of_outputs(model, data, batch_size))
    rule = _rule_of(model_or_run) if threshold is None else threshold
    if isinstance(rule, str):
        chosen.check_threshold_rule(rule, output_names(data))
    needed = list(splits)
    if isinstance(rule, str) and rule != "fixed" and "validation" not in needed:
        needed.append("validation")
    predicted, names = predict_splits(model, data, chosen, needed, batch_size), output_names(data)
    return measure_splits(
        predicted, chosen, names, find_threshold(predicted, chosen, names, rule), splits
    )


@dataclass(frozen=True)
class SplitPredictions:
    """What the metrics and figures of a split are computed from.

    Attributes:
        y: the labels.
        predictions: predictions for the same rows, as :class:`Task` defines them.
        groups: the group of each row, such as its patient; ``None`` if every row is its own.
    """

    y: np.ndarray
    predictions: np.ndarray
    groups: np.ndarray | None = None


def predict_splits(
    model: keras.Model,
    data: Dataset,
    task: Task,
    splits: Sequence[str] = ("train", "validation", "test"),
    batch_size: int = 256,
) -> dict[str, SplitPredictions]:
    """Run a model on splits of a data set.

    Raises:
        ValueError: if an output is not finite.
    """
    return {
        name: SplitPredictions(
            split.y, predict_outputs(model, split.x, task, batch_size), split.groups
        )
        for name, split in ((name, data.splits[name]) for name in splits)
    }


def find_threshold(
    predicted: Mapping[str, SplitPredictions],
    task: Task,
    names: Sequence[str],
    rule: str | float,
) -> float:
    """Return the decision threshold of two classes.

    Args:
        predicted: predictions by name of split; a rule other than ``"fixed"`` needs those of
            ``"validation"``.
        task: the task.
        names: one name per class, label or target.
        rule: a probability or the name of a rule; see :func:`evaluate`.
    """
    if not isinstance(rule, str):
        return float(rule)
    if rule == "fixed":
        return 0.5
    validation = predicted["validation"]
    return task.choose_threshold(validation.y, validation.predictions, names, rule)


def measure_splits(
    predicted: Mapping[str, SplitPredictions],
    task: Task,
    names: Sequence[str],
    threshold: float,
    splits: Sequence[str] = ("train", "validation", "test"),
) -> dict[str, dict[str, Any]]:
    """Compute all metrics of splits from their predictions.

    Args:
        predicted: predictions by name of split.
        task: the task.
        names: one name per class, label or target.
        threshold: from :func:`find_threshold`.
        splits: the splits to measure.
    """
    return {
        name: task.evaluate(
            predicted[name].y,
            predicted[name].predictions,
            names,
            groups=predicted[name].groups,
            threshold=threshold,
            resamples=0 if name == "train" else RESAMPLES,
        )
        for name in splits
    }


def _model_of(model_or_run: Any) -> keras.Model:
    model = model_or_run
    if not isinstance(model, keras.Model):
        model = getattr(model_or_run, "model", None)
    if not isinstance(model, keras.Model):
        raise ValueError(
            "evaluate takes a keras.Model or a run that has one as .model, "
            f"got {type(model_or_run).__name__}."
        )
    return model


def _load_data(run: Any) -> Dataset:
    """Load the data set that a run was trained on."""
    load = getattr(run, "load_data", None)
    if load is None:
        raise ValueError(
            f"evaluate needs data= for a {type(run).__name__}: only a run can load its data "
            "set. Pass a kerasnets.Dataset."
        )
    return load()


def _number_of_outputs(model: keras.Model, data: Dataset, batch_size: int) -> int:
    shape = getattr(model, "output_shape", None)
    if shape is None:  # a subclassed model has no output shape before its first call
        return predict_logits(model, data.validation.x, batch_size).shape[1]
    if not isinstance(shape, tuple) or len(shape) != 2:
        raise ValueError(
            "evaluate needs a model with one output of shape (n, outputs); "
            f"{model.name!r} has {shape}."
        )
    return int(shape[1])


def _task_of(model_or_run: Any, name: str | None, data: Dataset, outputs: int) -> Task:
    """The task that was passed, the task of the run, or the task of data set and model."""
    if name is None and not isinstance(model_or_run, keras.Model):
        name = getattr(model_or_run, "task", None)
    if name is None:
        return infer_task(data, outputs)
    task = get_task(name)
    check_task(task, data, outputs)
    return task


def _rule_of(model_or_run: Any) -> str:
    return str(getattr(getattr(model_or_run, "recipe", None), "threshold", "fixed"))

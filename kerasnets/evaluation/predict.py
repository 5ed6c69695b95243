"""Predict the outputs or probabilities of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets._lazy import keras
from kerasnets.engine.predict import predict
from kerasnets.evaluation.tasks import BINARY, CLASSIFICATION, Task

if TYPE_CHECKING:
    from kerasnets.data.dataset import Arrays


def predict_probabilities(model: keras.Model, x: Arrays, batch_size: int = 256) -> np.ndarray:
    """Predict the probabilities of a classifier.

    Args:
        model: a model whose output is one logit per class, shape ``(n, classes)``, or, for two
            classes, a single logit of the second class, shape ``(n, 1)``. For several labels per
            row, or for regression, call :func:`predict_outputs`.
        x: inputs of the model: an array, a mapping of arrays, or sequences of visits. The first
            axis is the rows.
        batch_size: number of rows per batch.

    Returns:
        Float64 of the same shape as the output: the softmax of the logits, or the sigmoid of a
        single logit.

    Raises:
        ValueError: if there are no rows, if the output has another shape, if a logit is not
            finite, or if the batch size is below 1.
    """
    logits = predict_logits(model, x, batch_size)
    task = BINARY if logits.shape[1] == 1 else CLASSIFICATION
    return task.predictions(logits)


def predict_outputs(model: keras.Model, x: Arrays, task: Task, batch_size: int = 256) -> np.ndarray:
    """Predict probabilities, or the values of a regression, depending on the task.

    Args:
        model: a model with one output of shape ``(n, outputs)``.
        x: inputs of the model: an array, a mapping of arrays, or sequences of visits. The first
            axis is the rows.
        task: the task of the model.
        batch_size: number of rows per batch.

    Returns:
        Float64 of shape ``(n, outputs)``.

    Raises:
        ValueError: as in :func:`predict_probabilities`.
    """
    return task.predictions(predict_logits(model, x, batch_size))


def predict_logits(model: keras.Model, x: Arrays, batch_size: int = 256) -> np.ndarray:
    """Predict the outputs of the model without softmax or sigmoid, shape ``(n, outputs)``.

    Args:
        model: a model with one output of shape ``(n, outputs)``.
        x: inputs of the model: an array or list of rows, a mapping of arrays, or sequences of
            visits. The first axis is the rows.
        batch_size: number of rows per batch.

    Raises:
        ValueError: if there are no rows, if the output has another shape, or if the batch size is
            below 1.
    """
    if isinstance(x, list):
        x = _rows(x)
    if not all(map(len, x.values() if isinstance(x, Mapping) else [x])):
        raise ValueError("x has no rows: there is nothing to predict.")
    outputs = predict(model, dict(x) if isinstance(x, Mapping) else x, batch_size)
    if not isinstance(outputs, np.ndarray) or outputs.ndim != 2:
        shape = outputs.shape if isinstance(outputs, np.ndarray) else type(outputs).__name__
        raise ValueError(
            f"The model must have one output of shape (n, outputs); {model.name!r} has {shape}."
        )
    return outputs


def _rows(x: list[Any]) -> np.ndarray:
    """Convert a list of rows to an array.

    Raises:
        ValueError: if the rows have different lengths or are not numbers.
    """
    try:
        return np.asarray(x, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"x is a list of {len(x)} rows that are not arrays of numbers of the same shape: "
            f"{error}"
        ) from None

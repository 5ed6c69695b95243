"""From a trained network and a data set to probabilities and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets._errors import unknown_name
from kerasnets._lazy import keras
from kerasnets.engine.predict import forward
from kerasnets.evaluation.binary import RESAMPLES, binary_metrics, choose_threshold
from kerasnets.evaluation.metrics import classification_metrics

if TYPE_CHECKING:
    from kerasnets.data.dataset import Arrays, Dataset


def evaluate(
    model_or_run: Any,
    data: Dataset,
    batch_size: int = 256,
    splits: Sequence[str] = ("train", "validation", "test"),
    threshold: str | None = None,
) -> dict[str, dict[str, Any]]:
    """Every metric on every split.

    Args:
        model_or_run: a ``keras.Model`` whose output is logits, or a run that has one as
            ``.model``.
        data: the data set; its inputs must be what the model takes.
        batch_size: examples predicted at a time.
        splits: the names of the splits to measure.
        threshold: of two classes, the rule that chooses the decision threshold on the validation
            split; that of the run's recipe by default, else ``"fixed"``, which is 0.5.

    Returns:
        By name of split, what ``classification_metrics`` gives; of two classes, what
        ``binary_metrics`` gives too, without intervals on the training split.

    Raises:
        ValueError: not a model, an unknown split, a model with another number of classes than
            the data, or logits that are not finite.
    """
    model = _model_of(model_or_run)
    for name in splits:
        if name not in data.splits:
            raise unknown_name("split", name, data.splits)
    shape = getattr(model, "output_shape", None)  # models that are not functional have none
    if shape is not None and shape != (None, len(data.class_names)):
        raise ValueError(
            f"Data set {data.name!r} has {len(data.class_names)} classes, so the model must give "
            f"logits of shape (n, {len(data.class_names)}); {model.name!r} gives {shape}."
        )
    probabilities = {
        name: predict_probabilities(model, data.splits[name].x, batch_size) for name in splits
    }
    results = {
        name: classification_metrics(data.splits[name].y, given, data.class_names)
        for name, given in probabilities.items()
    }
    if len(data.class_names) == 2:
        recipe = getattr(model_or_run, "recipe", None)
        rule = threshold or str(getattr(recipe, "threshold", "fixed"))
        chosen = _threshold(model, data, probabilities, rule, batch_size)
        for name, given in probabilities.items():
            results[name] |= binary_metrics(
                data.splits[name].y,
                given[:, 1],
                data.splits[name].groups,
                threshold=chosen,
                resamples=0 if name == "train" else RESAMPLES,
            )
    return results


def _threshold(
    model: keras.Model,
    data: Dataset,
    probabilities: Mapping[str, np.ndarray],
    rule: str,
    batch_size: int,
) -> float:
    """The threshold a rule chooses on the validation split, measured or not."""
    if rule == "fixed":
        return 0.5
    given = probabilities.get("validation")
    if given is None:
        given = predict_probabilities(model, data.validation.x, batch_size)
    return choose_threshold(data.validation.y, given[:, 1], rule)


def predict_probabilities(model: keras.Model, x: Arrays, batch_size: int = 256) -> np.ndarray:
    """The probability of each class for each example.

    Args:
        model: a model whose output is logits, shape ``(n, classes)``.
        x: its inputs, an array, a mapping of arrays, first axis the examples, or sequences of
            visits.
        batch_size: examples predicted at a time.

    Returns:
        Shape ``(n, classes)``, float64, rows summing to 1.

    Raises:
        ValueError: no examples, an output of another shape, logits that are not finite, or a
            batch size below 1.
    """
    return softmax(predict_logits(model, x, batch_size))


def predict_logits(model: keras.Model, x: Arrays, batch_size: int = 256) -> np.ndarray:
    """What the model gives for each example, shape ``(n, classes)``; else as above.

    Raises:
        ValueError: no examples, an output of another shape, or a batch size below 1.
    """
    if not all(map(len, x.values() if isinstance(x, Mapping) else [x])):
        raise ValueError("x has no examples: there is nothing to predict.")
    return forward(model, x, batch_size)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Softmax over the last axis, in float64.

    Raises:
        ValueError: logits that are NaN or infinite.
    """
    values = np.asarray(logits, dtype=np.float64)
    bad = ~np.isfinite(values).all(axis=-1)
    if bad.any():
        raise ValueError(
            f"Logits must be finite; {bad.sum()} of {bad.size} examples have NaN or infinite ones. "
            "Training may have diverged (lower the learning rate), or an input is not finite."
        )
    exponentials = np.exp(values - values.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


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

"""Calibration: a calibration curve, and temperature scaling (Guo et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kerasnets._lazy import keras

_RANGE = (-3.0, 3.0)  # of the logarithm of the temperature
_GOLDEN = (np.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class CalibrationCurve:
    """The share of label 1 against the predicted probability, in bins of rows.

    Attributes:
        n: number of rows of each bin.
        predicted: mean predicted probability.
        share: share of label 1.
        low: lower end of the 95 % Wilson interval of the share.
        high: upper end.
    """

    n: np.ndarray
    predicted: np.ndarray
    share: np.ndarray
    low: np.ndarray
    high: np.ndarray


def calibration_curve(y_true: np.ndarray, scores: np.ndarray, bins: int = 10) -> CalibrationCurve:
    """Sort the rows by probability and divide them into bins with the same number of rows.

    Args:
        y_true: labels 0 and 1, shape ``(n,)``.
        scores: the probability of label 1, shape ``(n,)``.
        bins: number of bins; fewer if there are fewer rows.
    """
    order = np.argsort(scores, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    n = np.array([len(part) for part in parts])
    share = np.array([y_true[part].mean() for part in parts])
    predicted = np.array([scores[part].mean() for part in parts])
    return CalibrationCurve(n, predicted, share, *_wilson(share, n))


def _wilson(share: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % Wilson intervals of shares of ``n`` rows each."""
    z = 1.96
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return np.minimum(middle - half, share), np.maximum(middle + half, share)


def fit_temperature(logits: np.ndarray, y_true: np.ndarray) -> float:
    """Find the temperature for which ``logits / temperature`` have the smallest log loss.

    Args:
        logits: logits of the validation split, shape ``(n, classes)``, or ``(n, 1)`` for two
            classes with a single logit, that of the second class.
        y_true: class labels of the same rows, integers of shape ``(n,)``.

    Returns:
        A number between 0.05 and 20: above 1 if the model was overconfident, below 1 if it was
        underconfident.
    """
    logits = np.asarray(logits, dtype=np.float64)
    if logits.shape[1] == 1:  # sigmoid(z) is the second value of softmax([0, z])
        logits = np.hstack([np.zeros_like(logits), logits])
    true_logits = np.take_along_axis(logits, np.asarray(y_true)[:, None], axis=1)

    def loss(log_temperature: float) -> float:
        scaled = (logits - true_logits) / np.exp(log_temperature)
        return float(np.logaddexp.reduce(scaled, axis=1).mean())

    # Golden-section search: the loss is convex in 1 / T, so it has one minimum in log T too.
    low, high = _RANGE
    while high - low > 1e-7:
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return float(np.exp((low + high) / 2))


def scale_logits(model: keras.Model, temperature: float) -> None:
    """Divide the logits of a model by a temperature.

    The weights of the last layer are divided, and no layer is added. So every exported file
    contains the scaling.

    Args:
        model: the model, which is changed in place.
        temperature: the number to divide by.

    Raises:
        ValueError: if the last layer is not a ``Dense`` layer without activation.
    """
    last = model.layers[-1]
    if not isinstance(last, keras.layers.Dense) or last.activation is not keras.activations.linear:
        raise ValueError(
            f"The last layer of {model.name} is {type(last).__name__} {last.name!r}; temperature "
            "scaling needs a Dense layer without activation."
        )
    last.set_weights([weight / np.float32(temperature) for weight in last.get_weights()])

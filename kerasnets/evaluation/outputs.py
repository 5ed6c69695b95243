"""Convert the outputs of a model to predictions, in float64."""

from __future__ import annotations

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """Softmax over the last axis.

    Args:
        logits: shape ``(n, classes)``.

    Returns:
        Probabilities, float64, same shape; each row sums to 1.

    Raises:
        ValueError: if a logit is NaN or infinite.
    """
    # As scipy.special.softmax computes it, whose import takes a sixth of a second.
    values = finite_outputs(logits)
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Sigmoid of each element.

    Args:
        logits: any shape; the first axis is the rows.

    Returns:
        Probabilities, float64, same shape.

    Raises:
        ValueError: if a logit is NaN or infinite.
    """
    from scipy.special import expit  # takes a sixth of a second to import

    return np.asarray(expit(finite_outputs(logits)))


def finite_outputs(outputs: np.ndarray) -> np.ndarray:
    """Return the outputs as float64, after checking that they are finite.

    Raises:
        ValueError: if an output is NaN or infinite.
    """
    values = np.asarray(outputs, dtype=np.float64)
    bad = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if bad.any():
        raise ValueError(
            f"The outputs of the model must be finite; {bad.sum()} of {bad.size} rows have NaN or "
            "infinite values. Training may have diverged (lower the learning rate), or an input is "
            "not finite."
        )
    return values


def second_class(predictions: np.ndarray) -> np.ndarray:
    """Return the probability of the second class, shape ``(n,)``, from one or two columns."""
    return predictions.reshape(len(predictions), -1)[:, -1]


def both_classes(predictions: np.ndarray) -> np.ndarray:
    """Return the probabilities of both classes, shape ``(n, 2)``, from one or two columns."""
    positive = second_class(predictions)
    return np.stack([1 - positive, positive], axis=1)

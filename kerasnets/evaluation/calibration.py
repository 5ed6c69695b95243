"""Temperature scaling (Guo et al. 2017): one number that makes probabilities mean what they say."""

from __future__ import annotations

import numpy as np

from kerasnets._lazy import keras

_RANGE = (-3.0, 3.0)  # of the logarithm of the temperature
_GOLDEN = (np.sqrt(5) - 1) / 2


def fit_temperature(logits: np.ndarray, y_true: np.ndarray) -> float:
    """The temperature by which to divide logits for the smallest log loss.

    Args:
        logits: of the validation split, shape ``(n, classes)``.
        y_true: its labels, shape ``(n,)``.

    Returns:
        Above 1 where the model was too sure, below 1 where it was not sure enough; between 0.05
        and 20.
    """
    logits = np.asarray(logits, dtype=np.float64)
    of_true = np.take_along_axis(logits, np.asarray(y_true)[:, None], axis=1)

    def loss(log_temperature: float) -> float:
        scaled = (logits - of_true) / np.exp(log_temperature)
        return float(np.logaddexp.reduce(scaled, axis=1).mean())

    # Golden section: the loss is convex in 1 / T, so it has a single minimum in log T too.
    low, high = _RANGE
    while high - low > 1e-7:
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return float(np.exp((low + high) / 2))


def scale_logits(model: keras.Model, temperature: float) -> None:
    """Divide the logits of a model by a temperature, in the weights of its last layer.

    So it needs no layer of its own and is part of every exported file.

    Raises:
        ValueError: if the last layer is not a dense one without activation.
    """
    last = model.layers[-1]
    if not isinstance(last, keras.layers.Dense) or last.activation is not keras.activations.linear:
        raise ValueError(
            f"The last layer of {model.name} is {type(last).__name__} {last.name!r}; temperature "
            "scaling needs a Dense layer without activation there."
        )
    last.set_weights([weight / np.float32(temperature) for weight in last.get_weights()])

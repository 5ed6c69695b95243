"""The differences that the rounding of float32 explains."""

from __future__ import annotations

from .card import Card

TOLERANCE = 1e-5
# A card that states a larger error of Keras is refused.
LARGEST = 1e-3
# ONNX Runtime and LiteRT differed from Keras by up to 3.2 times the error of Keras, in
# mortality-deep with random weights.
_TIMES = 4


def allowed_difference(error: float) -> float:
    """The largest difference of a runtime from Keras, if Keras itself has this error."""
    return _TIMES * error


def with_rounding(tolerance: float, card: Card, output: str) -> float:
    """The largest difference allowed for an output.

    Args:
        tolerance: the tolerance for exact outputs. One below 1e-5 is meant literally.
        card: the content of ``card.json``, which may have the errors of Keras.
        output: the name of the output.
    """
    error = float((card.get("rounding") or {}).get(output, 0.0))
    return tolerance if tolerance < TOLERANCE else max(tolerance, allowed_difference(error))

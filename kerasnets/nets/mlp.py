"""Multilayer perceptrons on rows of 178 EEG samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kerasnets.nets.blocks import CLASSES, SAMPLES, classifier, dense_stack, signal_input
from kerasnets.nets.catalogue import register, variant

if TYPE_CHECKING:
    import keras


# Sixteen sigmoid units have hardly learned anything after 20 epochs with a rate of 0.001.
_FEW_SIGMOIDS: dict[str, Any] = {"learning_rate": 0.01, "schedule": "cosine"}


@register("seizure-mlp", data="seizure", source="S1 S2 S5", as_reported={}, **_FEW_SIGMOIDS)
def seizure_mlp(
    *,
    units: int | Sequence[int] = (16,),
    activation: str | Sequence[str] = "sigmoid",
    dropout: float = 0.0,
    samples: int = SAMPLES,
    classes: int = CLASSES,
) -> keras.Model:
    """178 → 16 sigmoid → 5, the baseline of S1, S2 and S5: 2,949 parameters.

    Args:
        units: the width of each hidden layer; a single number is one layer.
        activation: one activation function for all hidden layers, or one per layer.
        dropout: the dropout rate after each hidden layer.
        samples: the number of samples per row, in µV.
        classes: the number of logits.
    """
    signal, x = signal_input(samples)
    return classifier(signal, dense_stack(x, units, activation, dropout), classes)


# S1 does not state the second width; we repeat the first.
variant(
    "seizure-mlp-two-hidden", of="seizure-mlp", source="S1", units=(16, 16),
    summary="178 → 16 → 16 sigmoid → 5, the second attempt of S1: 3,221 parameters.",
)  # fmt: skip
variant(
    "seizure-mlp-stepped", of="seizure-mlp", source="S2", recipe={}, units=(100, 50, 24, 12),
    activation=("relu", "relu", "relu", "sigmoid"),
    summary="178 → 100 → 50 → 24 ReLU → 12 sigmoid → 5, decreasing widths of S2: "
    "24,539 parameters.",
)  # fmt: skip
variant(
    "seizure-mlp-wide", of="seizure-mlp", source="S5", recipe={},
    units=(256,) * 4, activation="relu",
    summary="178 → 4 × 256 ReLU → 5, the larger and deeper net of S5: 244,485 parameters.",
)  # fmt: skip

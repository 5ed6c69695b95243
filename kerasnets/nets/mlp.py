"""Multi-layer perceptrons on the 178 samples of an EEG row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kerasnets.nets.blocks import CLASSES, SAMPLES, classifier, dense_stack, signal_input
from kerasnets.nets.catalogue import register

if TYPE_CHECKING:
    import keras


def _seizure_mlp(
    name: str,
    units: int | Sequence[int],
    activation: str | Sequence[str],
    dropout: float,
    samples: int,
    classes: int,
) -> keras.Model:
    signal, x = signal_input(samples)
    return classifier(name, signal, dense_stack(x, units, activation, dropout), classes)


@register("seizure-mlp", data="seizure", source="S1 S2 S5")
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
        activation: one for all hidden layers, or one for each.
        dropout: the rate after each hidden layer.
        samples: samples a row, in µV.
        classes: how many logits come out.
    """
    return _seizure_mlp("seizure-mlp", units, activation, dropout, samples, classes)


@register("seizure-mlp-two-hidden", data="seizure", source="S1")
def seizure_mlp_two_hidden(
    *,
    units: int | Sequence[int] = (16, 16),
    activation: str | Sequence[str] = "sigmoid",
    dropout: float = 0.0,
    samples: int = SAMPLES,
    classes: int = CLASSES,
) -> keras.Model:
    """178 → 16 → 16 sigmoid → 5, S1's second attempt: 3,221 parameters.

    S1 does not give the second width; 16 repeats the first. Arguments as in ``seizure-mlp``.
    """
    return _seizure_mlp("seizure-mlp-two-hidden", units, activation, dropout, samples, classes)


@register("seizure-mlp-stepped", data="seizure", source="S2")
def seizure_mlp_stepped(
    *,
    units: int | Sequence[int] = (100, 50, 24, 12),
    activation: str | Sequence[str] = ("relu", "relu", "relu", "sigmoid"),
    dropout: float = 0.0,
    samples: int = SAMPLES,
    classes: int = CLASSES,
) -> keras.Model:
    """178 → 100 → 50 → 24 ReLU → 12 sigmoid → 5, S2's stepped descent: 24,539 parameters.

    Arguments as in ``seizure-mlp``.
    """
    return _seizure_mlp("seizure-mlp-stepped", units, activation, dropout, samples, classes)


@register("seizure-mlp-wide", data="seizure", source="S5")
def seizure_mlp_wide(
    *,
    units: int | Sequence[int] = (256, 256, 256, 256),
    activation: str | Sequence[str] = "relu",
    dropout: float = 0.0,
    samples: int = SAMPLES,
    classes: int = CLASSES,
) -> keras.Model:
    """178 → 4 × 256 ReLU → 5, S5's larger and deeper net: 244,485 parameters.

    Arguments as in ``seizure-mlp``.
    """
    return _seizure_mlp("seizure-mlp-wide", units, activation, dropout, samples, classes)

"""One-dimensional convolutional networks on EEG rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnets._lazy import keras
from kerasnets.nets.blocks import CLASSES, SAMPLES, classifier, dense_stack, signal_input
from kerasnets.nets.catalogue import register


def _conv_blocks(
    x: Any, filters: Sequence[int], kernel_size: int, pool_size: int, dropout: float
) -> Any:
    """Blocks of convolution without padding, ReLU, max pooling and, where asked, dropout."""
    for number, width in enumerate(filters, start=1):
        x = keras.layers.Conv1D(width, kernel_size, activation="relu", name=f"conv_{number}")(x)
        x = keras.layers.MaxPooling1D(pool_size, name=f"pool_{number}")(x)
        if dropout:
            x = keras.layers.Dropout(dropout, name=f"conv_{number}_dropout")(x)
    return keras.layers.Flatten(name="flatten")(x)


def _seizure_cnn(
    name: str,
    *,
    filters: Sequence[int],
    kernel_size: int,
    pool_size: int,
    units: int | Sequence[int],
    dropout: float,
    samples: int,
    classes: int,
) -> keras.Model:
    signal, x = signal_input(samples, (samples, 1))
    x = _conv_blocks(x, filters, kernel_size, pool_size, dropout)
    return classifier(name, signal, dense_stack(x, units, "relu", dropout), classes)


@register("seizure-cnn", data="seizure", source="S1 S2 S5")
def seizure_cnn(
    *,
    filters: Sequence[int] = (6, 16),
    kernel_size: int = 5,
    pool_size: int = 2,
    units: int | Sequence[int] = (128,),
    dropout: float = 0.0,
    samples: int = SAMPLES,
    classes: int = CLASSES,
) -> keras.Model:
    """Conv 6×5 and 16×5, each ReLU and pool 2, → 128 ReLU → 5: 85,273 parameters.

    The baseline of S1, S2 and S5.

    Args:
        filters: the filters of each convolution.
        kernel_size: samples under each kernel; no padding.
        pool_size: samples under each max pooling, which is also its stride.
        units: the width of each dense layer before the logits.
        dropout: the rate after each pooling and each dense layer.
        samples: samples a row, in µV.
        classes: how many logits come out.
    """
    return _seizure_cnn("seizure-cnn", **locals())


@register("seizure-cnn-three-dense", data="seizure", source="S1")
def seizure_cnn_three_dense(
    *,
    filters: Sequence[int] = (6, 16),
    kernel_size: int = 5,
    pool_size: int = 2,
    units: int | Sequence[int] = (128, 64),
    dropout: float = 0.0,
    samples: int = SAMPLES,
    classes: int = CLASSES,
) -> keras.Model:
    """The baseline CNN with three dense layers, 128 → 64 → 5: 93,209 parameters.

    S1 does not give the added width; 64 is half the layer before it. Arguments as in
    ``seizure-cnn``.
    """
    return _seizure_cnn("seizure-cnn-three-dense", **locals())


@register("seizure-cnn-five-block", data="seizure", source="S2")
def seizure_cnn_five_block(
    *,
    filters: Sequence[int] = (3, 15, 20, 30, 100),
    kernel_size: int = 3,
    pool_size: int = 2,
    units: int | Sequence[int] = (64,),
    dropout: float = 0.0,
    samples: int = SAMPLES,
    classes: int = CLASSES,
) -> keras.Model:
    """Five blocks of conv 3, 15, 20, 30, 100 × 3, ReLU, pool 2 → 64 ReLU → 5: 31,601 parameters.

    S2 does not give the head behind the 300 features; one dense layer of 64 is ours. Arguments
    as in ``seizure-cnn``.
    """
    return _seizure_cnn("seizure-cnn-five-block", **locals())


@register("seizure-cnn-dropout", data="seizure", source="S5")
def seizure_cnn_dropout(
    *,
    filters: Sequence[int] = (6, 16),
    kernel_size: int = 5,
    pool_size: int = 2,
    units: int | Sequence[int] = (128, 64),
    dropout: float = 0.2,
    samples: int = SAMPLES,
    classes: int = CLASSES,
) -> keras.Model:
    """The baseline CNN with dense 128, 64 and dropout 0.2 throughout: 93,209 parameters.

    S5's cure for overfitting. Arguments as in ``seizure-cnn``.
    """
    return _seizure_cnn("seizure-cnn-dropout", **locals())

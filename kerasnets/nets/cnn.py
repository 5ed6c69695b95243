"""One-dimensional convolutional networks on EEG rows."""

from __future__ import annotations

from collections.abc import Sequence

from kerasnets._lazy import keras
from kerasnets.nets.blocks import CLASSES, SAMPLES, classifier, dense_stack, signal_input
from kerasnets.nets.catalogue import register, variant


@register("seizure-cnn", data="seizure", source="S1 S2 S5", threads=1, as_reported={"threads": 1})
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
    """Conv 6×5 and 16×5, each with ReLU and pool 2, → 128 ReLU → 5: 85,273 parameters.

    The baseline of S1, S2 and S5.

    Args:
        filters: the number of filters of each convolution.
        kernel_size: the number of samples per kernel; without padding.
        pool_size: the window and stride of each max pooling.
        units: the width of each dense layer before the logits.
        dropout: the dropout rate after each pooling and each dense layer.
        samples: the number of samples per row, in µV.
        classes: the number of logits.
    """
    signal, x = signal_input(samples, (samples, 1))
    for number, width in enumerate(filters, start=1):
        x = keras.layers.Conv1D(width, kernel_size, activation="relu", name=f"conv_{number}")(x)
        x = keras.layers.MaxPooling1D(pool_size, name=f"pool_{number}")(x)
        if dropout:
            x = keras.layers.Dropout(dropout, name=f"conv_{number}_dropout")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    return classifier(signal, dense_stack(x, units, "relu", dropout), classes)


# S1 does not state the width of the additional layer; we use half that of the layer before it.
variant(
    "seizure-cnn-three-dense", of="seizure-cnn", source="S1", units=(128, 64),
    summary="The baseline CNN with three dense layers, 128 → 64 → 5: 93,209 parameters.",
)  # fmt: skip
# S2 does not state the layers after the 300 features; the dense layer of 64 units is our choice.
variant(
    "seizure-cnn-five-block", of="seizure-cnn", source="S2",
    filters=(3, 15, 20, 30, 100), kernel_size=3, units=(64,),
    summary="Five blocks of conv 3, 15, 20, 30, 100 × 3, ReLU, pool 2 → 64 ReLU → 5: "
    "31,601 parameters.",
)  # fmt: skip
# S5 adds these layers against overfitting.
variant(
    "seizure-cnn-dropout", of="seizure-cnn", source="S5", units=(128, 64), dropout=0.2,
    summary="The baseline CNN with dense 128, 64 and dropout 0.2 throughout: 93,209 parameters.",
)  # fmt: skip

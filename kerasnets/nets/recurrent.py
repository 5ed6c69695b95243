"""Recurrent networks on EEG rows: one time step per sample, or a single step for the full row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnets._lazy import keras
from kerasnets.nets.blocks import (
    CLASSES,
    SAMPLES,
    classifier,
    dense_stack,
    layer_widths,
    signal_input,
)
from kerasnets.nets.catalogue import register, variant

# With 178 time steps, training hardly progresses at the default learning rate.
_ONE_STEP_PER_SAMPLE: dict[str, Any] = {"learning_rate": 0.01, "schedule": "cosine"}


def _gru_stack(
    x: Any, units: Sequence[int], *, reset_after: bool, dropout: float, bidirectional: bool
) -> Any:
    """A stack of GRU layers; the last one returns its last state only."""
    for number, width in enumerate(units, start=1):
        layer = keras.layers.GRU(
            width,
            reset_after=reset_after,
            dropout=dropout,
            return_sequences=number < len(units),
            name=f"gru_{number}",
        )
        if bidirectional:
            layer = keras.layers.Bidirectional(layer, name=f"bigru_{number}")
        x = layer(x)
    return x


@register(
    "seizure-gru", data="seizure", source="S1 S5", as_reported=_ONE_STEP_PER_SAMPLE,
    **_ONE_STEP_PER_SAMPLE,
)  # fmt: skip
def seizure_gru(
    *,
    units: int | Sequence[int] = 16,
    dense_units: int | Sequence[int] = (),
    reset_after: bool = True,
    bidirectional: bool = False,
    full_row: bool = False,
    dropout: float = 0.0,
    samples: int = SAMPLES,
    classes: int = CLASSES,
) -> keras.Model:
    """GRU 16 over the 178 samples, last state → 5: 997 parameters, 949 with one bias.

    The baseline of S1 (two bias vectors, ``reset_after=True``) and S5 (one, ``False``).

    Args:
        units: the width of each GRU layer; a single number is one layer.
        dense_units: the width of each dense ReLU layer before the logits.
        reset_after: apply the reset gate after the matrix product, with a second bias vector.
        bidirectional: run each GRU layer in both directions.
        full_row: use the full row as a single time step. Default: one time step per sample.
        dropout: the dropout rate of the inputs of each GRU layer.
        samples: the number of samples per row, in µV.
        classes: the number of logits.
    """
    signal, x = signal_input(samples, (1, samples) if full_row else (samples, 1))
    widths = layer_widths(units)
    x = _gru_stack(x, widths, reset_after=reset_after, dropout=dropout, bidirectional=bidirectional)
    return classifier(signal, dense_stack(x, dense_units, "relu"), classes)


variant(
    "seizure-gru-2", of="seizure-gru", source="S1", units=(16, 16),
    summary="Two stacked GRU 16 → 5, the second attempt of S1: 2,629 parameters.",
)  # fmt: skip
variant(
    "seizure-gru-5", of="seizure-gru", source="S1", units=(16,) * 5,
    summary="Five stacked GRU 16 → 5, the last attempt of S1: 7,525 parameters.",
)  # fmt: skip
variant(
    "seizure-gru-2x32", of="seizure-gru", source="S5", units=(32, 32), dense_units=(16,),
    summary="GRU 32, GRU 32 → 16 ReLU → 5, the improved net of S5: 10,309 parameters.",
)  # fmt: skip
# Only with an input of shape (1, 178) and one bias vector do we get the parameter count of S2.
variant(
    "seizure-bigru", of="seizure-gru", source="S2", recipe={}, as_reported={},
    reset_after=False, bidirectional=True, full_row=True,
    summary="Bidirectional GRU 16 over the full row as one step → 5: 18,885 parameters.",
)  # fmt: skip
# S2 adds two layers of decreasing width to seizure-bigru; it does not state the widths.
variant(
    "seizure-gru-stepped", of="seizure-bigru", source="S2", units=(64, 32, 16),
    summary="Bidirectional GRU 64 → 32 → 16 over the full row → 5, the improved net of S2.",
)  # fmt: skip

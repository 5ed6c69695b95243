"""Recurrent networks on EEG rows: each sample a time step, or the whole row one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnets._lazy import keras
from kerasnets.nets.blocks import CLASSES, SAMPLES, classifier, dense_stack, signal_input
from kerasnets.nets.catalogue import register

# 178 steps back to the first sample need larger steps than the default to get going at all.
_ONE_SAMPLE_A_STEP: dict[str, Any] = {"learning_rate": 0.01, "schedule": "cosine"}


def _gru_stack(
    x: Any, units: Sequence[int], *, reset_after: bool, dropout: float, bidirectional: bool
) -> Any:
    """GRU layers in a row; the last gives its last state only."""
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


def _seizure_gru(
    name: str,
    *,
    units: int | Sequence[int],
    reset_after: bool,
    dropout: float,
    samples: int,
    classes: int,
    dense_units: Sequence[int] = (),
    whole_row: bool = False,
    bidirectional: bool = False,
) -> keras.Model:
    signal, x = signal_input(samples, (1, samples) if whole_row else (samples, 1))
    widths = [units] if isinstance(units, int) else units
    x = _gru_stack(x, widths, reset_after=reset_after, dropout=dropout, bidirectional=bidirectional)
    return classifier(name, signal, dense_stack(x, dense_units, "relu"), classes)


@register("seizure-gru", data="seizure", source="S1 S5", **_ONE_SAMPLE_A_STEP)
def seizure_gru(
    *,
    units: int | Sequence[int] = 16,
    reset_after: bool = True,
    dropout: float = 0.0,
    samples: int = SAMPLES,
    classes: int = CLASSES,
) -> keras.Model:
    """GRU 16 over the 178 samples, last state → 5: 997 parameters, 949 with one bias.

    The baseline of S1 (two bias vectors, ``reset_after=True``) and S5 (one, ``False``).

    Args:
        units: the width of each GRU layer; a single number is one layer.
        reset_after: apply the reset gate after the matrix product, with a second bias vector.
        dropout: the rate on the input of each GRU layer.
        samples: samples a row, in µV.
        classes: how many logits come out.
    """
    return _seizure_gru("seizure-gru", **locals())


@register("seizure-gru-2", data="seizure", source="S1", **_ONE_SAMPLE_A_STEP)
def seizure_gru_2(
    *,
    units: Sequence[int] = (16, 16),
    reset_after: bool = True,
    dropout: float = 0.0,
    samples: int = SAMPLES,
    classes: int = CLASSES,
) -> keras.Model:
    """Two stacked GRU 16 → 5, S1's second attempt: 2,629 parameters.

    Arguments as in ``seizure-gru``.
    """
    return _seizure_gru("seizure-gru-2", **locals())


@register("seizure-gru-5", data="seizure", source="S1", **_ONE_SAMPLE_A_STEP)
def seizure_gru_5(
    *,
    units: Sequence[int] = (16, 16, 16, 16, 16),
    reset_after: bool = True,
    dropout: float = 0.0,
    samples: int = SAMPLES,
    classes: int = CLASSES,
) -> keras.Model:
    """Five stacked GRU 16 → 5, S1's last attempt: 7,525 parameters.

    Arguments as in ``seizure-gru``.
    """
    return _seizure_gru("seizure-gru-5", **locals())


@register("seizure-bigru", data="seizure", source="S2")
def seizure_bigru(
    *,
    units: int | Sequence[int] = 16,
    reset_after: bool = False,
    dropout: float = 0.0,
    samples: int = SAMPLES,
    classes: int = CLASSES,
) -> keras.Model:
    """Bidirectional GRU 16 over the whole row as one step → 5: 18,885 parameters.

    The reading under which S2's count is exact: input ``(1, 178)``, one bias vector. Arguments
    as in ``seizure-gru``.
    """
    return _seizure_gru("seizure-bigru", whole_row=True, bidirectional=True, **locals())


@register("seizure-gru-stepped", data="seizure", source="S2")
def seizure_gru_stepped(
    *,
    units: Sequence[int] = (64, 32, 16),
    reset_after: bool = False,
    dropout: float = 0.0,
    samples: int = SAMPLES,
    classes: int = CLASSES,
) -> keras.Model:
    """Bidirectional GRU 64 → 32 → 16 over the whole row → 5, S2's improvement.

    S2 adds two layers to ``seizure-bigru`` and steps the width down, without giving widths;
    these are ours. Arguments as in ``seizure-gru``.
    """
    return _seizure_gru("seizure-gru-stepped", whole_row=True, bidirectional=True, **locals())


@register("seizure-gru-2x32", data="seizure", source="S5", **_ONE_SAMPLE_A_STEP)
def seizure_gru_2x32(
    *,
    units: Sequence[int] = (32, 32),
    dense_units: Sequence[int] = (16,),
    reset_after: bool = True,
    dropout: float = 0.0,
    samples: int = SAMPLES,
    classes: int = CLASSES,
) -> keras.Model:
    """GRU 32, GRU 32 → 16 ReLU → 5, S5's improvement: 10,309 parameters.

    Arguments as in ``seizure-gru``, and ``dense_units``, the width of each dense layer before
    the logits.
    """
    return _seizure_gru("seizure-gru-2x32", **locals())

"""The cost of a recurrent network on a set of sequences: per step, padded, and at true lengths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy

from kerasnets.profiling.sizes import Size, Steps, product, symbol, total
from kerasnets.profiling.totals import ProfileTotals, SequenceTotals


def per_step(profile: ProfileTotals) -> Size:
    """The cost of one step of all recurrent layers; 0 if there are none."""
    return total(
        product(factor for factor in factors if not isinstance(factor, Steps))
        for layer in profile.layers
        for op, factors in layer.steps
        if any(isinstance(factor, Steps) for factor in op.repeats)
    )


def sequence_totals(profile: ProfileTotals, lengths: Any, time: int | None) -> SequenceTotals:
    """Compute the cost of a network on sequences of the given lengths.

    Args:
        profile: the profile; if the time axis of the model is unknown, with the symbol ``T``.
        lengths: integers of shape ``(samples,)``, a mapping with the key ``"length"``, or a
            data set with such inputs.
        time: the number of steps that the sequences are padded to. Default: the number of steps
            of the model or, if that is unknown, the length of the longest sequence.

    Raises:
        ValueError: a length is negative, not an integer or larger than ``time``, or the model
            has no time axis.
    """
    values, counts = np.unique(_check_lengths(lengths), return_counts=True)
    open_time = "T" in profile.symbols
    fixed = None if open_time else _fixed_time(profile)
    padded = fixed or time or max(int(values[-1]), 1)
    if values[-1] > padded:
        raise ValueError(
            f"lengths must be in [0, {padded}], got max={values[-1]}. Right-pad the sequences to "
            "the longest and pass their true lengths."
        )
    step = per_step(profile)
    samples = int(counts.sum())
    pairs = list(zip(values.tolist(), counts.tolist(), strict=True))
    if open_time:
        flops = sympy.sympify(profile.flops)
        by_length = {n: flops.subs(symbol("T"), n) for n in {padded, *values.tolist()}}
        true = total(by_length[length] * count for length, count in pairs)
        return SequenceTotals(samples, padded, step, total([by_length[padded] * samples]), true)
    all_padded = profile.flops * samples
    saved_steps = sum((padded - length) * count for length, count in pairs)
    true = total([all_padded, -step * saved_steps])
    return SequenceTotals(samples, padded, step, all_padded, true)


def recurrent_steps(profile: ProfileTotals) -> set[Size]:
    """The numbers of steps that the recurrent layers run."""
    return {
        factor.value
        for layer in profile.layers
        for op, _ in layer.steps
        for factor in op.repeats
        if isinstance(factor, Steps)
    }


def _fixed_time(profile: ProfileTotals) -> int:
    steps = recurrent_steps(profile)
    if len(steps) == 1 and isinstance(only := next(iter(steps)), int):
        return only
    found = ", ".join(sorted(map(str, steps))) or "none"
    raise ValueError(
        f"lengths need a model with one time axis. {profile.name!r} has no unknown time axis, and "
        f"its recurrent layers run these numbers of steps: {found}. Build it with an unknown time "
        "axis: keras.Input((None, features))."
    )


def _check_lengths(lengths: Any) -> np.ndarray:
    array = np.asarray(_lengths_of(lengths))
    if array.ndim != 1 or not array.size or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            "lengths must be integers of shape (samples,), at least one, got "
            f"shape {array.shape} of {array.dtype}."
        )
    if array.min() < 0:
        raise ValueError(f"lengths must not be negative, got min={array.min()}.")
    return array


def _lengths_of(source: Any) -> Any:
    """The array of lengths in an array, a mapping with ``"length"``, a split or a data set."""
    if hasattr(source, "splits"):
        return np.concatenate([_lengths_of(split) for split in source.splits.values()])
    if hasattr(source, "x"):
        return _lengths_of(source.x)
    if isinstance(source, Mapping):
        if "length" not in source:
            raise ValueError(f"no 'length' among {sorted(source)}; pass the array of lengths.")
        return source["length"]
    return source

"""Sequence lengths: what a recurrent net costs by the step, padded, and on the true lengths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from kerasnets.profiling.sizes import Size, Steps, product, symbol, total

if TYPE_CHECKING:
    from kerasnets.profiling.profile import Profile


@dataclass(frozen=True)
class SequenceTotals:
    """The three totals of a recurrent net, under the profile's convention.

    Attributes:
        samples: how many sequences there are.
        time: the time steps they are padded to.
        per_step: one step of all recurrent layers together, for one sequence.
        padded: the whole net on all sequences at the padded time.
        true: the whole net on each sequence at its own length. Where the time axis of the
            model is fixed, only recurrent steps are saved: the other layers take it all.
    """

    samples: int
    time: int
    per_step: Size
    padded: Size
    true: Size


def per_step(profile: Profile) -> Size:
    """The cost of one step of every recurrent layer; 0 where there is none."""
    return total(
        product(factor for factor in factors if not isinstance(factor, Steps))
        for layer in profile.layers
        for op, factors in layer.steps
        if any(isinstance(factor, Steps) for factor in op.repeats)
    )


def sequence_totals(profile: Profile, lengths: Any, time: int | None) -> SequenceTotals:
    """The three totals for sequences of given lengths.

    Args:
        profile: the profile with its time axis left open, if the model does.
        lengths: integers of shape ``(samples,)``; a data set or a mapping with ``"length"``.
        time: the padded time; the longest sequence where it is neither given nor fixed.

    Raises:
        ValueError: if a length is negative, not whole, or over the padded time, or if the model
            has no time axis.
    """
    values, counts = np.unique(_checked(lengths), return_counts=True)
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
        at = {value: flops.subs(symbol("T"), value) for value in {padded, *values.tolist()}}
        true = total(at[value] * count for value, count in pairs)
        return SequenceTotals(samples, padded, step, total([at[padded] * samples]), true)
    whole = profile.flops * samples
    saved = sum((padded - value) * count for value, count in pairs)
    return SequenceTotals(samples, padded, step, whole, total([whole, -step * saved]))


def recurrent_steps(profile: Profile) -> set[Size]:
    """The numbers of steps that recurrent layers take."""
    return {
        factor.value
        for layer in profile.layers
        for op, _ in layer.steps
        for factor in op.repeats
        if isinstance(factor, Steps)
    }


def _fixed_time(profile: Profile) -> int:
    steps = recurrent_steps(profile)
    if len(steps) == 1 and isinstance(only := next(iter(steps)), int):
        return only
    found = ", ".join(sorted(map(str, steps))) or "no recurrent"
    raise ValueError(
        f"lengths need one time axis, and {profile.name!r} has no unknown one and {found} steps; "
        "build it with an unknown time axis, keras.Input((None, features))."
    )


def _checked(lengths: Any) -> np.ndarray:
    array = np.asarray(_plain(lengths))
    if array.ndim != 1 or not array.size or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            "lengths must be integers of shape (samples,), at least one, got "
            f"shape {array.shape} of {array.dtype}."
        )
    if array.min() < 0:
        raise ValueError(f"lengths must not be negative, got min={array.min()}.")
    return array


def _plain(lengths: Any) -> Any:
    """The array in an array, a mapping with ``"length"``, a split or a data set."""
    if hasattr(lengths, "splits"):
        return np.concatenate([_plain(split) for split in lengths.splits.values()])
    if hasattr(lengths, "x"):
        return _plain(lengths.x)
    if isinstance(lengths, Mapping):
        if "length" not in lengths:
            raise ValueError(f"no 'length' among {sorted(lengths)}; pass the array of lengths.")
        return lengths["length"]
    return lengths

"""Compare names, types, shapes and values of a runtime with the reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

Signature = dict[str, tuple[str, tuple[int | None, ...]]]  # type and shape by name


def signature_of(tensors: Sequence[Mapping[str, Any]]) -> Signature:
    """The inputs or outputs that a card lists."""
    return {t["name"]: (t["dtype"], tuple(t["shape"])) for t in tensors}


def signature_failures(runtime: str, side: str, got: Signature, card: Signature) -> Iterator[str]:
    """The differences between the inputs or outputs of a runtime and those in the card.

    Args:
        runtime: the name of the runtime, with which each failure begins.
        side: ``"input"`` or ``"output"``.
        got: the inputs or outputs of the runtime.
        card: the inputs or outputs in the card.
    """
    if set(got) != set(card):
        yield f"{runtime}: {side}s are named {sorted(got)}, the card says {sorted(card)}"
    for name in sorted(set(got) & set(card)):
        (dtype, shape), (card_dtype, card_shape) = got[name], card[name]
        if dtype != card_dtype:
            yield f"{runtime}: {side} {name!r} has type {dtype}, the card says {card_dtype}"
        if not _same_axes(shape, card_shape):
            yield f"{runtime}: {side} {name!r} has axes {shape}, the card says {card_shape}"


def _same_axes(got: tuple[int | None, ...], card: tuple[int | None, ...]) -> bool:
    """Whether the axes are equal. A runtime may leave axes free that the card fixes."""
    return len(got) == len(card) and all(
        a is None or a == b for a, b in zip(got, card, strict=True)
    )


def compare(
    where: str, got: np.ndarray, reference: np.ndarray, tolerance: float
) -> tuple[float, list[str]]:
    """The largest difference between two arrays, and the failures.

    The difference is absolute if the largest value of the reference is at most 1, and relative to
    that value otherwise, because a float32 has seven digits. Integers, booleans and text must be
    equal. Rows in which the reference holds NaN have an invalid input: there, all must be NaN.

    Args:
        where: a description of the array, with which each failure begins.
        got: the array of the runtime.
        reference: the array of Keras.
        tolerance: the largest difference allowed.
    """
    if got.dtype != reference.dtype and not (got.dtype.kind == reference.dtype.kind == "U"):
        return 0.0, [f"{where} has type {got.dtype}, in Keras {reference.dtype}"]
    if got.shape != reference.shape:
        return 0.0, [f"{where} has shape {got.shape}, in Keras {reference.shape}"]
    if not got.size:
        return 0.0, []
    if got.dtype.kind != "f":
        same = np.array_equal(got, reference)
        return 0.0, [] if same else [f"{where} differs from Keras"]
    invalid = np.isnan(reference.reshape(len(reference), -1)).any(axis=1)
    if not np.isnan(got[invalid]).all():
        return 0.0, [f"{where} is not NaN for a row with an invalid input"]
    got, reference = got[~invalid], reference[~invalid]
    if not np.isfinite(got).all():
        return 0.0, [f"{where} holds NaN or infinity"]
    if not got.size or not np.isfinite(reference).all():
        return 0.0, []  # the latter is already a failure of the reference
    scale = max(1.0, float(np.abs(reference).max()))
    difference = float(np.abs(got.astype("float64") - reference.astype("float64")).max()) / scale
    if difference > tolerance:
        return difference, [f"{where} differs from Keras by {difference:.3g} (> {tolerance:.3g})"]
    return difference, []

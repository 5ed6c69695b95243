"""What is the same and what is not: names, types, axes, values."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

Signature = dict[str, tuple[str, tuple[int | None, ...]]]  # dtype and axes, by name


def signature_failures(runtime: str, side: str, got: Signature, card: Signature) -> Iterator[str]:
    """What differs between the inputs or outputs of a runtime and those in the card.

    Args:
        runtime: what the failures begin with.
        side: ``"input"`` or ``"output"``.
        got: what the runtime has.
        card: what the card says.
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
    """Whether what is free in the card is free here; a runtime may leave more axes unsaid."""
    return len(got) == len(card) and all(
        a is None or a == b for a, b in zip(got, card, strict=True)
    )


def compare(
    where: str, got: np.ndarray, reference: np.ndarray, tolerance: float
) -> tuple[float, list[str]]:
    """The largest difference, and what is wrong.

    A float32 has seven digits, so the difference is absolute for values up to 1 and in parts of
    the array's largest value above that. Whole numbers and booleans must be equal.

    Args:
        where: what the failures begin with.
        got: what the runtime gave.
        reference: what Keras gave.
        tolerance: the largest difference allowed.
    """
    if got.dtype != reference.dtype:
        return 0.0, [f"{where} has type {got.dtype}, Keras gives {reference.dtype}"]
    if got.shape != reference.shape:
        return 0.0, [f"{where} has shape {got.shape}, Keras gives {reference.shape}"]
    if not got.size:
        return 0.0, []
    if got.dtype.kind != "f":
        same = np.array_equal(got, reference)
        return 0.0, [] if same else [f"{where} differs from Keras"]
    if not np.isfinite(got).all():
        return 0.0, [f"{where} holds NaN or infinity"]
    if not np.isfinite(reference).all():
        return 0.0, []  # already said of the reference
    scale = max(1.0, float(np.abs(reference).max()))
    difference = float(np.abs(got.astype("float64") - reference.astype("float64")).max()) / scale
    if difference > tolerance:
        return difference, [f"{where} differs from Keras by {difference:.3g} (> {tolerance:.3g})"]
    return difference, []

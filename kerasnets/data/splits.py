"""Seeded, stratified splits that keep the rows of a group in one part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kerasnets.data.options import whole_number

FRACTIONS = (0.6, 0.2, 0.2)
TRAIN_VALIDATION = (7 / 8, 1 / 8)  # of the rows outside the test fold


def split_groups(
    y: np.ndarray,
    groups: np.ndarray,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
) -> tuple[np.ndarray, ...]:
    """Divide examples into parts so that no group is in two parts.

    Each class is divided in the same proportions, counted in groups.
    ``fractions=(1 / k,) * k`` returns the parts of a k-fold cross-validation.

    Args:
        y: class labels, shape ``(n,)``.
        groups: recording or person of each example, shape ``(n,)``; all examples of a group
            must have the same label.
        fractions: share of each part; they sum to 1.
        seed: seed of the split.

    Returns:
        One ascending index array per part.

    Raises:
        ValueError: if the fractions are not positive or do not sum to 1, a group has two labels,
            or a class has fewer groups than there are parts.
    """
    y, groups = np.asarray(y), np.asarray(groups)
    shares = check_fractions(fractions)
    if y.ndim != 1 or y.shape != groups.shape or not len(y):
        raise ValueError(
            f"y and groups must hold one label and one group per example, got shapes {y.shape} "
            f"and {groups.shape}."
        )
    names, first, member = np.unique(groups, return_index=True, return_inverse=True)
    labels = y[first]
    _check_one_label_per_group(names, labels, member, y)
    part = assign_parts(labels, shares, np.random.default_rng(seed))[member]
    return tuple(np.flatnonzero(part == index) for index in range(len(shares)))


def split_rows(
    y: np.ndarray, fractions: Sequence[float] = FRACTIONS, seed: int = 0
) -> tuple[np.ndarray, ...]:
    """Divide examples into parts row by row, ignoring groups.

    Rows of one recording resemble each other, so a score on such a split is optimistically
    biased.

    Args:
        y: class labels, shape ``(n,)``.
        fractions: share of each part; they sum to 1.
        seed: seed of the split.

    Returns:
        One ascending index array per part.

    Raises:
        ValueError: see :func:`split_groups`.
    """
    return split_groups(y, np.arange(len(y)), fractions, seed)


def split_fold(
    y: np.ndarray, groups: np.ndarray | None = None, *, folds: int, fold: int, seed: int = 0
) -> tuple[np.ndarray, ...]:
    """Return training, validation and test parts: one fold of a cross-validation, or 60/20/20.

    Over all folds each group is in the test part once. An eighth of the other groups is the
    validation part.

    Args:
        y: class labels, shape ``(n,)``.
        groups: as for :func:`split_groups`; by default each row is a group.
        folds: number of folds, or 0 for a single split.
        fold: number of the test fold, from 0.
        seed: seed of the split; the same for all folds.

    Raises:
        ValueError: if the fold does not exist, or see :func:`split_groups`.
    """
    check_fold(folds, fold)
    groups = np.arange(len(y)) if groups is None else groups
    if not folds:
        return split_groups(y, groups, seed=seed)
    test = split_groups(y, groups, (1 / folds,) * folds, seed)[fold]
    others = np.setdiff1d(np.arange(len(y)), test)
    inner = split_groups(y[others], groups[others], TRAIN_VALIDATION, seed)
    return *(others[part] for part in inner), test


def check_fold(folds: int, fold: int) -> None:
    """Check the options of a cross-validation.

    Raises:
        ValueError: if ``folds`` is neither 0 nor 2 or more, or ``fold`` is not in
            ``[0, folds - 1]``.
    """
    whole_number("folds", folds)
    whole_number("fold", fold)
    if folds == 1 or folds < 0:
        raise ValueError(f"folds must be 0 for one split, or 2 or more, got {folds}.")
    if not 0 <= fold < max(folds, 1):
        raise ValueError(f"fold must be in [0, {max(folds, 1) - 1}], got {fold}.")


def check_fractions(fractions: Sequence[float]) -> np.ndarray:
    """The fractions as an array.

    Raises:
        ValueError: if there are fewer than two, or they are not positive or do not sum to 1.
    """
    shares = np.asarray(fractions, dtype=np.float64)
    valid = shares.ndim == 1 and len(shares) > 1 and (shares > 0).all()
    if not valid or abs(shares.sum() - 1) > 1e-9:
        raise ValueError(
            f"Fractions must be two or more positive numbers that sum to 1, got {fractions}."
        )
    return shares


def assign_parts(labels: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Assign each group to a part, with the requested shares per label and overall.

    scikit-learn's stratified splits may leave a part without a small class. Here each part gets
    at least one group of each label.

    Args:
        labels: label of each group, shape ``(groups,)``.
        shares: share of each part.
        rng: the random number generator.

    Returns:
        The number of the part of each group, int64, shape ``(groups,)``.

    Raises:
        ValueError: if a label has fewer groups than there are parts.
    """
    parts = np.empty(len(labels), dtype=np.int64)
    carry = np.zeros(len(shares))  # the rounding error of one label is corrected by the next
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        if len(members) < len(shares):
            raise ValueError(
                f"Class {label} has {len(members)} groups (recordings, persons or rows), too few "
                f"for {len(shares)} parts: each part needs at least one. Add data of that class."
            )
        ideal = shares * len(members) + carry
        counts = _round_to_total(ideal, len(members))
        carry = ideal - counts
        parts[members] = np.repeat(np.arange(len(shares)), counts)
    return parts


def _check_one_label_per_group(
    names: np.ndarray, labels: np.ndarray, member: np.ndarray, y: np.ndarray
) -> None:
    wrong = np.flatnonzero(labels[member] != y)
    if len(wrong):
        group = member[wrong[0]]
        raise ValueError(
            f"Group {names[group]} has the labels {labels[group]} and {y[wrong[0]]}; all examples "
            "of a group must have the same label. Correct the labels, or split by one label per "
            "group."
        )


def _round_to_total(ideal: np.ndarray, total: int) -> np.ndarray:
    """Integers of 1 or more that sum to ``total`` and are close to ``ideal``."""
    counts = np.maximum(np.floor(ideal), 1).astype(np.int64)
    while counts.sum() < total:
        counts[np.argmax(ideal - counts)] += 1
    while counts.sum() > total:
        counts[np.argmax(np.where(counts > 1, counts - ideal, -np.inf))] -= 1
    return counts

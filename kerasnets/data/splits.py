"""Stratified, seeded splits that keep what belongs together in one part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FRACTIONS = (0.6, 0.2, 0.2)
_TRAIN_VALIDATION = (7 / 8, 1 / 8)  # of what a fold does not test on


def split_groups(
    y: np.ndarray,
    groups: np.ndarray,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
) -> tuple[np.ndarray, ...]:
    """Divide examples into parts so that no group is in two parts.

    Groups are drawn class by class, so that each part has each class in the same proportion,
    counted in groups. ``fractions=(1 / k,) * k`` gives the parts of a k-fold cross-validation.

    Args:
        y: class labels, shape ``(n,)``.
        groups: the recording or person of each example, shape ``(n,)``; all examples of a group
            must have the same label.
        fractions: the share of each part; they sum to 1.
        seed: the seed of the draw.

    Returns:
        One ascending index array a part.

    Raises:
        ValueError: if the fractions are not positive or do not sum to 1, a group has two labels,
            or a class has fewer groups than there are parts.
    """
    y, groups = np.asarray(y), np.asarray(groups)
    shares = _check_fractions(fractions)
    if y.ndim != 1 or y.shape != groups.shape or not len(y):
        raise ValueError(
            f"y and groups must be one label and one group an example, got shapes {y.shape} and "
            f"{groups.shape}."
        )
    names, first, member = np.unique(groups, return_index=True, return_inverse=True)
    labels = y[first]
    _check_one_label_a_group(names, labels, member, y)
    part_of_group = _deal(labels, shares, np.random.default_rng(seed))
    part = part_of_group[member]
    return tuple(np.flatnonzero(part == index) for index in range(len(shares)))


def split_rows(
    y: np.ndarray, fractions: Sequence[float] = FRACTIONS, seed: int = 0
) -> tuple[np.ndarray, ...]:
    """Divide examples into parts row by row, as if nothing belonged together.

    Rows of one recording resemble each other, so a score on such a split flatters.

    Args:
        y: class labels, shape ``(n,)``.
        fractions: the share of each part; they sum to 1.
        seed: the seed of the draw.

    Returns:
        One ascending index array a part.

    Raises:
        ValueError: as :func:`split_groups`.
    """
    return split_groups(y, np.arange(len(y)), fractions, seed)


def split_fold(
    y: np.ndarray, groups: np.ndarray, *, folds: int, fold: int, seed: int = 0
) -> tuple[np.ndarray, ...]:
    """Training, validation and test part: of a cross-validation, or 60/20/20.

    The folds' test parts make up the whole; an eighth of the others validates.

    Args:
        y: class labels, shape ``(n,)``.
        groups: as :func:`split_groups`.
        folds: the parts of the cross-validation, or 0 for a single split.
        fold: which of them tests, counted from 0.
        seed: the seed of the draw; the same one for all folds.

    Raises:
        ValueError: if there is no such fold, or as :func:`split_groups`.
    """
    check_fold(folds, fold)
    if not folds:
        return split_groups(y, groups, seed=seed)
    test = split_groups(y, groups, (1 / folds,) * folds, seed)[fold]
    others = np.setdiff1d(np.arange(len(y)), test)
    inner = split_groups(y[others], groups[others], _TRAIN_VALIDATION, seed)
    return *(others[part] for part in inner), test


def check_fold(folds: int, fold: int) -> None:
    """Refuse a fold that is none.

    Raises:
        ValueError: if ``folds`` is not 0 or 2 or more, or ``fold`` not one of them.
    """
    for name, value in (("folds", folds), ("fold", fold)):
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"{name} must be a whole number, got {value!r}.")
    if folds == 1 or folds < 0:
        raise ValueError(f"folds must be 0 for one split, or 2 or more, got {folds}.")
    if not 0 <= fold < max(folds, 1):
        raise ValueError(f"fold must be in [0, {max(folds, 1) - 1}], got {fold}.")


def _check_fractions(fractions: Sequence[float]) -> np.ndarray:
    shares = np.asarray(fractions, dtype=np.float64)
    sound = shares.ndim == 1 and len(shares) > 1 and (shares > 0).all()
    if not sound or abs(shares.sum() - 1) > 1e-9:
        raise ValueError(
            f"Fractions must be two or more positive numbers that sum to 1, got {fractions}."
        )
    return shares


def _check_one_label_a_group(
    names: np.ndarray, labels: np.ndarray, member: np.ndarray, y: np.ndarray
) -> None:
    wrong = np.flatnonzero(labels[member] != y)
    if len(wrong):
        group = member[wrong[0]]
        raise ValueError(
            f"Group {names[group]} has the labels {labels[group]} and {y[wrong[0]]}; every example "
            "of a group must have the same. Correct the labels, or split by a label of the group."
        )


def _deal(labels: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The part of each group: shares of every class, and of all, as exact as whole groups allow."""
    parts = np.empty(len(labels), dtype=np.int64)
    # scikit-learn's stratified splits may leave a part without a small class, so the counts are
    # made here. What rounding gave a part too much of one class it gets less of the next.
    carry = np.zeros(len(shares))
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        if len(members) < len(shares):
            raise ValueError(
                f"Class {label} has {len(members)} groups (recordings, persons or rows), too few "
                f"for {len(shares)} parts: each part needs at least one. Give more of that class."
            )
        ideal = shares * len(members) + carry
        counts = _whole(ideal, len(members))
        carry = ideal - counts
        parts[members] = np.repeat(np.arange(len(shares)), counts)
    return parts


def _whole(ideal: np.ndarray, total: int) -> np.ndarray:
    """Whole numbers of at least 1 that sum to ``total`` and lie close to ``ideal``."""
    counts = np.maximum(np.floor(ideal), 1).astype(np.int64)
    while counts.sum() < total:
        counts[np.argmax(ideal - counts)] += 1
    while counts.sum() > total:
        counts[np.argmax(np.where(counts > 1, counts - ideal, -np.inf))] -= 1
    return counts

"""The split of a user's own data: drawn at random by row or group, or explicit."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasnets._errors import unknown_name
from kerasnets.data.labels import Labels
from kerasnets.data.splits import (
    FRACTIONS,
    TRAIN_VALIDATION,
    assign_parts,
    check_fold,
    check_fractions,
)

PARTS = ("train", "validation", "test")
_FORMS = (
    "'row', 'group', three fractions, one of 'train', 'validation' and 'test' per row, or three "
    "arrays of row numbers"
)
_BINS = 10  # quantile bins by which a regression is stratified


def make_parts(
    labels: Labels,
    groups: np.ndarray | None,
    split: Any = None,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
    folds: int = 0,
    fold: int = 0,
) -> tuple[tuple[np.ndarray, ...], str]:
    """The rows of the training, validation and test parts.

    Classes, labels and quantiles of a single regression target are divided in the same
    proportions. A group with several labels is stratified by its rarest label.

    Args:
        labels: labels of all rows.
        groups: group of each row, shape ``(n,)``, or ``None``.
        split: ``"group"`` keeps the rows of a group in one part, and is the default if groups
            are given; ``"row"`` ignores groups; three numbers are used as ``fractions``.
            For an explicit split: ``"train"``, ``"validation"`` or ``"test"`` for each row,
            shape ``(n,)``, or three arrays of row numbers.
        fractions: shares of the three parts; they sum to 1.
        seed: seed of the split; the same for all folds.
        folds: number of folds of a cross-validation, or 0 for a single split. Over all folds, each
            row is in the test part once, and so is each group unless ``split`` is ``"row"``. An
            eighth of the other rows or groups is the validation part.
        fold: number of the test fold, from 0.

    Returns:
        Three ascending arrays of row numbers, and ``"row"``, ``"group"`` or ``"given"``.

    Raises:
        ValueError: if the split has another form, an explicit split puts a group into two parts,
            folds are requested with an explicit split or with fractions, or there are too few rows
            or groups.
    """
    check_fold(folds, fold)
    if folds and (_are_fractions(split) or tuple(fractions) != FRACTIONS):
        raise ValueError(f"folds={folds} decides the shares of the parts; leave the fractions out.")
    if split is not None and not isinstance(split, str) and not _are_fractions(split):
        if folds:
            raise ValueError(
                f"folds={folds} contradicts the explicit split of the data. Leave one of them out."
            )
        return explicit_parts(split, len(labels.y), groups), "given"
    if _are_fractions(split):
        split, fractions = None, split
    if split is None:
        split = "row" if groups is None else "group"
    if split not in ("row", "group"):
        raise unknown_name("split", split, ("row", "group"))
    if split == "row":
        split_units = np.arange(len(labels.y))
    elif groups is None:
        raise ValueError("split='group' needs groups: the group of each row, shape (n,).")
    else:
        split_units = groups
    parts = (
        _draw_fold(labels, split_units, folds, fold, seed)
        if folds
        else _draw(labels, split_units, _three(fractions), seed)
    )
    _check_classes(labels, parts[0])
    return parts, split


def explicit_parts(
    split: Any, rows: int, groups: np.ndarray | None = None
) -> tuple[np.ndarray, ...]:
    """The rows of an explicit split; see :func:`make_parts`.

    Raises:
        ValueError: if the split has another form, a part is empty or unknown, a row is out of range
            or in two parts, or a group is in two parts.
    """
    if np.isscalar(split) or not hasattr(split, "__len__"):
        raise ValueError(f"split must be {_FORMS}, got {split!r}.")
    lists = [np.asarray(part) for part in split] if len(split) == len(PARTS) else []
    if len(lists) == len(PARTS) and all(part.ndim == 1 for part in lists):
        parts = tuple(
            _check_rows(name, part, rows) for name, part in zip(PARTS, lists, strict=True)
        )
    else:
        parts = _parts_by_name(np.asarray(split), rows)
    for name, part in zip(PARTS, parts, strict=True):
        if not len(part):
            raise ValueError(f"The {name} part of the split is empty; it needs at least one row.")
    _refuse_in_two("Row", np.arange(rows), parts)
    if groups is not None:
        _refuse_in_two("Group", groups, parts)
    return parts


def _are_fractions(split: Any) -> bool:
    return (
        isinstance(split, Sequence | np.ndarray)
        and not isinstance(split, str)
        and 1 < len(split) <= len(PARTS)
        and all(isinstance(share, numbers.Real) for share in split)
    )


def _check_rows(name: str, part: np.ndarray, rows: int) -> np.ndarray:
    if len(part) and part.dtype.kind not in "iu":
        raise ValueError(
            f"The {name} part of the split holds {part.dtype}; give row numbers, counted from 0."
        )
    if len(part) and not 0 <= part.min() <= part.max() < rows:
        raise ValueError(
            f"The {name} part of the split has rows from {part.min()} to {part.max()}; "
            f"there are {rows:,}, counted from 0."
        )
    chosen = np.sort(part.astype(np.int64))
    twice = chosen[1:][np.diff(chosen) == 0]
    if len(twice):
        raise ValueError(f"Row {twice[0]} occurs twice in the {name} part of the split.")
    return chosen


def _parts_by_name(names: np.ndarray, rows: int) -> tuple[np.ndarray, ...]:
    if names.shape != (rows,):
        raise ValueError(f"split has shape {names.shape} for {rows:,} rows; it must be {_FORMS}.")
    for name in dict.fromkeys(names.tolist()):
        if name not in PARTS:
            raise unknown_name("part of a split", name, PARTS)
    return tuple(np.flatnonzero(names == name) for name in PARTS)


def _refuse_in_two(what: str, groups: np.ndarray, parts: Sequence[np.ndarray]) -> None:
    """Refuse a row or group that is in two parts."""
    for first, second in ((0, 1), (0, 2), (1, 2)):
        both = np.intersect1d(groups[parts[first]], groups[parts[second]])
        if len(both):
            raise ValueError(
                f"{what} {both[0]!s} is in the {PARTS[first]} part and in the {PARTS[second]} "
                f"part of the split, and so are {len(both) - 1:,} others. Put each {what.lower()} "
                "into one part: a score on rows seen in training is optimistically biased."
            )


def _three(fractions: Sequence[float]) -> np.ndarray:
    shares = check_fractions(fractions)
    if len(shares) != len(PARTS):
        raise ValueError(f"Give three fractions, for {', '.join(PARTS)}; got {tuple(fractions)}.")
    return shares


def _draw_fold(
    labels: Labels, groups: np.ndarray, folds: int, fold: int, seed: int
) -> tuple[np.ndarray, ...]:
    test = _draw(labels, groups, np.full(folds, 1 / folds), seed)[fold]
    others = np.setdiff1d(np.arange(len(groups)), test)
    rest = labels._replace(y=labels.y[others])
    inner = _draw(rest, groups[others], np.array(TRAIN_VALIDATION), seed)
    return *(others[part] for part in inner), test


def _draw(
    labels: Labels, groups: np.ndarray, shares: np.ndarray, seed: int
) -> tuple[np.ndarray, ...]:
    """Divide the groups into one part per share."""
    _, member = np.unique(groups, return_inverse=True)
    count = int(member.max()) + 1
    if count < len(shares):
        raise ValueError(
            f"{count} groups cannot be split into {len(shares)} parts: each needs at least one."
        )
    strata = _merge_small(_strata(labels, member, count, len(shares)), len(shares))
    part = assign_parts(strata, shares, np.random.default_rng(seed))[member]
    return tuple(np.flatnonzero(part == index) for index in range(len(shares)))


def _check_classes(labels: Labels, train: np.ndarray) -> None:
    """Refuse a training part without a row of one of the classes."""
    if labels.task in ("classification", "binary"):
        absent = np.setdiff1d(labels.y, labels.y[train])
        if len(absent):
            raise ValueError(
                f"The training part has no row of class {labels.class_names[absent[0]]!r}. Try "
                "another seed, or give an explicit split."
            )


def _strata(labels: Labels, member: np.ndarray, groups: int, parts: int) -> np.ndarray:
    """The stratum of each group, integers of shape ``(groups,)``."""
    y = labels.y
    if labels.task == "regression":
        if y.ndim == 2:
            return np.zeros(groups, np.int64)
        means = np.bincount(member, weights=y) / np.bincount(member)
        bins = max(1, min(_BINS, groups // parts))
        return means.argsort(kind="stable").argsort(kind="stable") * bins // groups
    count = len(labels.class_names)
    if labels.task == "multilabel":
        by_rarity = y.sum(axis=0).argsort(kind="stable")
        ranked = y[:, by_rarity]
        rank = np.where(ranked.any(axis=1), ranked.argmax(axis=1), count)
    else:
        _check_groups_per_class(labels, member, groups, parts)
        by_rarity = np.bincount(y, minlength=count).argsort(kind="stable")
        rank = by_rarity.argsort()[y]
    rarest = np.full(groups, count)
    np.minimum.at(rarest, member, rank)
    return np.append(by_rarity, count)[rarest]


def _check_groups_per_class(labels: Labels, member: np.ndarray, groups: int, parts: int) -> None:
    pairs = np.unique(labels.y.astype(np.int64) * groups + member)
    counts = np.bincount(pairs // groups, minlength=len(labels.class_names))
    for name, count in zip(labels.class_names, counts, strict=True):
        if 0 < count < parts:
            raise ValueError(
                f"Class {name!r} is in {count} rows or groups, too few for {parts} parts: "
                "each part needs at least one. Leave the class out, join it with another, or give "
                "an explicit split. If y holds quantities and not classes, use task='regression'."
            )


def _merge_small(strata: np.ndarray, parts: int) -> np.ndarray:
    """Merge strata that have fewer groups than there are parts into the largest stratum."""
    values, counts = np.unique(strata, return_counts=True)
    small = values[counts < parts]
    largest = values[counts.argmax()]
    return np.where(np.isin(strata, small), largest, strata)

from __future__ import annotations

import numpy as np
import pytest

from kerasnets.data.splits import split_fold, split_groups, split_rows


def make(groups_per_class: list[int], rows: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Labels and groups of shuffled rows; group numbers are neither sorted nor consecutive."""
    labels = np.repeat(np.arange(len(groups_per_class)), groups_per_class)
    names = np.random.default_rng(1).permutation(len(labels)) * 7 + 100
    order = np.random.default_rng(2).permutation(len(labels) * rows)
    return labels.repeat(rows)[order], names.repeat(rows)[order]


def counts(y: np.ndarray, groups: np.ndarray, part: np.ndarray, classes: int) -> list[int]:
    return [len(set(groups[part][y[part] == label])) for label in range(classes)]


def test_every_row_is_in_one_part_and_no_group_in_two():
    y, groups = make([10, 20, 30])
    parts = split_groups(y, groups)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(y)))
    sets = [set(groups[part]) for part in parts]
    assert sets[0].isdisjoint(sets[1] | sets[2])
    assert sets[1].isdisjoint(sets[2])


def test_sixty_twenty_twenty_of_every_class():
    y, groups = make([10, 20, 30])
    train, validation, test = split_groups(y, groups)
    assert counts(y, groups, train, 3) == [6, 12, 18]
    assert counts(y, groups, validation, 3) == [2, 4, 6]
    assert counts(y, groups, test, 3) == [2, 4, 6]


def test_indices_ascend():
    for part in split_groups(*make([5, 6])):
        assert (np.diff(part) > 0).all()


def test_the_split_depends_on_the_seed():
    y, groups = make([20, 20])
    first, again, other = (split_groups(y, groups, seed=seed) for seed in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_rounding_errors_do_not_add_up_over_classes():
    # 7 × 0.6 = 4.2 per class. If each class was rounded alone, train would have 4 × 5 = 20 of 35
    # groups.
    y, groups = make([7] * 5)
    totals = [len(set(groups[part])) for part in split_groups(y, groups)]
    assert totals == [35 * 3 // 5, 35 // 5, 35 // 5]


def test_folds_have_equal_sizes():
    y, groups = make([11, 14])
    folds = split_groups(y, groups, fractions=(0.2,) * 5)
    assert [len(set(groups[fold])) for fold in folds] == [5] * 5
    assert all(min(counts(y, groups, fold, 2)) >= 2 for fold in folds)


def test_every_group_is_in_one_test_fold_and_an_eighth_of_the_others_is_for_validation():
    y, groups = make([40, 80])
    made = [split_fold(y, groups, folds=5, fold=fold, seed=3) for fold in range(5)]
    assert np.array_equal(np.sort(np.concatenate([test for *_, test in made])), np.arange(len(y)))
    for parts in made:
        assert [counts(y, groups, part, 2) for part in parts] == [[28, 56], [4, 8], [8, 16]]
        assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(y)))


def test_zero_folds_are_one_split():
    y, groups = make([10, 20])
    for one, other in zip(
        split_fold(y, groups, folds=0, fold=0, seed=4), split_groups(y, groups, seed=4), strict=True
    ):
        assert np.array_equal(one, other)


@pytest.mark.parametrize(
    ("folds", "fold", "message"),
    [
        (1, 0, "folds must be 0 for one split, or 2 or more, got 1"),
        (5, 5, r"fold must be in \[0, 4\], got 5"),
        (0, 1, r"fold must be in \[0, 0\], got 1"),
        (5, -1, r"fold must be in \[0, 4\], got -1"),
        (5, True, "fold must be a whole number, got True"),
    ],
)
def test_an_invalid_fold_is_refused(folds, fold, message):
    with pytest.raises(ValueError, match=message):
        split_fold(*make([10, 10]), folds=folds, fold=fold)


@pytest.mark.parametrize("size", range(3, 30))
def test_every_part_has_every_class_even_a_small_one(size: int):
    y, groups = make([3, size])
    parts = split_groups(y, groups, seed=size)
    assert all(min(counts(y, groups, part, 2)) >= 1 for part in parts)
    assert sum(len(part) for part in parts) == len(y)


def test_a_class_too_small_for_the_parts_is_refused():
    with pytest.raises(ValueError, match=r"Class 1 has 2 groups .*too few for 3 parts"):
        split_groups(*make([5, 2]))


def test_a_group_with_two_labels_is_refused():
    with pytest.raises(ValueError, match="Group 8 has the labels 0 and 1"):
        split_groups(np.array([0, 0, 1, 1]), np.array([7, 8, 8, 9]))


@pytest.mark.parametrize(
    "fractions", [(0.6, 0.3), (0.6, 0.4, 0.0), (1.2, -0.2), (1.0,), (float("nan"), 0.5), ()]
)
def test_invalid_fractions_are_refused(fractions: tuple[float, ...]):
    with pytest.raises(ValueError, match="positive numbers that sum to 1"):
        split_rows(np.zeros(10, int), fractions)


def test_different_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(3,\) and \(2,\)"):
        split_groups(np.zeros(3, int), np.zeros(2, int))
    with pytest.raises(ValueError, match="one label and one group"):
        split_groups(np.zeros(0, int), np.zeros(0, int))


def test_rows_are_stratified_one_by_one():
    y = np.repeat([0, 1, 2], [50, 100, 5])
    parts = split_rows(y)
    assert [np.bincount(y[part]).tolist() for part in parts] == [
        [30, 60, 3],
        [10, 20, 1],
        [10, 20, 1],
    ]

"""The split of a user's own data: stratified, by group, or explicit."""

from __future__ import annotations

import numpy as np
import pytest

from kerasnets.data.labels import encode_labels
from kerasnets.data.parts import PARTS, make_parts


def split(y, groups=None, **options):
    task = options.pop("task", None)
    parts, how = make_parts(encode_labels(np.asarray(y), task), groups, **options)
    return parts, how


def assert_every_row_once(parts, rows):
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(rows))


def test_classes_are_divided_in_the_same_proportions():
    y = np.repeat([0, 1, 2], [50, 100, 5])
    parts, how = split(y)
    assert how == "row"
    counts = [np.bincount(y[part]).tolist() for part in parts]
    assert counts == [[30, 60, 3], [10, 20, 1], [10, 20, 1]]
    assert_every_row_once(parts, 155)
    again, other = split(y)[0], split(y, seed=1)[0]
    assert np.array_equal(again[0], parts[0])
    assert not np.array_equal(other[0], parts[0])


@pytest.mark.parametrize("how", [{"split": (0.5, 0.25, 0.25)}, {"fractions": [0.5, 0.25, 0.25]}])
def test_fractions_are_arguments(how):
    parts, _ = split(np.arange(200) % 2, **how)
    assert [len(part) for part in parts] == [100, 50, 50]


def test_a_group_with_several_labels_stays_in_one_part():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 60, 600)
    y = (rng.random(600) < 0.05).astype(int)  # most groups have label 0 and some label 1 too
    parts, how = split(y, groups)
    assert how == "group"
    assert_every_row_once(parts, 600)
    members = [set(groups[part]) for part in parts]
    assert sum(map(len, members)) == len(set(groups))
    # Groups with the rare label are divided in the same proportions.
    rare = set(groups[y == 1])
    shares = [len(rare & part) / len(rare) for part in members]
    np.testing.assert_allclose(shares, [0.6, 0.2, 0.2], atol=1 / len(rare))


def test_groups_may_be_strings_and_are_ignored_in_a_split_by_row():
    groups = np.array([f"p{number // 4}" for number in range(40)])
    y = np.arange(40) % 2
    parts, how = split(y, groups, split="row")
    assert how == "row"
    assert set(groups[parts[0]]) & set(groups[parts[2]])
    parts, how = split(y, groups, split="group")
    assert how == "group"
    assert not set(groups[parts[0]]) & set(groups[parts[2]])


def test_a_regression_is_stratified_by_quantiles():
    y = np.random.default_rng(0).exponential(size=300)
    parts, _ = split(y)
    assert_every_row_once(parts, 300)
    tenths = y.argsort().argsort() * 10 // 300
    for part, share in zip(parts, (18, 6, 6), strict=True):
        assert np.bincount(tenths[part]).tolist() == [share] * 10


@pytest.mark.parametrize("y", [np.full(9, 0.5), np.random.default_rng(1).normal(size=(30, 2))])
def test_constant_and_several_targets_are_split_at_random(y):
    parts, _ = split(y)
    assert_every_row_once(parts, len(y))
    assert all(len(part) for part in parts)


def test_labels_of_a_multilabel_task_are_divided_by_the_rarest():
    y = np.zeros((100, 3), int)
    y[:, 0] = 1
    y[:50, 1] = 1
    y[40:50, 2] = 1
    parts, _ = split(y)
    assert [y[part].sum(axis=0).tolist() for part in parts] == [
        [60, 30, 6], [20, 10, 2], [20, 10, 2],
    ]  # fmt: skip


def test_rows_without_a_label_are_accepted():
    y = np.zeros((12, 2), int)
    y[0, 0] = y[1, 1] = 1  # too few to be stratified
    parts, _ = split(y)
    assert_every_row_once(parts, 12)


def test_three_rows_are_one_per_part():
    parts, _ = split([0.1, 0.2, 0.3])
    assert [len(part) for part in parts] == [1, 1, 1]


@pytest.mark.parametrize("form", ["names", "list", "indices", "tuples"])
def test_an_explicit_split(form):
    names = np.array(["train", "test", "train", "validation", "train", "test"])
    argument = {
        "names": names,
        "list": names.tolist(),
        "indices": [np.flatnonzero(names == part) for part in PARTS],
        "tuples": ((4, 2, 0), (3,), (1, 5)),
    }[form]
    parts, how = split(np.arange(6) % 2, split=argument)
    assert how == "given"
    assert [part.tolist() for part in parts] == [[0, 2, 4], [3], [1, 5]]


def test_an_explicit_split_may_leave_rows_out():
    parts, _ = split(np.arange(6) % 2, split=([0, 1], [2], [5]))
    assert [part.tolist() for part in parts] == [[0, 1], [2], [5]]


def test_an_explicit_split_of_three_rows():
    parts, _ = split([0, 1, 0], split=["test", "train", "validation"])
    assert [part.tolist() for part in parts] == [[1], [2], [0]]


def test_an_explicit_split_with_a_group_in_two_parts_is_refused():
    groups = np.array(["anna", "anna", "ben", "carl"])
    names = ["train", "test", "validation", "test"]
    with pytest.raises(ValueError, match="Group anna is in the train part and in the test part"):
        split([0, 1, 0, 1], groups, split=names)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("rows", "Unknown split 'rows'. Did you mean 'row'"),
        ("group", "split='group' needs groups"),
        (0.2, "split must be 'row', 'group', three fractions.*got 0.2"),
        ((0.5, 0.5), r"three fractions, for train, validation, test; got \(0\.5, 0\.5\)"),
        ((0.5, 0.5, 0.5), "sum to 1"),
        ((1.0, 0.0, 0.0), "positive"),
        ((0.6, 0.2, float("nan")), "positive"),
        (["train"] * 3 + ["tset"] * 3, "Unknown part of a split 'tset'. Did you mean 'test'"),
        (["train"] * 3 + ["test"] * 3, "validation part of the split is empty"),
        (["train"] * 5, r"split has shape \(5,\) for 6 rows"),
        (([0, 1], [2], [6]), r"test part of the split has rows from 6 to 6; there are 6"),
        (([0, 1], [-1], [5]), "validation part of the split has rows from -1"),
        (([0, 1], [1], [5]), "Row 1 is in the train part and in the validation part"),
        (([0, 0], [1], [5]), "Row 0 occurs twice in the train part"),
        (([0, 1], [], [5]), "validation part of the split is empty"),
        (([0.0, 1.0], [2], [5]), "train part of the split holds float64"),
    ],
)
def test_invalid_splits_are_refused(argument, message):
    with pytest.raises(ValueError, match=message):
        split(np.arange(6) % 2, split=argument)


def test_too_few_rows_or_groups_are_refused():
    with pytest.raises(ValueError, match="Class 'b' is in 2 rows or groups, too few for 3 parts"):
        split(["a"] * 9 + ["b"] * 2)
    with pytest.raises(ValueError, match="use task='regression'"):
        split(np.arange(20))
    with pytest.raises(ValueError, match="Class '1' is in 2 rows or groups"):
        split([0, 1, 0, 1, 0, 0, 0, 0], np.arange(8) // 2)
    with pytest.raises(ValueError, match="2 groups cannot be split into 3 parts"):
        split(np.linspace(0, 1, 8), np.arange(8) % 2)


def test_a_stratum_with_a_single_group_is_merged_with_another():
    """Only one group is without the rare class; it is merged with the others."""
    groups = np.arange(24) // 2
    y = np.tile([0, 1], 12)
    y[1] = 0
    parts, _ = split(y, groups)
    assert_every_row_once(parts, 24)
    assert all(set(y[part]) == {0, 1} for part in parts)


def folds_of(y, groups=None, folds=4, **options):
    return [split(y, groups, folds=folds, fold=fold, **options)[0] for fold in range(folds)]


def test_each_group_is_in_the_test_part_of_one_fold():
    rng = np.random.default_rng(0)
    groups = np.array([f"p{number}" for number in rng.integers(0, 60, 600)])
    y = (rng.random(600) < 0.1).astype(int)
    parts = folds_of(y, groups)
    assert np.array_equal(np.sort(np.concatenate([test for *_, test in parts])), np.arange(600))
    for part in parts:
        assert_every_row_once(part, 600)
        members = [set(groups[rows]) for rows in part]
        assert sum(map(len, members)) == len(set(groups))
        # A quarter of the groups is tested, and an eighth of the rest is for validation.
        assert abs(len(members[2]) - 60 / 4) <= 1
        assert abs(len(members[1]) - 60 * 3 / 4 / 8) <= 1


def test_folds_without_groups_are_stratified():
    y = np.repeat([0, 1], [160, 40])
    for train, validation, test in folds_of(y, folds=5):
        assert np.bincount(y[test]).tolist() == [32, 8]
        assert np.bincount(y[validation]).tolist() == [16, 4]  # an eighth of 128 and 32
        assert np.bincount(y[train]).tolist() == [112, 28]
    quantities = np.random.default_rng(0).exponential(size=300)
    fifths = quantities.argsort().argsort() * 5 // 300
    for *_, test in folds_of(quantities, folds=5):
        assert np.bincount(fifths[test]).tolist() == [12] * 5


def test_folds_that_do_not_fit_are_refused():
    y, groups = np.arange(40) % 2, np.arange(40) // 2 % 4
    with pytest.raises(ValueError, match="4 groups cannot be split into 5 parts"):
        split(np.linspace(0, 1.5, 40), groups, folds=5)
    with pytest.raises(ValueError, match="fold must be in"):
        split(y, folds=5, fold=5)
    with pytest.raises(ValueError, match="contradicts the explicit split"):
        split(y, folds=5, split=["train", "validation", "test", "test"] * 10)
    for fractions in ({"split": (0.5, 0.2, 0.3)}, {"fractions": (0.5, 0.2, 0.3)}):
        with pytest.raises(ValueError, match="leave the fractions out"):
            split(y, folds=5, **fractions)
    with pytest.raises(ValueError, match="too few for 5 parts"):
        split(np.append(y, [2, 2, 2]), folds=5)

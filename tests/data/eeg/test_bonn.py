from __future__ import annotations

import numpy as np
import pytest

from kerasnets.data.eeg.bonn import SAMPLES, Rows, canonical, make_dataset


def rows(seed: int, per_class: int = 6) -> Rows:
    """Two rows per recording; the recordings of all classes have the same shuffled numbers."""
    rng = np.random.default_rng(seed)
    y = np.arange(5, dtype=np.int32).repeat(2 * per_class)
    x = rng.integers(-50, 50, (len(y), SAMPLES)).astype(np.float32)
    return Rows(x, y, np.concatenate([rng.permutation(per_class).repeat(2) for _ in range(5)]))


def test_rows_are_sorted_by_label_and_then_sample_by_sample():
    x, y, *_ = canonical(rows(0))
    keys = [(int(label), *row) for label, row in zip(y, x.tolist(), strict=True)]
    assert keys == sorted(keys)


def test_recordings_are_numbered_by_first_appearance_and_two_labels_may_share_a_name():
    _, y, groups, _ = canonical(rows(0))
    assert groups is not None
    assert groups.dtype == np.int32
    appearance = list(dict.fromkeys(groups.tolist()))
    assert appearance == list(range(30))
    assert (np.bincount(groups) == 2).all()
    assert all(len(set(y[groups == group])) == 1 for group in appearance)


def test_order_and_names_in_the_source_do_not_matter():
    original = rows(1)
    assert original.recordings is not None
    order = np.random.default_rng(2).permutation(len(original.y))
    names = np.array([f"V1.{900 - number}" for number in original.recordings])
    other = Rows(original.x[order], original.y[order], names[order])
    for one, two in zip(canonical(original), canonical(other), strict=True):
        assert np.array_equal(one, two)


def test_minus_zero_becomes_zero():
    original = rows(3)
    original.x[:] = np.where(original.x == 0, np.float32("-0"), original.x)
    assert np.signbit(original.x[original.x == 0]).all()
    x = canonical(original).x
    assert not np.signbit(x[x == 0]).any()


def test_a_missing_class_is_named():
    x, y, recordings, _ = rows(4)
    assert recordings is not None
    some = (y != 1) & (y != 4)
    with pytest.raises(ValueError, match=r"here: no row of tumour area \(y=2\), eyes open \(y=5\)"):
        make_dataset("seizure", Rows(x[some], y[some], None), split="row", seed=0, source="here")


def test_without_recordings_only_a_split_by_row_is_possible():
    original = rows(5)._replace(recordings=None)
    with pytest.raises(ValueError, match=r"cannot be split by recording.*split='row'"):
        make_dataset("seizure", original, split="recording", seed=0, source="here")
    dataset = make_dataset("seizure", original, split="row", seed=0, source="here")
    assert dataset.train.groups is None


def test_the_data_set_records_its_source():
    dataset = make_dataset("seizure", rows(6), split="recording", seed=7, source="here")
    assert (dataset.source, dataset.seed, dataset.split) == ("here", 7, "recording")
    assert dataset.units == "µV"
    assert len(dataset.class_names) == 5
    assert not dataset.simulated


@pytest.mark.parametrize("split", ["recording", "row"])
def test_seizure_against_the_rest_has_the_same_splits(split):
    options = {"split": split, "seed": 1, "source": "here", "folds": 3, "fold": 2}
    five = make_dataset("seizure", rows(7), **options)
    two = make_dataset("seizure", rows(7), **options, classes=2)
    assert two.class_names == ("no seizure", "seizure")
    for part, same in zip(five.splits.values(), two.splits.values(), strict=True):
        assert np.array_equal(part.x, same.x)
        assert np.array_equal(same.y == 1, part.y == five.class_names.index("seizure"))
        assert same.y.dtype == np.int32


def test_folds_keep_recordings_in_one_part_and_test_each_once():
    made = [
        make_dataset(
            "seizure", rows(8), split="recording", seed=2, source="here", folds=3, fold=fold
        )
        for fold in range(3)
    ]
    assert sorted(np.concatenate([np.unique(d.test.groups) for d in made])) == list(range(30))
    for dataset in made:
        train, validation, test = (set(part.groups) for part in dataset.splits.values())
        assert not train & (validation | test)
        assert not validation & test


def test_other_numbers_of_classes_are_refused():
    with pytest.raises(ValueError, match=r"classes must be 5, or 2 for seizure .* got 3"):
        make_dataset("seizure", rows(9), split="row", seed=0, source="here", classes=3)

"""Data sets from a user's own arrays and tables, and errors for invalid ones."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from kerasnets.data import Dataset, Split, load_data
from tests.data.helpers import patients

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 4)), np.arange(60) % 3


def rows_of(data: Dataset) -> np.ndarray:
    return np.concatenate([part.x for part in data.splits.values()])


def test_arrays_are_converted_split_and_described():
    data = Dataset.from_arrays(X, Y, units="mV", class_names=["a", "b", "c"], name="mine")
    assert [len(part) for part in data.splits.values()] == [36, 12, 12]
    assert [np.bincount(part.y).tolist() for part in data.splits.values()] == [
        [12] * 3, [4] * 3, [4] * 3,
    ]  # fmt: skip
    assert (data.name, data.units, data.split, data.seed) == ("mine", "mV", "row", 0)
    assert (data.task, data.class_names) == ("classification", ("a", "b", "c"))
    np.testing.assert_array_equal(np.sort(rows_of(data), axis=0), np.sort(X.astype("f4"), axis=0))
    assert data.train.x.dtype == np.float32
    assert data.train.groups is None


def test_the_checksum_covers_the_content_and_not_the_split():
    data = Dataset.from_arrays(X, Y)
    assert (
        Dataset.from_arrays(X.tolist(), Y, seed=4, split=(0.5, 0.3, 0.2)).checksum == data.checksum
    )
    for changed in (
        Dataset.from_arrays(X + 1, Y),
        Dataset.from_arrays(X, Y[::-1]),
        Dataset.from_arrays(X, Y, groups=np.arange(60)),
    ):
        assert changed.checksum != data.checksum


@pytest.mark.parametrize(
    ("y", "task", "names"),
    [
        (Y % 2 == 0, "classification", ("False", "True")),
        (X[:, 0], "regression", ("target",)),
        ((X > 0).astype(int), "multilabel", ("0", "1", "2", "3")),
        (X, "regression", ("target 0", "target 1", "target 2", "target 3")),
    ],
)
def test_the_task_follows_from_the_labels(y, task, names):
    data = Dataset.from_arrays(X, y)
    assert data.task == task
    assert (data.class_names or data.target_names) == names
    assert bool(data.class_names) == (task != "regression")


def test_several_inputs_and_visits_are_accepted():
    x = {"signal": X, "length": np.arange(60)}
    data = Dataset.from_arrays(x, Y)
    for part in data.splits.values():
        np.testing.assert_array_equal(part.x["signal"], X[part.x["length"]].astype("f4"))
        np.testing.assert_array_equal(part.y, Y[part.x["length"]])
    visits = load_data("mortality-simulated", patients=60).train
    data = Dataset.from_arrays(visits.x, visits.y, groups=visits.groups)
    assert sum(part.x.lengths.sum() for part in data.splits.values()) == visits.x.lengths.sum()


def test_groups_stay_in_one_part():
    groups = [f"recording {number // 4}" for number in range(60)]
    data = Dataset.from_arrays(X, Y, groups)
    assert data.split == "group"
    members = [set(part.groups) for part in data.splits.values()]
    assert sum(map(len, members)) == 15
    by_row = Dataset.from_arrays(X, Y, groups, split="row")
    assert set(by_row.train.groups) & set(by_row.test.groups)


def test_an_explicit_split_with_a_group_in_two_parts_is_refused():
    names = ["train", "validation", "test"] * 20
    assert Dataset.from_arrays(X, Y, split=names).split == "given"
    with pytest.raises(ValueError, match="Group 0 is in the train part and in the validation part"):
        Dataset.from_arrays(X, Y, np.arange(60) // 2, split=names)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": Y[1:]}, "x has 60 rows and y has 59"),
        ({"x": None}, "x is None"),
        ({"y": None}, "y is None"),
        ({"groups": np.arange(59)}, r"groups has shape \(59,\)"),
        ({"groups": [None] * 60}, "groups is missing in 60 rows, first in row 0"),
        ({"groups": [np.nan, *range(59)]}, "groups is missing in 1 rows, first in row 0"),
        ({"split": "patient"}, "Unknown split 'patient'"),
        ({"task": "ranking"}, "Unknown task 'ranking'"),
    ],
)
def test_invalid_arrays_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Dataset.from_arrays(**{"x": X, "y": Y, **changes})


def test_a_frame_is_split_by_the_roles_of_its_columns():
    data = Dataset.from_frame(patients(), target="died", group="patient", drop=["note", "days"])
    assert data.feature_names == ("age", "sex")
    assert data.class_names == ("no", "yes")
    assert data.split == "group"
    assert {group[0] for group in data.train.groups} == {"p"}
    assert [column["kind"] for column in data.codebook] == ["number", "category"]
    by_arrays = Dataset.from_arrays(
        patients()[["age", "sex"]], patients()["died"], patients()["patient"]
    )
    assert by_arrays.checksum == data.checksum
    np.testing.assert_array_equal(by_arrays.test.x, data.test.x)


def test_one_or_several_targets_of_a_frame():
    frame = patients().drop(columns=["note", "patient", "died"])
    days = Dataset.from_frame(frame, target="days", target_units="d")
    assert (days.task, days.target_names, days.target_units) == ("regression", ("days",), "d")
    both = Dataset.from_frame(frame, target=["days", "age"])
    assert both.target_names == ("days", "age")
    assert both.feature_names == ("sex",)
    flags = frame.assign(ill=[0, 1] * 30, sick=[True, False] * 30)
    labels = Dataset.from_frame(flags, target=["ill", "sick"])
    assert (labels.task, labels.class_names) == ("multilabel", ("ill", "sick"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": "dead"}, "Unknown column 'dead'. Did you mean 'died'"),
        ({"group": "patients"}, "Unknown column 'patients'. Did you mean 'patient'"),
        ({"drop": "notes"}, "Unknown column 'notes'. Did you mean 'note'"),
        ({"group": "died"}, "Column 'died' is named twice"),
        (
            {"target": []},
            "target must be the column to predict, got no column",
        ),
        ({"drop": ()}, r"Column 'patient' looks like an identifier .* drop=\['patient'\]"),
        ({"drop": ["patient"]}, r"Column 'note' looks like free text .* drop=\['note'\]"),
        ({"frame": {"died": [1, 2]}}, "takes a pandas DataFrame, got dict"),
        ({"frame": X}, "takes a pandas DataFrame, got numpy ndarray"),
        ({"frame": patients().assign(died=None)}, "y is missing in 60 of 60 rows"),
    ],
)
def test_invalid_frames_are_refused(changes, message):
    options = {"frame": patients(), "target": "died", "drop": ["note"], **changes}
    with pytest.raises(ValueError, match=message):
        Dataset.from_frame(**options)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": X.tolist()}, "x of a Split must be a NumPy array, got list.*from_arrays"),
        ({"x": patients()}, "got pandas DataFrame.*from_frame"),
        ({"x": None}, "got None"),
        ({"x": {}}, "empty mapping"),
        ({"x": {"a": X, "b": [1]}}, r"x\['b'\] of a Split must be a NumPy array, got list"),
        ({"y": Y.tolist()}, "y of a Split must be a NumPy array, got list"),
        ({"y": pd.Series(Y)}, "got pandas Series"),
        ({"groups": list(Y)}, "groups of a Split must be a NumPy array, got list"),
    ],
)
def test_a_split_without_arrays_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Split(**{"x": X, "y": Y, **changes})


def test_a_data_set_without_splits_is_refused():
    data = Dataset.from_arrays(X, Y)
    with pytest.raises(ValueError, match=r"train of a Dataset must be a Split, got tuple"):
        dataclasses.replace(data, train=(X, Y))
    with pytest.raises(ValueError, match="Unknown task 'classify'"):
        dataclasses.replace(data, task="classify")


def test_reprs_are_one_line():
    data = Dataset.from_arrays(X, Y, np.arange(60) // 3)
    assert repr(data) == (
        "Dataset('data', classification of 0, 1, 2, 36 + 12 + 12 examples, x float32 (36, 4), "
        "split by group, seed 0)"
    )
    assert repr(data.test) == ("Split(12 examples, x float32 (12, 4), y int32 (12,), 4 groups)")
    many = Dataset.from_arrays({"a": X}, np.arange(60) % 7, split=(0.4, 0.3, 0.3))
    assert "classification of 0, 1, 2, 3, 4, … (7)" in repr(many)
    assert "x {a: float32" in repr(many)
    visits = load_data("mortality-simulated", patients=60)
    assert "sequences of up to" in repr(visits)
    assert "\n" not in repr(visits)


def test_a_subset_of_a_split():
    split = Split({"a": X}, Y, np.arange(60))
    some = split.subset(np.array([5, 3]))
    assert some.groups.tolist() == [5, 3]
    np.testing.assert_array_equal(some.x["a"], X[[5, 3]])

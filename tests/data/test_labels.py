"""Labels of every type, and the inferred task."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerasnets.data.labels import encode_labels


@pytest.mark.parametrize(
    ("y", "names", "numbers"),
    [
        ([3, 1, 3, 2], ("1", "2", "3"), [2, 0, 2, 1]),
        (np.array([0, 1, 1], np.uint8), ("0", "1"), [0, 1, 1]),
        (np.array([0.0, 1.0, 0.0]), ("0", "1"), [0, 1, 0]),
        ([True, False], ("False", "True"), [1, 0]),
        (["b", "a", "b"], ("a", "b"), [1, 0, 1]),
        (np.array(["b", "a"], object), ("a", "b"), [1, 0]),
        (np.array([2, 1], object), ("1", "2"), [1, 0]),
        (np.array([[2], [1]]), ("1", "2"), [1, 0]),
        (pd.Series([2, 1], dtype="Int64"), ("1", "2"), [1, 0]),
        (pd.Series(["yes", "no"], index=[7, 3]), ("no", "yes"), [1, 0]),
        (pd.Series([True, False], dtype="boolean"), ("False", "True"), [1, 0]),
        (pd.Categorical(["b", "a"]), ("a", "b"), [1, 0]),
    ],
)
def test_classes_are_numbered_in_sorted_order(y, names, numbers):
    labels = encode_labels(y)
    assert (labels.task, labels.class_names, labels.target_names) == ("classification", names, ())
    assert labels.y.tolist() == numbers
    assert labels.y.dtype == np.int32


def test_categories_of_pandas_keep_their_order():
    y = pd.Series(pd.Categorical(["low", "high", "low"], ["low", "middle", "high"], ordered=True))
    labels = encode_labels(y)
    assert labels.class_names == ("low", "high")
    assert labels.y.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("y", "names", "numbers"),
    [
        ([0, 2, 0], ("a", "b", "c"), [0, 2, 0]),  # a class may be absent
        ([1, 2, 1], ("a", "b"), [0, 1, 0]),  # as many names as labels: in sorted order
        (["x", "y", "x"], ("y", "x"), [1, 0, 1]),  # by name, in the order of the names
        ([False, True], ("no", "yes"), [0, 1]),
    ],
)
def test_class_names_decide_the_numbers(y, names, numbers):
    labels = encode_labels(y, class_names=list(names))
    assert labels.class_names == names
    assert labels.y.tolist() == numbers


@pytest.mark.parametrize("y", [[0.5, 1.0, 2.0], [0.0, 2.0], pd.Series([1.5, 2], dtype="Float64")])
def test_floats_are_a_regression(y):
    labels = encode_labels(y)
    assert (labels.task, labels.class_names) == ("regression", ())
    assert labels.y.dtype == np.float32
    np.testing.assert_array_equal(labels.y, np.asarray(y, np.float32))


def test_several_columns_of_zeros_and_ones_are_multilabel():
    labels = encode_labels(pd.DataFrame({"rain": [0, 1, 1], "wind": [True, False, True]}))
    assert (labels.task, labels.class_names) == ("multilabel", ("rain", "wind"))
    assert labels.y.tolist() == [[0, 1], [1, 0], [1, 1]]
    assert labels.y.dtype == np.int32
    assert encode_labels(np.eye(3)).class_names == ("0", "1", "2")


def test_other_columns_are_a_regression_of_several_targets():
    labels = encode_labels(np.array([[1, 2], [3, 4]]))
    assert (labels.task, labels.target_names) == ("regression", ("target 0", "target 1"))
    assert labels.y.tolist() == [[1, 2], [3, 4]]
    frame = pd.DataFrame({"low": [1.5, 2], "high": [3, 4]})
    assert encode_labels(frame).target_names == ("low", "high")
    assert encode_labels(pd.Series([1.5, 2.5], name="mmHg")).target_names == ("mmHg",)


def test_the_task_may_be_set():
    assert encode_labels([1, 2, 5], "regression").y.dtype == np.float32
    assert encode_labels([1.0, 2.0, 5.0], "classification").class_names == ("1", "2", "5")
    assert encode_labels(["a", "b"], "binary").task == "binary"
    one_hot = encode_labels(np.eye(3)[[2, 0, 1]], "classification")
    assert one_hot.y.tolist() == [2, 0, 1]
    column = encode_labels([[0.25], [0.5]], "regression", target_names=["p"])
    assert (column.y.shape, column.target_names) == ((2,), ("p",))


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        (None, {}, "y is None"),
        ([], {}, r"y has shape \(0,\)"),
        (5, {}, r"y has shape \(\)"),
        (np.zeros((2, 2, 2)), {}, r"y has shape \(2, 2, 2\)"),
        ([[1], [1, 2]], {}, "y cannot be converted to an array"),
        ([1.0, np.nan, np.nan], {}, r"missing in 2 of 3 rows, first in row 1"),
        (["a", None], {}, "missing in 1 of 2 rows, first in row 1"),
        (pd.Series(["a", pd.NA]), {}, "missing in 1 of 2 rows"),
        (pd.Series([1, None], dtype="Int64"), {}, "missing in 1 of 2 rows"),
        (["a", "a"], {}, "All 2 rows have the label 'a'"),
        (np.array(["a", 1], object), {}, "y holds mixed"),
        (pd.to_datetime(["2020-01-01", "2020-01-02"]), {}, "y holds datetime64"),
        (np.array([1j, 2]), {}, "y holds complex128"),
        ([0, 1, 2], {"task": "binary"}, "needs two classes, got 3: 0, 1, 2"),
        ([0, 1], {"task": "multilabel"}, r"needs y of shape \(n, labels\)"),
        ([[0, 2], [1, 1]], {"task": "multilabel"}, "zeros and ones"),
        ([[0, 1], [1, 1]], {"task": "classification"}, "one label per row.*multilabel"),
        (["a", "b"], {"task": "regression"}, "numbers in y, got text such as 'a'"),
        ([1.0, np.inf], {"task": "regression"}, "infinite or too large for float32 in row 1"),
        ([1.0, 1e300], {}, "infinite or too large for float32 in row 1"),
        ([0, 1], {"task": "regresion"}, "Unknown task 'regresion'. Did you mean 'regression'"),
        ([0, 1], {"class_names": "ab"}, "must be a sequence of names, got the string 'ab'"),
        ([0, 1], {"class_names": ["a", "a"]}, "different from each other"),
        ([0, 5], {"class_names": ["a", "b", "c"]}, "3 names; y has 2 different labels, from 0 to"),
        (["a", "b"], {"class_names": ["a", "c"]}, "y has the label 'b', but class_names does not"),
        ([[0, 1], [1, 1]], {"class_names": ["a"]}, "1 names; y has 2 columns"),
        ([0.5, 2], {"class_names": ["a", "b"]}, "not for a regression; use target_names"),
        ([0.5, 2], {"target_names": ["a", "b"]}, "2 names for 1 target columns"),
        ([0, 1], {"target_names": ["a"]}, "target_names are only for a regression"),
    ],
)
def test_invalid_labels_are_refused(y, options, message):
    with pytest.raises(ValueError, match=message):
        encode_labels(y, **options)

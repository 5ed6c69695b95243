"""Inputs of every type as arrays of numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerasnets.data import encode_table, load_data
from kerasnets.data.inputs import as_inputs, checksum, encode_inputs, rows_of


@pytest.mark.parametrize(
    "x",
    [
        [[1, 2], [3, 4]],
        ((1, 2), (3, 4)),
        np.array([[1, 2], [3, 4]], np.uint8),
        np.array([[1, 2], [3, 4]], np.float64),
        [np.array([1, 2]), np.array([3, 4])],
    ],
)
def test_a_single_array_becomes_float32(x):
    array = as_inputs(x)
    assert array.dtype == np.float32
    assert array.tolist() == [[1, 2], [3, 4]]


def test_named_arrays_keep_integers():
    inputs = {"visits": np.zeros((2, 3, 4)), "length": [1, 3], "ever": np.array([True, False])}
    arrays = as_inputs(inputs)
    assert {name: array.dtype for name, array in arrays.items()} == {
        "visits": np.float32,
        "length": np.int32,
        "ever": np.int32,
    }
    assert rows_of(arrays) == 2


def test_sequences_of_visits_stay_ragged():
    x = load_data("mortality-simulated", patients=60).train.x
    assert as_inputs(x) is x
    content = encode_inputs(x, np.arange(3), None).content
    assert checksum(*content) == checksum(
        x.codes, x.code_offsets, x.visit_offsets, np.array(x.names)
    )


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (None, "x is None"),
        ({}, "empty mapping"),
        (5, r"x has shape \(\)"),
        ([], r"x has shape \(0,\)"),
        ([[1], [1, 2]], "different shapes. Pad sequences to one length"),
        ([["a"], ["b"]], "x holds <U1, not numbers"),
        (np.array([{}], object), "x holds object, not numbers"),
        (np.array(["2020-01-01"], "M8[D]"), "not numbers"),
        ({"a": [1, 2], "b": [1]}, r"same number of rows, got {'a': 2, 'b': 1}"),
        ({"a": [1, 2], "b": ["x", "y"]}, r"x\['b'\] holds <U1"),
        ({"a": None}, r"x\['a'\] is None"),
    ],
)
def test_inputs_that_are_not_arrays_of_numbers_are_refused(x, message):
    with pytest.raises(ValueError, match=message):
        as_inputs(x)


def table(rows: int = 40) -> pd.DataFrame:
    """A column of each type; the last training row is row 29."""
    return pd.DataFrame(
        {
            "age": np.arange(rows),
            "weight": [np.nan, *np.linspace(50, 100, rows - 1)],
            "smokes": np.arange(rows) % 2 == 0,
            "visits": pd.array([None, *range(rows - 1)], dtype="Int64"),
            "sex": ["female", "male"] * (rows // 2),
            "stage": pd.Categorical((["I", "II", None, "IV"] * rows)[:rows]),
            "admitted": pd.date_range("2020-01-01", periods=rows),
            "discharged": ["2020-02-01", "2020-02-03", "", "2020-02-02"] * (rows // 4),
        }
    )


def test_columns_of_every_type_become_numbers():
    train = np.arange(30)
    inputs = encode_inputs(table(), train, None)
    columns = dict(zip(inputs.feature_names, inputs.x.T, strict=True))
    assert inputs.x.dtype == np.float32
    assert np.isfinite(inputs.x).all()
    assert columns["age"].tolist() == list(range(40))
    # Missing numbers become the mean of the middle training rows that have a number.
    weights = table()["weight"][1:30]
    assert columns["weight"][0] == np.float32(np.median(weights))
    assert columns["visits"][0] == np.median(np.arange(29))
    assert columns["smokes"][:4].tolist() == [1, 0, 1, 0]
    assert columns["sex"][:2].tolist() == [1, 2]
    assert columns["stage"][:4].tolist() == [1, 2, 0, 3]
    assert columns["admitted"].tolist() == list(range(40))
    # Days of 2020; a missing date becomes the mean of the five (six) middle ones.
    assert columns["discharged"][:4].tolist() == [31, 33, 32, 32]


def test_the_codebook_is_learned_from_training_rows_only():
    frame = table()
    changed = frame.copy()
    changed.loc[30:, "sex"] = "unheard of"
    changed.loc[30:, "weight"] = 1e6
    one, other = (encode_inputs(f, np.arange(30), None) for f in (frame, changed))
    assert one.codebook == other.codebook
    assert (other.x[30:, one.feature_names.index("sex")] == 0).all()


def test_the_codebook_encodes_new_rows_of_the_same_table():
    frame = table()
    inputs = encode_inputs(frame, np.arange(30), None)
    few = frame.iloc[[31, 2]].assign(other=1)
    np.testing.assert_array_equal(encode_table(few, inputs.codebook), inputs.x[[31, 2]])
    as_text = few.astype(str)
    np.testing.assert_array_equal(
        encode_table(as_text, inputs.codebook)[:, 0], inputs.x[[31, 2], 0]
    )


def test_the_checksum_covers_every_cell_and_name():
    frame = table()
    plain = checksum(*encode_inputs(frame, np.arange(30), None).content)
    assert checksum(*encode_inputs(frame.copy(), np.arange(20), None).content) == plain
    for changed in (
        frame.assign(age=frame["age"].where(frame["age"] != 39, 40)),
        frame.rename(columns={"age": "years"}),
        frame.assign(sex="male"),
    ):
        assert checksum(*encode_inputs(changed, np.arange(30), None).content) != plain


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (table()[[]], "40 rows and 0 columns"),
        (table().iloc[:0], "0 rows and 8 columns"),
        (table().assign(town=[f"town {i}" for i in range(40)]), r"drop=\['town'\]"),
        (table().set_axis([*"abcdefa", "a"], axis=1), "two columns named 'a'"),
    ],
)
def test_tables_that_cannot_be_encoded_are_refused(frame, message):
    with pytest.raises(ValueError, match=message):
        encode_inputs(frame, np.arange(min(30, len(frame))), None)


def test_feature_names_fit_the_columns():
    x = np.zeros((5, 2), np.float32)
    assert encode_inputs(x, np.arange(3), ["a", "b"]).feature_names == ("a", "b")
    with pytest.raises(ValueError, match=r"has 1 names, so x must have the shape \(n, 1\)"):
        encode_inputs(x, np.arange(3), ["a"])


@pytest.mark.parametrize(
    "x",
    [{"code": np.array([1, 2**40 + 7])}, {"code": np.array([-(2**31) - 1])}, np.array([[1e39]])],
)
def test_values_beyond_the_range_of_the_type_are_refused(x):
    with pytest.raises(ValueError, match=r"beyond the range of (int32|float32)"):
        as_inputs(x)


def test_the_limits_of_the_type_are_kept():
    assert as_inputs({"code": np.array([-(2**31), 2**31 - 1])})["code"].tolist() == [
        -(2**31),
        2**31 - 1,
    ]
    assert np.isnan(as_inputs(np.array([[np.nan, 1.0]]))[0, 0])

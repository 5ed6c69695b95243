"""Columns that identify persons are refused, and rare texts are not stored."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerasnets.data import Dataset
from kerasnets.data.tables.codebook import fit_columns

ROWS = 60


def fit(name, cells, groups=None, allow=()):
    (column,) = fit_columns(pd.DataFrame({name: cells}), groups, allow)
    return column


def texts(different, rows=ROWS):
    return [f"text {number % different}" for number in range(rows)]


@pytest.mark.parametrize(
    "name",
    ["patient_name", "Name", "lastName", "id", "patientId", "Row ID", "mrn", "e-mail", "ZIP code",
     "phone_number", "patient", "subject_id", "patientid", "ids"],
)  # fmt: skip
def test_names_of_identifiers_are_refused(name):
    for cells in (texts(3), range(ROWS)):
        with pytest.raises(ValueError, match=r"identifier.*drop=\['.*--drop.*allow=\['.*--allow"):
            fit(name, cells)
        assert fit(name, cells, allow=name).name == name


@pytest.mark.parametrize("name", ["note", "Doctor's remarks", "free_text", "comment"])
def test_names_of_free_text_are_refused_unless_they_hold_numbers(name):
    with pytest.raises(ValueError, match=f"Column {name!r} looks like free text"):
        fit(name, texts(3))
    assert fit(name, range(ROWS)).kind == "number"


@pytest.mark.parametrize(
    "name", ["age", "covid", "acid", "steroid_dose", "patients_in_ward", "ethnicity", "wide",
             "renamed", "context", "valid", "steroidid"],
)  # fmt: skip
def test_other_names_are_allowed(name):
    assert fit(name, texts(3)).categories == ("text 0", "text 1", "text 2")


def test_a_column_of_mostly_rare_texts_is_refused():
    cells = [*texts(3, 24), *(f"word {number}" for number in range(36))]
    with pytest.raises(
        ValueError, match="39 different texts in 60 training rows, and most are in f"
    ):
        fit("town", cells)
    assert fit("town", cells, allow=["town"]).categories == ("text 0", "text 1", "text 2")


@pytest.mark.parametrize("allow", [(), ["town"]])
def test_a_column_of_unique_texts_cannot_be_allowed(allow):
    with pytest.raises(
        ValueError, match=r"60 different texts in 60 training rows, none of them in 5"
    ):
        fit("town", texts(ROWS), allow=allow)


def test_a_text_needs_five_rows():
    cells = ["a"] * 20 + ["b"] * 5 + ["c"] * 4
    assert fit("town", cells).categories == ("a", "b")


def test_a_text_needs_five_persons_if_they_are_known():
    cells = ["a"] * 20 + ["b"] * 20
    persons = np.array([*range(20), *[20, 21, 22, 23] * 5])
    assert fit("town", cells, persons).categories == ("a",)
    with pytest.raises(ValueError, match="30 different texts in 30 training groups, none"):
        fit("town", texts(30, 180), np.arange(180) % 30)


def test_a_column_to_allow_must_exist():
    with pytest.raises(ValueError, match=r"Unknown column to allow 'twon'\. Did you mean 'town'"):
        fit("town", texts(3), allow=["twon"])


def frame(**columns):
    rows = np.arange(ROWS)
    return pd.DataFrame({"age": rows % 47, "died": np.where(rows % 3, "no", "yes"), **columns})


def test_groups_count_in_a_data_set():
    table = frame(who=np.arange(ROWS) // 6, town=texts(10))
    with pytest.raises(ValueError, match="different texts in 6 training groups"):
        Dataset.from_frame(table.assign(town=np.arange(ROWS) // 6).astype({"town": str})
                           .assign(town=lambda t: "t" + t["town"]), "died", "who")  # fmt: skip
    assert Dataset.from_frame(table, "died", "who", drop="town").feature_names == ("age",)


def test_a_class_needs_five_rows_or_a_name_by_the_user():
    died = ["no"] * (ROWS - 4) + ["unheard of"] * 4
    with pytest.raises(ValueError, match=r"Class 'unheard of' is in 4 rows.*class_names=\["):
        Dataset.from_frame(frame().assign(died=died), "died")
    named = Dataset.from_frame(frame().assign(died=died), "died", class_names=["no", "unheard of"])
    assert named.class_names == ("no", "unheard of")
    numbers = np.array([0] * (ROWS - 4) + [1] * 4)
    assert Dataset.from_frame(frame().assign(died=numbers), "died").class_names == ("0", "1")
    assert Dataset.from_frame(frame().assign(died=numbers == 1), "died").class_names == (
        "False", "True",
    )  # fmt: skip


def test_only_tables_have_columns_to_allow():
    with pytest.raises(ValueError, match="allow is only for the columns of a table"):
        Dataset.from_arrays(np.zeros((ROWS, 2)), np.arange(ROWS) % 2, allow=["a"])

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from kerasnets.data import load_data
from kerasnets.data.tables.cells import DataError
from kerasnets.data.tables.covid import OUTCOME, covid_dataset, read_cases
from kerasnets.data.tables.simulate import simulate_cases


@pytest.fixture(scope="module")
def cases() -> pd.DataFrame:
    return simulate_cases(1_000, seed=4)


@pytest.fixture
def write(tmp_path):
    def to_csv(cases: pd.DataFrame, name: str = "covid.csv", **options: object):
        path = tmp_path / name
        cases.to_csv(path, index=False, **options)
        return path

    return to_csv


def test_plain_gzip_and_simulated_data_are_the_same_arrays(cases, write, tmp_path):
    simulated = load_data("covid-simulated", rows=1_000, generator_seed=4)
    (tmp_path / "covid").mkdir()
    packed = tmp_path / "covid" / "covid_cases.csv.gz"
    packed.write_bytes(gzip.compress(write(cases, "cases.csv").read_bytes()))
    for place in (tmp_path / "cases.csv", tmp_path, packed):
        data = load_data("covid", place)
        assert data.checksum == simulated.checksum
        assert np.array_equal(data.train.x, simulated.train.x)
        assert np.array_equal(data.test.y, simulated.test.y)
        assert not data.simulated


def test_the_outcome_may_be_any_column_and_row_numbers_are_not_a_feature(cases, write):
    """In the CDC's file 10 columns are before the outcome and one after it."""
    columns = [*cases.columns[:10], OUTCOME, "medcond_yn"]
    path = write(cases[columns].reset_index(names=""), "cdc.csv")
    data = load_data("covid", path)
    assert data.feature_names == tuple(cases.columns[:11])
    assert data.train.x.shape[1] == 11
    assert data.checksum == load_data("covid", write(cases)).checksum


def test_missing_and_unknown_outcomes_are_left_out_and_counted(cases):
    outcomes = cases[OUTCOME].value_counts()
    data = covid_dataset("covid", cases, "here", seed=0)
    assert dict(data.counts) == {
        "cases read": 1_000,
        "left out, outcome missing or unknown": outcomes["Missing"] + outcomes["Unknown"],
    }
    y = np.concatenate([part.y for part in data.splits.values()])
    assert np.bincount(y).tolist() == [outcomes["No"], outcomes["Yes"]]


def test_checksum_and_split_depend_on_the_content_of_the_file(cases):
    data = covid_dataset("covid", cases, "here", seed=0)
    assert covid_dataset("covid", cases, "there", seed=0).checksum == data.checksum
    changed = cases.copy()
    changed.loc[changed[OUTCOME].isin(["Yes", "No"]).idxmax(), "sex"] = "Other"
    assert covid_dataset("covid", changed, "here", seed=0).checksum != data.checksum
    other = covid_dataset("covid", cases, "here", seed=1)
    assert other.checksum == data.checksum
    assert not np.array_equal(other.train.x, data.train.x)


def test_only_the_first_rows_may_be_read(cases, write):
    assert load_data("covid", write(cases), rows=300).counts["cases read"] == 300


def test_an_invalid_cell_is_reported_with_its_row(cases, write):
    wrong = cases.copy()
    wrong.loc[41, OUTCOME] = "perhaps"
    with pytest.raises(DataError, match=r"covid\.csv, row 43, column death_yn: 'perhaps'"):
        load_data("covid", write(wrong))
    wrong = cases.copy()
    place = wrong[OUTCOME].isin(["Yes", "No"]).idxmax()
    wrong.loc[place, "onset_dt"] = "yesterday"
    message = rf"covid\.csv, row {place + 2}, column onset_dt: 'yesterday' is not a date"
    with pytest.raises(DataError, match=message):
        load_data("covid", write(wrong))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b,death_yn\n1,2,Yes\n", r"expected a column death_yn and 11 others.*a, b, death_yn"),
        ("a,b\n1,2\n", "expected a column death_yn"),
        ("", "the file is empty"),
        ("a\n1,2\n1,2,3\n", "expected a column death_yn"),
    ],
)
def test_other_files_are_refused(tmp_path, content, message):
    path = tmp_path / "other.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        read_cases(path)


def test_a_truncated_gzip_file_is_refused(cases, write, tmp_path):
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress(write(cases).read_bytes())[:500])
    with pytest.raises(DataError, match=r"cut\.csv\.gz: the gzip file is truncated"):
        read_cases(path)


def test_the_error_for_a_missing_file_says_how_to_get_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="COVID-19 Case Surveillance") as error:
        load_data("covid", tmp_path)
    assert "'covid-simulated' needs no files" in str(error.value)
    assert "data fetch" not in str(error.value)

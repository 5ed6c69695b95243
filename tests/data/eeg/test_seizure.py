from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from kerasnets.data import Dataset, load_data
from kerasnets.data.tables.cells import DataError
from tests.data.helpers import Bonn, WriteTable


def assert_equal(one: Dataset, other: Dataset) -> None:
    assert one.checksum == other.checksum
    for name, split in one.splits.items():
        expected = other.splits[name]
        assert np.array_equal(split.x, expected.x)
        assert np.array_equal(split.y, expected.y)
        assert np.array_equal(split.groups, expected.groups)


def assert_recordings_in_one_part(dataset: Dataset) -> None:
    train, validation, test = (set(part.groups.tolist()) for part in dataset.splits.values())
    assert train.isdisjoint(validation | test)
    assert validation.isdisjoint(test)


def test_table_archives_and_folders_have_the_same_arrays(
    bonn: Bonn, tmp_path: Path, write_table: WriteTable
):
    table = load_data("seizure", write_table(bonn.table(), "a.csv"))
    shuffled = bonn.table(seed=9)
    compressed = write_table(shuffled, "b", compress=True, bom=True, newline="\r\n")
    (tmp_path / "zips").mkdir()
    (tmp_path / "folders").mkdir()
    assert_equal(table, load_data("seizure", compressed))
    assert_equal(table, load_data("seizure", bonn.write_archives(tmp_path / "zips")))
    assert_equal(table, load_data("seizure", bonn.write_folders(tmp_path / "folders")))


def test_a_table_without_ids_has_the_same_rows_and_no_recordings(
    bonn: Bonn, write_table: WriteTable
):
    with_ids = load_data("seizure", write_table(bonn.table(), "a.csv"), split="row")
    path = write_table(bonn.table(ids=False), "b.csv")
    without = load_data("seizure", path, split="row")
    assert without.checksum == with_ids.checksum
    assert np.array_equal(without.train.x, with_ids.train.x)
    assert without.train.groups is None
    with pytest.raises(ValueError, match=r"b\.csv: without its id column .*split='row'"):
        load_data("seizure", path)


def test_a_recording_is_in_one_part_of_a_recording_split_and_in_several_of_a_row_split(
    bonn: Bonn, write_table: WriteTable
):
    path = write_table(bonn.table())
    assert_recordings_in_one_part(load_data("seizure", path))
    by_row = load_data("seizure", path, split="row")
    assert set(by_row.train.groups) & set(by_row.test.groups)


def test_a_table_truncated_between_lines_is_refused(bonn: Bonn, write_table: WriteTable):
    path = write_table(bonn.table()[:-3])
    with pytest.raises(
        DataError, match=r"recording V1\.\S+ of label \d has \d+ rows instead of 23"
    ):
        load_data("seizure", path)


def test_labels_are_counted_from_0(bonn: Bonn, write_table: WriteTable):
    dataset = load_data("seizure", write_table(bonn.table()))
    seizure = dataset.class_names.index("seizure")
    signals = bonn.signals[0].reshape(-1)
    assert np.isin(dataset.train.x[dataset.train.y == seizure], signals).all()
    assert dataset.train.y.dtype == np.int32
    assert sorted(set(dataset.train.y.tolist())) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("below", [".", "seizure"])
def test_a_table_is_found_in_the_folder_or_a_subfolder(
    below: str, bonn: Bonn, write_table, tmp_path
):
    (tmp_path / "root" / below).mkdir(parents=True)
    name = "epileptic seizure recognition.CSV.gz"
    path = write_table(bonn.table(), f"root/{below}/{name}", compress=True)
    assert load_data("seizure", tmp_path / "root").source == str(path)
    assert load_data("seizure", str(tmp_path / "root")).source == str(path)


@pytest.mark.parametrize("below", [".", "seizure", "bonn", "seizure/bonn"])
def test_archives_are_found_in_the_folder_or_a_subfolder(below: str, bonn: Bonn, tmp_path: Path):
    folder = tmp_path / below
    folder.mkdir(parents=True, exist_ok=True)
    assert load_data("seizure", bonn.write_archives(folder)).source == str(folder)
    assert load_data("seizure", tmp_path).source == str(folder)


def test_the_variable_comes_after_the_argument_and_before_the_cache(
    bonn: Bonn, write_table: WriteTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for place in ("argument", "variable", "cache/kerasnets"):
        (tmp_path / place).mkdir(parents=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KERASNETS_DATA", str(tmp_path / "variable"))
    name = "Epileptic Seizure Recognition.csv"
    cached = write_table(bonn.table(), f"cache/kerasnets/{name}")
    assert load_data("seizure").source == str(cached)
    set_by_variable = write_table(bonn.table(), f"variable/{name}")
    assert load_data("seizure").source == str(set_by_variable)
    with pytest.raises(FileNotFoundError):  # only the folder of the argument is searched
        load_data("seizure", tmp_path / "argument")
    table = write_table(bonn.table(), f"argument/{name}")
    assert load_data("seizure", tmp_path / "argument").source == str(table)


def test_the_error_contains_every_folder_searched_and_how_to_get_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KERASNETS_DATA", str(tmp_path / "variable"))
    with pytest.raises(FileNotFoundError) as error:
        load_data("seizure")
    message = str(error.value)
    for place in (tmp_path / "variable", tmp_path / "cache" / "kerasnets"):
        for folder in (place, place / "seizure", place / "bonn", place / "seizure" / "bonn"):
            assert f"\n  {folder}\n" in message
    assert "kerasnets data fetch seizure" in message
    assert "$KERASNETS_DATA" in message
    assert "'seizure-simulated'" in message


def test_a_table_that_does_not_exist_is_refused(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="no-such"):
        load_data("seizure", tmp_path / "no-such.csv")


def test_missing_sets_are_named(bonn: Bonn, tmp_path: Path):
    bonn.write_archives(tmp_path)
    (tmp_path / "O.zip").unlink()
    (tmp_path / "N.zip").unlink()
    with pytest.raises(FileNotFoundError, match=r"\(has F, S, Z, not N, O\)"):
        load_data("seizure", tmp_path)


def test_load_data_refuses_invalid_files(tmp_path: Path):
    path = tmp_path / "Epileptic Seizure Recognition.csv.gz"
    path.write_bytes(gzip.compress(b"X1,y\n1,1\n"))
    with pytest.raises(DataError, match=r"Recognition\.csv\.gz, row 1: column X2 and 176 more"):
        load_data("seizure", tmp_path)


@pytest.fixture(scope="module")
def real(real_data_dir: Path) -> Dataset:
    return load_data("seizure", real_data_dir)


@pytest.mark.real_data
def test_11500_real_rows_are_split_60_20_20_in_every_class(real: Dataset):
    for part, share in zip(real.splits.values(), (0.6, 0.2, 0.2), strict=True):
        assert np.bincount(part.y).tolist() == [round(share * 2300)] * 5
        assert (np.bincount(part.groups)[np.unique(part.groups)] == 23).all()
        assert len(set(part.groups)) == round(share * 500)


@pytest.mark.real_data
def test_real_recordings_are_in_one_part(real: Dataset):
    assert_recordings_in_one_part(real)


@pytest.mark.real_data
def test_real_archives_have_identical_arrays(real: Dataset, real_data_dir: Path):
    assert_equal(real, load_data("seizure", real_data_dir / "seizure" / "bonn"))


@pytest.mark.real_data
def test_real_labels_agree_with_the_sets(real: Dataset, real_data_dir: Path):
    # Only seizures reach several hundred µV in most rows.
    train = real.train
    medians = [np.median(train.x[train.y == label].std(axis=1)) for label in range(5)]
    assert real.class_names[int(np.argmax(medians))] == "seizure"
    assert medians[0] > 4 * max(medians[1:])


@pytest.mark.real_data
def test_a_split_by_row_divides_real_recordings(real_data_dir: Path):
    by_row = load_data("seizure", real_data_dir, split="row")
    assert len(set(by_row.train.groups) & set(by_row.test.groups)) > 400

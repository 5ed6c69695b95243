"""A user's own data files, loaded by path."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kerasnets.cli import main
from kerasnets.data import Dataset, describe, files, load_data
from kerasnets.data.catalogue import data_spec
from tests.data.helpers import patients

OPTIONS = {"target": "died", "group": "patient", "drop": ["note"]}


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "patients.csv"
    patients().to_csv(path, index=False)
    return path


@pytest.fixture
def npz(tmp_path: Path) -> Path:
    path = tmp_path / "arrays.npz"
    rng = np.random.default_rng(0)
    np.savez(path, x=rng.normal(size=(60, 4)), y=np.arange(60) % 2, groups=np.arange(60) // 3)
    return path


def test_a_table_loads_as_the_frame_in_it(csv: Path):
    data = load_data(str(csv), **OPTIONS)
    frame = Dataset.from_frame(patients(), **OPTIONS)
    assert data.checksum == frame.checksum
    np.testing.assert_array_equal(data.train.x, frame.train.x)
    assert (data.name, data.source, data.split) == (str(csv), str(csv), "group")
    assert not data.simulated


@pytest.mark.parametrize("options", [OPTIONS, {**OPTIONS, "fractions": [0.4, 0.3, 0.3]}])
@pytest.mark.parametrize("split", [None, "row", "group"])
def test_a_table_is_loaded_again_by_its_name_options_split_and_seed(csv: Path, options, split):
    data = Dataset.from_file(csv, split=split, seed=3, **options)
    again = load_data(data.name, split=data.split, seed=data.seed, **data.options)
    assert again.checksum == data.checksum
    assert again.split == data.split == (split or "group")
    assert again.options == data.options
    for name, part in data.splits.items():
        np.testing.assert_array_equal(again.splits[name].x, part.x)
        np.testing.assert_array_equal(again.splits[name].groups, part.groups)


def test_gzip_row_numbers_and_relative_paths_are_accepted(
    csv: Path, monkeypatch: pytest.MonkeyPatch
):
    expected = load_data(csv, **OPTIONS)
    numbered = csv.with_name("numbered.CSV.gz")
    numbered.write_bytes(gzip.compress(patients().to_csv().encode()))
    monkeypatch.chdir(csv.parent)
    assert load_data("numbered.CSV.gz", **OPTIONS).checksum == expected.checksum
    monkeypatch.chdir("/")
    assert load_data("patients.csv", csv.parent, **OPTIONS).name == "patients.csv"


def test_a_column_may_hold_the_split(csv: Path):
    part = np.repeat(["train", "validation", "test"], [30, 15, 15])
    patients().assign(part=part).to_csv(csv, index=False)
    data = load_data(csv, split_column="part", **OPTIONS)
    assert [len(part) for part in data.splits.values()] == [30, 15, 15]
    assert data.split == "given"
    assert "part" not in data.feature_names
    again = load_data(csv, split="given", **data.options)
    assert again.checksum == data.checksum
    part[0] = "test"
    patients().assign(part=part).to_csv(csv, index=False)
    with pytest.raises(ValueError, match="Group p0 is in the train part and in the test part"):
        load_data(csv, split_column="part", **OPTIONS)


def test_arrays_in_an_npz_file_are_read(npz: Path):
    data = load_data(npz)
    assert data.split == "group"
    assert sum(len(set(part.groups)) for part in data.splits.values()) == 20
    assert load_data(npz, split="row").split == "row"
    arrays = dict(np.load(npz))
    np.savez(npz, **arrays, split=np.repeat(["train", "validation", "test"], [30, 15, 15]),
             class_names=["no", "yes"])  # fmt: skip
    loaded = load_data(npz)
    assert loaded.split == "given"
    assert loaded.class_names == ("no", "yes")
    np.testing.assert_array_equal(loaded.train.x, arrays["x"][:30].astype("f4"))
    assert load_data(npz, split="group").split == "group"
    assert load_data(npz, class_names=["a", "b"]).class_names == ("a", "b")


def test_parquet_files_are_read(tmp_path: Path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "patients.parquet"
    patients().to_parquet(path)
    expected = Dataset.from_frame(patients(), **OPTIONS)
    assert load_data(path, **OPTIONS).checksum == expected.checksum
    path.write_bytes(b"PAR1 and something else")
    with pytest.raises(ValueError, match=r"patients\.parquet: not a readable Parquet table"):
        load_data(path, **OPTIONS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "is a table: give target.*Columns: patient, age, sex, note, died, days"),
        ({"target": "dead"}, "Unknown column 'dead'. Did you mean 'died'"),
        ({"taget": "died"}, "Unknown option of .*'taget'. Did you mean 'target'"),
        ({"target": "died", "split_column": "part"}, "Unknown column 'part'"),
        (
            {"target": "died", "split": "given", "drop": "note"},
            "split='given' needs a split_column",
        ),
        ({"target": "died", "split": "patient", "drop": "note"}, "Unknown split 'patient'"),
        ({"target": "died", "split": "group", "drop": "note"}, "split='group' needs groups"),
        ({"target": "died", "seed": -1}, "seed must be a whole number of 0 or more"),
        ({"target": "died", "task": "regression", "drop": "note"}, "numbers in y, got text"),
    ],
)
def test_invalid_options_of_a_table_are_refused(csv: Path, options, message):
    with pytest.raises(ValueError, match=message):
        load_data(csv, **options)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", r"a\.csv: the file is empty"),
        ("a.csv", b"a,b\n1,2,3\n1,2,3\n", r"a\.csv, row 2: 3 cells, too many; the header has 2"),
        ("a.csv", b"a,b\n1,2\n1,2,3\n", r"a\.csv, row 3: 3 cells, too many"),
        ("a.csv", b"a,b\n1,2\n1\n", r"a\.csv, row 3: 1 cells, too few"),
        ("a.csv", b"a,b\n1,2\n1,2", r"a\.csv, row 3: the last line does not end"),
        ("a.csv", b'a,b\n1,"2\n1,2\n1",2\n', r"a\.csv, row 2: a quoted cell does not end"),
        ("a.csv", b"a,a\n1,2\n", r"a\.csv, row 1: column 2, 'a', is a duplicate"),
        ("a.csv", b"a,b\n1,2\n,3\n" * 1, r"a\.csv: y is missing in 1 of 2 rows, first in row 3"),
        ("a.csv", b"\xff\xfe\x00a,b\n", r"a\.csv: a binary file, or not UTF-8"),
        ("a.csv", b"a,b\n", r"a\.csv: y has shape"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00nonsense", r"a\.csv\.gz: the gzip file is truncated"),
        ("a.npz", b"", r"a\.npz: the archive is truncated or damaged"),
        ("a.npz", b"PK\x03\x04nonsense", r"a\.npz: the archive is truncated or damaged"),
    ],
)
def test_files_that_cannot_be_read_are_refused(tmp_path: Path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    options = {} if name.endswith("npz") else {"target": "a"}
    with pytest.raises(ValueError, match=message):
        load_data(path, **options)


def test_groups_are_what_is_written(csv: Path):
    """007 and 7 are two persons; pandas reads both as 7."""
    ids = [f"{number // 6:03d}" if number % 2 else str(number // 6) for number in range(60)]
    patients().assign(patient=ids).to_csv(csv, index=False)
    groups = np.concatenate([part.groups for part in load_data(csv, **OPTIONS).splits.values()])
    assert set(groups) == set(ids)
    whole = patients().assign(patient=np.arange(60) // 3)
    whole.to_csv(csv, index=False)
    assert load_data(csv, **OPTIONS).checksum == Dataset.from_frame(whole, **OPTIONS).checksum


def test_messages_have_the_line_of_the_file(csv: Path):
    frame = patients().astype({"age": object})
    frame.loc[17, "age"] = "4o"
    frame.to_csv(csv, index=False)
    with pytest.raises(ValueError, match=r"patients\.csv: row 19, column age: '4o' is not a"):
        load_data(csv, **OPTIONS)
    frame.loc[17, ["age", "patient"]] = [40, None]
    csv.write_text("\n" + frame.to_csv(index=False))
    with pytest.raises(
        ValueError, match=r"patients\.csv: groups is missing in 1 rows, first in row 20"
    ):
        load_data(csv, **OPTIONS)


def npy(shape: tuple[int, ...], content: bytes, descr: str = "<f8") -> bytes:
    """An array whose header may be wrong."""
    file = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + content


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"x.npy": npy((10**9, 10**3), bytes(80))}, r"x\.npy: an array of shape .* there are 80"),
        ({"x.npy": npy((3,), bytes(25))}, r"x\.npy: an array of shape \(3,\) .* there are 25"),
        ({"x.npy": npy((3,), bytes(16))}, r"x\.npy: an array of shape \(3,\) .* there are 16"),
        ({"x.npy": npy((1,), b"\xff" * 4, "<U1")}, r"x\.npy: has characters that do not exist"),
        ({"x.npy": npy((10**12,), b"", "<U0")}, r"x\.npy: an array of shape"),
        ({"x.npy": b"\x93NUMPY\1\0\5\0{[}\n "}, r"x\.npy: not an array"),
        ({"x.npy": b"\x93NUMPY\7\0"}, r"x\.npy: not an array \(unknown version"),
        ({"x.npy": b"\x80\4N."}, r"x\.npy: not an array"),
        ({"x.txt": b"1"}, r"x\.txt: not an array"),
    ],
)
def test_damaged_arrays_are_refused(tmp_path: Path, members, message):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match=rf"a\.npz, {message}"):
        load_data(path)


def test_a_parquet_file_that_is_much_larger_in_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pytest.importorskip("pyarrow")
    path = tmp_path / "a.parquet"
    pd.DataFrame({f"c{number}": np.zeros(200_000) for number in range(3)}).to_parquet(path)
    size = 200_000 * 3 * 8
    monkeypatch.setattr(files, "_MAX_RATIO", 1)
    monkeypatch.setattr(files, "MAX_UNPACKED", size)
    assert len(load_data(path, target="c0", task="regression").train) == 120_000
    monkeypatch.setattr(files, "MAX_UNPACKED", size - 1)
    with pytest.raises(ValueError, match=r"a\.parquet: 200,000 rows of 3 columns are too many"):
        load_data(path, target="c0")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((3, 2))}, "no array y; it holds x. Save it with"),
        (
            {"x": np.zeros((3, 2)), "Y": np.zeros(3)},
            "Unknown array in .* 'Y'. Allowed: class_names",
        ),
        ({"x": np.array([{}]), "y": np.zeros(1)}, "x.npy: holds object, not plain numbers"),
        ({"x": np.zeros(3, "i4,f4"), "y": np.zeros(3)}, "x.npy: holds .*, not plain numbers"),
    ],
)
def test_npz_files_without_the_arrays_are_refused(tmp_path: Path, arrays, message):
    path = tmp_path / "a.npz"
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=message):
        load_data(path)


def test_roles_of_columns_are_for_tables(npz: Path):
    with pytest.raises(
        ValueError, match="target, group, drop and split_column are only for tables"
    ):
        load_data(npz, target="y")


def test_missing_files_and_other_types_are_refused(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"no-such\.csv does not exist \(looked in /"):
        load_data(tmp_path / "no-such.csv", target="a")
    with pytest.raises(ValueError, match=r"Unknown data set 'a\.xlsx'.*a path ending in \.csv"):
        load_data("a.xlsx")
    with pytest.raises(ValueError, match=r"must end in \.csv, \.csv\.gz, \.npz, \.parquet"):
        Dataset.from_file(tmp_path / "a.xlsx")


def test_the_catalogue_knows_the_options_of_a_file():
    assert {"target", "group", "drop", "task", "fractions"} <= set(data_spec("a.csv").options)


def test_a_file_is_described_with_its_task_and_units(csv: Path):
    facts = describe(load_data(csv, units="mixed", **OPTIONS))
    assert (facts["task"], facts["targets"], facts["units"]) == (
        "classification", ["no", "yes"], "mixed",
    )  # fmt: skip
    assert facts["rows"]["train"]["all"] == sum(facts["rows"]["train"][n] for n in ("no", "yes"))
    regression = describe(load_data(csv, target="days", drop=["note", "patient", "died"]))
    assert regression["targets"] == ["days"]
    assert regression["rows"]["test"] == {"all": 12}


def test_a_table_may_have_several_targets(csv: Path):
    frame = pd.DataFrame({"a": np.arange(30) % 2, "b": np.arange(30) % 3 == 0, "x": range(30)})
    frame.to_csv(csv, index=False)
    data = load_data(csv, target=["a", "b"])
    assert (data.task, data.class_names, data.feature_names) == ("multilabel", ("a", "b"), ("x",))
    assert describe(data)["rows"]["train"]["all"] == len(data.train)


def test_the_command_describes_and_draws_a_file(csv: Path, tmp_path: Path, capsys):
    words = ["data", str(csv), "--target", "died", "--group", "patient"]
    words += ["--data-option", "drop=note", "--out", str(tmp_path / "figures")]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert "classification of no, yes" in text
    assert "by group, seed 0" in text
    assert (tmp_path / "figures" / "patients-columns.png").is_file()
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["checksum"] == load_data(csv, **OPTIONS).checksum
    assert main(["data", str(csv)]) == 2
    assert "give target" in capsys.readouterr().err

"""Conversions by block and shard: same bytes for any size, resumed after a kill, or refused."""

from __future__ import annotations

import contextlib
import json
import pathlib
import stat

import meds
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kerasnets._temporary import locked
from kerasnets.data.ehr import meds_writer, records
from kerasnets.data.ehr.eicu_meds import eicu_source
from kerasnets.data.ehr.meds_writer import write_meds
from kerasnets.data.ehr.mimic3_meds import mimic3_source
from kerasnets.data.tables.cells import DataError
from tests.data.ehr.helpers import eicu_tables, mimic3_tables, write

ROWS = 3_000


@pytest.fixture
def many(tmp_path):
    """Tables of eICU with 3,000 diagnoses, some of unknown stays or without a name."""
    rng = np.random.default_rng(0)
    names = rng.choice(["a|b|c", "a|b", "x", ""], ROWS)
    diagnoses = pd.DataFrame(
        {
            "patientunitstayid": rng.integers(1, 40, ROWS),
            "diagnosisoffset": rng.integers(-100, 3000, ROWS),
            "diagnosisstring": names,
        }
    )
    stays = pd.DataFrame(
        {
            "patientunitstayid": rng.permutation(30) + 1,
            "uniquepid": [f"p{n % 20}" for n in range(30)],
            "hospitaldischargestatus": rng.choice(["Alive", "Expired", ""], 30),
            "unitdischargeoffset": rng.integers(-1, 900, 30),
        }
    )
    folder = tmp_path / "tables"
    folder.mkdir()
    return write(folder, eicu_tables(patient=stays, diagnosis=diagnoses))


def content(folder):
    """The bytes of each file."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def events(folder):
    """The shards, in order."""
    paths = sorted((folder / "data").iterdir(), key=lambda path: int(path.stem))
    return [pq.read_table(path) for path in paths]


def assert_valid_meds(folder):
    """Everything that MEDS requires of a data set."""
    shards = events(folder)
    subjects = []
    for shard in shards:
        meds.DataSchema.validate(shard)
        frame = shard.to_pandas()
        ordered = frame.sort_values(["subject_id", "time"], kind="stable", na_position="first")
        pd.testing.assert_frame_equal(frame, ordered)
        subjects.append(set(frame["subject_id"]))
    assert sum(map(len, subjects)) == len(set.union(*subjects))  # a subject is in one shard
    codes = pq.read_table(folder / meds.code_metadata_filepath)
    meds.CodeMetadataSchema.validate(codes)
    known = codes["code"].to_pylist()
    assert len(set(known)) == len(known)
    used = {code for shard in shards for code in shard["code"].to_pylist()}
    above = {code for parents in codes["parent_codes"].to_pylist() for code in parents or ()}
    assert used | above == set(known)
    meds.DatasetMetadataSchema.validate(
        json.loads((folder / meds.dataset_metadata_filepath).read_text())
    )
    for path in (folder / "labels").iterdir():
        labels = pq.read_table(path)
        meds.LabelSchema.validate(labels)
        assert set(labels["subject_id"].to_pylist()) <= set.union(*subjects)
    return pa.concat_tables(shards)


def test_eicu_becomes_meds(tmp_path):
    source = eicu_source(write(tmp_path, eicu_tables()))
    assert write_meds(source, tmp_path / "meds") == 4 * 2 + 5 + 1
    found = assert_valid_meds(tmp_path / "meds").to_pandas()
    minutes = (found["time"] - pd.Timestamp(0)) / pd.Timedelta(1, "min")
    stay_1 = found["subject_id"] == 1
    assert list(zip(minutes[stay_1], found["code"][stay_1], strict=True)) == [
        (-30, "diagnosis|x"),
        (0, "ICU_ADMISSION"),
        (61, "diagnosis|y"),
        (119, "treatment|x"),
        (500, "ICU_DISCHARGE"),
    ]
    labels = pq.read_table(tmp_path / "meds/labels/death_in_hospital.parquet").to_pydict()
    assert labels["subject_id"] == [1, 2, 3]
    assert labels["boolean_value"] == [False, True, False]
    assert set(labels["prediction_time"]) == {pd.Timestamp("1970-01-02") - pd.Timedelta(1, "us")}
    assert stat.S_IMODE((tmp_path / "meds").stat().st_mode) == 0o700
    persons = pq.read_table(tmp_path / "meds/metadata/subjects.parquet").to_pydict()
    assert persons == {"subject_id": [1, 2, 3, 4], "patient": [0, 0, 1, 2]}


def test_mimic3_becomes_meds(tmp_path):
    write_meds(mimic3_source(write(tmp_path, mimic3_tables())), tmp_path / "meds")
    found = assert_valid_meds(tmp_path / "meds").to_pandas()
    last = found[found["subject_id"] == 10].tail(4)
    assert last["code"].tolist() == ["HOSPITAL_DISCHARGE", "ICD9CM//42731", "ICD9CM//42732",
                                     "MEDS_DEATH"]  # fmt: skip
    assert last["hadm_id"].tolist()[:3] == [1, 1, 1]
    assert np.isnan(last["hadm_id"].iloc[3])
    assert last["time"].astype(str).tolist() == ["2100-05-09 12:00:00"] * 3 + [
        "2101-03-01 00:00:00"
    ]
    died = found[found["subject_id"] == 11]["code"].tolist()  # events after all predictions
    assert died == ["HOSPITAL_ADMISSION", "MEDS_DEATH", "HOSPITAL_DISCHARGE", "ICD9CM//4019"]
    codes = pq.read_table(tmp_path / "meds/metadata/codes.parquet").to_pylist()
    parents = {row["code"]: row["parent_codes"] for row in codes}
    assert parents["ICD9CM//42731"] == ["ICD9CM//427"]
    assert parents["ICD9CM//427"] is None
    labels = pq.read_table(tmp_path / "meds/labels/death_within_365_days.parquet").to_pydict()
    midnight = [pd.Timestamp("2100-05-10"), pd.Timestamp("2100-01-04")]
    assert labels["prediction_time"] == [time - pd.Timedelta(1, "us") for time in midnight]


def test_a_death_before_a_later_discharge_alive_is_left_out(tmp_path):
    tables = mimic3_tables()
    tables["ADMISSIONS"] = tables["ADMISSIONS"].assign(hospital_expire_flag=[0, 1, 1, 0, 0, 0, 0])
    source = mimic3_source(write(tmp_path, tables))
    assert source.counts["admissions that ended in death before the patient left alive"] == 1
    write_meds(source, tmp_path / "meds")
    found = assert_valid_meds(tmp_path / "meds").to_pandas()
    assert 2 not in found["hadm_id"].tolist()


def test_blocks_and_shards_do_not_change_the_events(many, tmp_path, monkeypatch):
    write_meds(eicu_source(many), tmp_path / "one")
    whole = assert_valid_meds(tmp_path / "one")
    assert len(events(tmp_path / "one")) == 1
    monkeypatch.setattr(records, "BLOCK", 1)  # the chunks that are read at a time remain
    monkeypatch.setattr("kerasnets.data.content._CHUNK", 2_000)
    monkeypatch.setattr(meds_writer, "SHARD_ROWS", 400)
    write_meds(eicu_source(many), tmp_path / "many")
    assert len(events(tmp_path / "many")) >= 5
    assert assert_valid_meds(tmp_path / "many").equals(whole)
    one, other = (content(tmp_path / name) for name in ("one", "many"))
    for name in other.keys() - one.keys():
        assert name.startswith("data")
    for name in one:
        assert name.startswith("data") or one[name] == other[name], name


def test_the_same_tables_give_the_same_bytes(many, tmp_path):
    for name in ("one", "other"):
        write_meds(eicu_source(many), tmp_path / name)
    assert content(tmp_path / "one") == content(tmp_path / "other")


@contextlib.contextmanager
def counting(monkeypatch, stop=None):
    """Count the parts, shards and tables that are written; interrupt instead of number ``stop``."""
    written = []

    def replace(path, target):
        if path.suffix == ".new":
            if len(written) == stop:
                raise KeyboardInterrupt
            written.append(target.name)
        return rename(path, target)

    rename = pathlib.Path.replace
    with monkeypatch.context() as patched:
        patched.setattr(pathlib.Path, "replace", replace)
        yield written


def test_an_interrupted_conversion_resumes(many, tmp_path, monkeypatch):
    """Wherever it stops: nothing is published, and no part or shard is made twice."""
    source = eicu_source(many)
    monkeypatch.setattr("kerasnets.data.content._CHUNK", 10_000)
    monkeypatch.setattr(records, "BLOCK", 1)
    monkeypatch.setattr(meds_writer, "SHARD_ROWS", 1500)
    with counting(monkeypatch) as every:
        write_meds(source, tmp_path / "whole")
    resumable = [name for name in every if not name.startswith(("codes", "subjects", "death"))]
    assert len(resumable) >= 7
    for stop in range(len(every)):
        folder = tmp_path / f"stopped-{stop}"
        with counting(monkeypatch, stop), pytest.raises(KeyboardInterrupt):
            write_meds(source, folder)
        assert not folder.exists()
        with counting(monkeypatch) as again:
            write_meds(source, folder)
        assert [name for name in again if name in resumable] == resumable[stop:]
        assert content(folder) == content(tmp_path / "whole")
    assert not list(tmp_path.glob(".*"))  # no unfinished folder


def test_a_changed_table_or_a_damaged_part_is_converted_again(many, tmp_path, monkeypatch):
    with counting(monkeypatch, 2), pytest.raises(KeyboardInterrupt):
        write_meds(eicu_source(many), tmp_path / "meds")
    part = tmp_path / ".meds-unfinished" / "diagnosis-000000.arrow"
    part.write_bytes(part.read_bytes()[:-100])  # as a power failure may leave it
    with counting(monkeypatch, 3) as written, pytest.raises(KeyboardInterrupt):
        write_meds(eicu_source(many), tmp_path / "meds")
    assert written == ["diagnosis-000000.arrow", "treatment-000000.arrow", "0.parquet"]
    lines = many["diagnosis"].read_text().splitlines(keepends=True)
    many["diagnosis"].write_text("".join(lines[:100]))
    write_meds(eicu_source(many), tmp_path / "meds")
    write_meds(eicu_source(many), tmp_path / "whole")
    assert content(tmp_path / "meds") == content(tmp_path / "whole")


def test_a_folder_that_exists_or_is_in_use_is_refused(tmp_path):
    source = eicu_source(write(tmp_path, eicu_tables()))
    (tmp_path / "mine").mkdir()
    with pytest.raises(FileExistsError, match=r"mine exists\. Remove it, or choose another"):
        write_meds(source, tmp_path / "mine")
    work = tmp_path / ".meds-unfinished"
    work.mkdir()
    with locked(work), pytest.raises(BlockingIOError, match="Another process is using"):
        write_meds(source, tmp_path / "meds")


@pytest.mark.parametrize("cell", ["2e9", "-1000000001", "99999999999999999999"])
def test_times_that_do_not_exist_are_refused_with_their_row(many, tmp_path, monkeypatch, cell):
    """In the last block, of which all rows before were converted."""
    lines = many["diagnosis"].read_text().splitlines(keepends=True)
    many["diagnosis"].write_text("".join([*lines, f"1,{cell},late\n"]))
    monkeypatch.setattr("kerasnets.data.content._CHUNK", 2_000)
    monkeypatch.setattr(records, "BLOCK", 1)
    row = f"row {len(lines) + 1}, column diagnosisoffset"
    with pytest.raises(DataError, match=rf"diagnosis\.csv, {row}: .*Allowed"):
        write_meds(eicu_source(many), tmp_path / "meds")
    assert not (tmp_path / "meds").exists()


def test_a_table_without_rows_has_no_events(tmp_path):
    tables = eicu_tables()
    tables["diagnosis"] = tables["diagnosis"].iloc[:0]
    write_meds(eicu_source(write(tmp_path, tables)), tmp_path / "meds")
    found = assert_valid_meds(tmp_path / "meds")
    assert len(found) == 4 * 2 + 1

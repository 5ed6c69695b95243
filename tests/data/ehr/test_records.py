"""eICU and MIMIC-III: small tables in every format, invalid cells, and the open demos."""

from __future__ import annotations

import gzip
import hashlib

import numpy as np
import pandas as pd
import pytest

from kerasnets.data import load_data
from kerasnets.data.ehr import mimic3_meds
from kerasnets.data.tables.cells import DataError
from tests.data.ehr.helpers import (
    ADMISSIONS,
    DIAGNOSES,
    DIAGNOSIS,
    eicu_tables,
    mimic3_tables,
    read_eicu,
    read_mimic3,
    write,
)


def assert_every_row_is_counted(counts, total, prefix):
    parts = {what: n for what, n in counts.items() if what.startswith(prefix) and what != total}
    assert sum(parts.values()) == counts[total], parts


@pytest.mark.parametrize("form", [{}, {"upper": True}, {"compress": True}])
def test_eicu_stays_become_hours(tmp_path, form):
    cohort = read_eicu(write(tmp_path, eicu_tables(), **form))
    assert cohort.visits == [
        [["diagnosis|x"], ["diagnosis|y", "treatment|x"]],
        [["diagnosis|x"]],
        [[]],
    ]
    assert cohort.died.tolist() == [False, True, False]
    assert cohort.patients.tolist() == [0, 0, 1]
    counts = cohort.counts
    assert counts["stays"] == 4
    assert counts["stays without an outcome, left out"] == 1
    assert counts["diagnosis rows of unknown stays, left out"] == 1
    assert counts["diagnosis rows without a name, left out"] == 1
    assert counts["diagnosis rows used"] == 3
    for table in ("diagnosis", "treatment"):
        assert_every_row_is_counted(counts, f"{table} rows", f"{table} rows")


@pytest.mark.parametrize("form", [{}, {"upper": True}, {"compress": True}])
def test_mimic3_admissions_become_visits(tmp_path, form):
    cohort = read_mimic3(write(tmp_path, mimic3_tables(), **form))
    # 11 died in hospital, 13 on the day of discharge, 14 left before arriving.
    assert cohort.visits == [[["ICD9CM//E849"], ["ICD9CM//427"]], [["ICD9CM//V15"]]]
    assert cohort.died.tolist() == [True, False]
    assert read_mimic3(write(tmp_path, mimic3_tables()), 295).died.tolist() == [False] * 2
    assert read_mimic3(write(tmp_path, mimic3_tables()), 296).died.tolist()[0]
    counts = cohort.counts
    assert counts["admissions of unknown patients, left out"] == 1
    assert counts["admissions with discharge before admission, left out"] == 1
    assert counts["admissions that ended in death, left out"] == 1
    assert counts["patients who never left alive, left out"] == 2
    assert counts["patients dead by the prediction, left out"] == 1
    assert counts["diagnoses without a code, left out"] == 1
    assert counts["diagnoses of unknown or left-out admissions, left out"] == 1
    assert counts["diagnoses used"] == 4
    assert_every_row_is_counted(counts, "diagnoses", "diagnoses")


def test_codes_also_count_as_their_ancestors(tmp_path):
    named = DIAGNOSIS.assign(diagnosisstring=["a|b|c", "a|d", "a|b", "l", "m", "n", None])
    files = write(tmp_path, eicu_tables(diagnosis=named))
    first, second = read_eicu(files, ancestors=True).visits[:2]
    assert first[0] == ["diagnosis|a", "diagnosis|a|b", "diagnosis|a|b|c"]
    assert first[1] == ["diagnosis|a", "diagnosis|a|d", "treatment|x"]
    assert second == [["diagnosis|a", "diagnosis|a|b"]]


def assert_same_visits(one, other):
    assert one.visits == other.visits
    np.testing.assert_array_equal(one.died, other.died)


def test_events_after_the_window_change_nothing(tmp_path):
    """eICU: events from 24 hours on may be moved, changed or removed, in both classes."""
    plain = read_eicu(write(tmp_path, eicu_tables()))
    late = DIAGNOSIS["diagnosisoffset"] >= 1440
    assert late.any()
    for offset in (1440, 1441, 999_999):
        moved = DIAGNOSIS.assign(diagnosisoffset=DIAGNOSIS["diagnosisoffset"].mask(late, offset))
        assert_same_visits(plain, read_eicu(write(tmp_path, eicu_tables(diagnosis=moved))))
    more = pd.DataFrame({"patientunitstayid": [1, 2, 3], "diagnosisoffset": 1440,
                         "diagnosisstring": "z"})  # fmt: skip
    for changed in (DIAGNOSIS[~late], pd.concat([DIAGNOSIS, more])):
        assert_same_visits(plain, read_eicu(write(tmp_path, eicu_tables(diagnosis=changed))))


def test_the_admission_that_ended_in_death_changes_nothing(tmp_path):
    """MIMIC-III: codes of the admission that ended in death are not used."""
    last = ADMISSIONS.iloc[:1].assign(hadm_id=50, hospital_expire_flag=1,
        admittime="2101-02-20 00:00:00", dischtime="2101-03-01 10:00:00")  # fmt: skip
    plain = read_mimic3(write(tmp_path, mimic3_tables()))
    coded = pd.DataFrame({"hadm_id": [50, 50], "icd9_code": ["5849", "78551"]})
    changed = mimic3_tables(
        ADMISSIONS=pd.concat([ADMISSIONS, last]), DIAGNOSES_ICD=pd.concat([DIAGNOSES, coded])
    )
    assert_same_visits(plain, read_mimic3(write(tmp_path, changed)))


@pytest.mark.parametrize(
    ("code", "group"),
    [
        ("ICD9CM//42731", "ICD9CM//427"),
        ("ICD9CM//E8497", "ICD9CM//E849"),
        ("ICD9CM//V1582", "ICD9CM//V15"),
        ("ICD9CM//486", None),
        ("ICD9CM//E849", None),
        ("MEDS_DEATH", None),
    ],
)
def test_icd9_codes_are_grouped_by_their_first_characters(code, group):
    assert mimic3_meds.parent(code) == group


@pytest.mark.parametrize(
    ("table", "column", "value", "message"),
    [
        ("patient", "patientunitstayid", [1, 2, 1, 4], "row 4.*1 occurs twice, first in row 2"),
        ("patient", "patientunitstayid", [1, 2, "x", 4], r"row 4.*'x'.*Allowed: a whole number"),
        ("patient", "hospitaldischargestatus", ["Dead"] * 4, "row 2.*'Dead'.*Allowed: Alive"),
        (
            "patient",
            "uniquepid",
            ["p", None, "q", "r"],
            "row 3, column uniquepid: got an empty cell",
        ),
        ("diagnosis", "diagnosisoffset", [1, 2, 3, 4, 5, 6, "soon"], "row 8.*'soon'"),
        ("diagnosis", "diagnosisoffset", [1, 2, 3, None, 5, 6, 7], "row 5.*an empty cell"),
        ("treatment", "treatmentoffset", [0.5], r"'0\.5'"),
        ("treatment", "treatmentoffset", ["inf"], "'inf'"),
    ],
)
def test_invalid_eicu_cells_are_reported(tmp_path, table, column, value, message):
    tables = eicu_tables()
    tables[table] = tables[table].assign(**{column: value})
    with pytest.raises(DataError, match=message):
        read_eicu(write(tmp_path, tables))


@pytest.mark.parametrize(
    ("table", "column", "value", "message"),
    [
        ("ADMISSIONS", "hadm_id", [1, 2, 3, 4, 5, 5, 7], "row 7.*5 occurs twice, first in row 6"),
        ("PATIENTS", "subject_id", [10, 10, 12, 13, 14], "row 3.*10 occurs twice"),
        ("PATIENTS", "dod", [None, None, "soon", None, None], "row 4, column dod: got 'soon'"),
        (
            "PATIENTS",
            "dod",
            [None, "2100-07-2  00:00:00", None, None, None],
            "row 3, column dod: got .2100-07-2  00:00:00",
        ),
        ("PATIENTS", "dod", [None, "2100-07-02 00:00:60", None, None, None], "row 3, column dod"),
        ("ADMISSIONS", "dischtime", None, "row 2.*an empty cell, the first of 7.*a date such as"),
        ("ADMISSIONS", "admittime", "2100-13-01 00:00:00", "2100-13-01"),
        ("ADMISSIONS", "admittime", "2100-12-01 00:00:60", "2100-12-01 00:00:60"),
        ("ADMISSIONS", "admittime", "2100-12-01 00:00:0", "2100-12-01 00:00:0"),
        ("ADMISSIONS", "admittime", "2100-12-01", "2100-12-01"),
    ],
)
def test_invalid_mimic3_cells_are_reported(tmp_path, table, column, value, message):
    tables = mimic3_tables()
    tables[table] = tables[table].assign(**{column: value})
    with pytest.raises(DataError, match=message):
        read_mimic3(write(tmp_path, tables))


@pytest.mark.parametrize("flag", [7, -1, 2])
def test_a_flag_other_than_0_and_1_is_refused(tmp_path, flag):
    changed = ADMISSIONS.assign(hospital_expire_flag=[0, flag, 1, 0, 0, 0, 0])
    with pytest.raises(
        DataError, match=rf"row 3, column hospital_expire_flag: got '{flag}'.*0 or 1"
    ):
        read_mimic3(write(tmp_path, mimic3_tables(ADMISSIONS=changed)))


@pytest.mark.parametrize("code", ["12", "4019x", "V1", "X123", "NaN", "401 9"])
def test_a_code_that_is_not_icd9_is_refused(tmp_path, code):
    changed = DIAGNOSES.assign(icd9_code=[*DIAGNOSES["icd9_code"][:6], code, "0010"])
    with pytest.raises(DataError, match=rf"row 8, column icd9_code: got '{code}'.*an ICD-9 code"):
        read_mimic3(write(tmp_path, mimic3_tables(DIAGNOSES_ICD=changed)))


def damage(path, change):
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(change(lines)))


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        # A stray quote that closes some lines below.
        ("DIAGNOSES_ICD",
         lambda lines: [*lines[:2], '1,"42732\n', *lines[3:6], '4,4019"\n', *lines[6:]],
         "row 3: a quoted cell does not end on this line"),
        # A death becomes a survival: a line without its last cell, or a file cut in its last line.
        ("PATIENTS", lambda lines: [*lines[:2], lines[2].split(",")[0] + "\n", *lines[3:]],
         "row 3: 1 cells, too few; the header has 2 columns"),
        ("PATIENTS", lambda lines: [*lines[:4], lines[4].split(",")[0] + ","],
         "row 5: the last line does not end"),
        ("PATIENTS", lambda lines: [*lines[:2], lines[2].rstrip()[:-3] + "\n", *lines[3:]],
         "row 3, column dod: got .*Allowed: a date"),
        # An extra comma shifts the cells after it.
        ("ADMISSIONS", lambda lines: [*lines[:3], lines[3].replace(",", ",,", 1), *lines[4:]],
         "row 4: 6 cells, too many; the header has 5 columns"),
        ("ADMISSIONS", lambda lines: ["subject_id,HADM_ID,id,admittime,dischtime\n", *lines[1:]],
         "row 1: no column hospital_expire_flag"),
        ("ADMISSIONS", lambda lines: [lines[0].strip() + ",HADM_ID\n"],
         "row 1: the column hadm_id is a duplicate"),
    ],
)  # fmt: skip
def test_no_row_cell_or_label_is_lost(tmp_path, table, change, message):
    files = write(tmp_path, mimic3_tables())
    damage(files[table], change)
    with pytest.raises(DataError, match=rf"{table}\.csv, {message}"):
        read_mimic3(files)


def test_rows_of_blank_lines_are_counted_in_messages(tmp_path):
    files = write(tmp_path, mimic3_tables())
    damage(files["PATIENTS"], lambda lines: [*lines[:2], "\n", lines[1], *lines[2:]])
    with pytest.raises(
        DataError, match="row 4, column subject_id: 10 occurs twice, first in row 2"
    ):
        read_mimic3(files)


def test_whole_numbers_may_be_written_as_floats(tmp_path):
    plain = read_mimic3(write(tmp_path, mimic3_tables()))
    floats = ADMISSIONS.astype({"hadm_id": float, "subject_id": float})
    assert_same_visits(plain, read_mimic3(write(tmp_path, mimic3_tables(ADMISSIONS=floats))))


@pytest.mark.real_data
def test_a_stray_quote_in_the_real_diagnoses_is_refused(tmp_path, real_data_dir):
    """361 of 1,761 diagnoses were read, without an error."""
    names = ("ADMISSIONS", "DIAGNOSES_ICD", "PATIENTS")
    files = {name: real_data_dir / "mimic3demo" / f"{name}.csv.gz" for name in names}
    assert read_mimic3(files).counts["diagnoses"] == 1_761
    lines = gzip.decompress(files["DIAGNOSES_ICD"].read_bytes()).decode().splitlines()
    lines[100] = lines[100].replace(",", ',"', 1)
    lines[1500] = lines[1500].replace(",", '",', 1)
    files["DIAGNOSES_ICD"] = tmp_path / "DIAGNOSES_ICD.csv"
    files["DIAGNOSES_ICD"].write_text("\n".join([*lines, ""]))
    with pytest.raises(DataError, match=r"DIAGNOSES_ICD\.csv, row 101: a quote"):
        read_mimic3(files)


def test_missing_columns_and_tables_are_named(tmp_path):
    changed = DIAGNOSIS.drop(columns="diagnosisstring")
    files = write(tmp_path, eicu_tables(diagnosis=changed))
    with pytest.raises(DataError, match="no column diagnosisstring; the header has patientunit"):
        read_eicu(files)
    (tmp_path / "treatment.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"has diagnosis, patient, not treatment") as caught:
        load_data("eicu", data_dir=tmp_path)
    assert "Get it from PhysioNet" in str(caught.value)
    assert "mortality-simulated" in str(caught.value)
    with pytest.raises(FileNotFoundError, match="'mimic3' was not found"):
        load_data("mimic3", data_dir=tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b\x08\x00nonsense", b"\xff\xfe\x00a,b\n"])
def test_files_that_are_not_tables_are_refused(tmp_path, content):
    files = write(tmp_path, eicu_tables())
    files["patient"].write_bytes(content)
    if content.startswith(b"\x1f"):
        files["patient"] = files["patient"].rename(tmp_path / "patient.csv.gz")
    with pytest.raises(DataError, match=r"patient\.csv"):
        read_eicu(files)


@pytest.mark.parametrize(
    ("name", "option"),
    [("eicu", "window_hours"), ("eicu", "visit_hours"), ("mimic3", "horizon_days")],
)
def test_hours_and_days_are_checked(name, option, tmp_path):
    with pytest.raises(ValueError, match=f"{option} must be a whole number of 1 or more, got 0"):
        load_data(name, data_dir=tmp_path, **{option: 0})


@pytest.mark.real_data
def test_the_open_eicu_demo(real_data_dir):
    data = load_data("eicu", data_dir=real_data_dir)
    assert sum(len(part) for part in data.splits.values()) == 2520 - 28
    assert sum(part.y.sum() for part in data.splits.values()) == 212
    assert data.counts["stays"] == 2520
    assert data.counts["diagnosis rows"] == 24_978
    assert data.counts["labels with one visit without codes"] == 366
    assert_every_row_is_counted(data.counts, "diagnosis rows", "diagnosis rows")
    assert_every_row_is_counted(data.counts, "treatment rows", "treatment rows")
    seen = [set(part.groups) for part in data.splits.values()]
    assert sum(map(len, seen)) == len(set.union(*seen))


@pytest.mark.real_data
def test_the_open_mimic3_demo(real_data_dir):
    data = load_data("mimic3", data_dir=real_data_dir, min_count=2)
    assert (data.counts["patients"], data.counts["admissions"]) == (100, 129)
    assert data.counts["diagnoses"] == 1761
    assert_every_row_is_counted(data.counts, "diagnoses", "diagnoses")
    assert data.counts["admissions that ended in death, left out"] == 40
    assert sum(len(part) for part in data.splits.values()) == 67


def bits(array):
    """A hash of type, shape and bytes."""
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("eicu", {}, "51a4e8f8b60a5e5a"),
        ("eicu", {"ancestors": False}, "ccfe6dd36fafb48d"),
        ("eicu", {"window_hours": 12, "visit_hours": 5, "min_count": 2}, "5f6214714780c743"),
        ("eicu", {"window_hours": 48, "visit_hours": 7}, "64b9c4b6a5f603a6"),
        ("eicu", {"folds": 5, "fold": 3, "seed": 4}, "53cc64d96987b1bd"),
        ("eicu", {"window_hours": 1, "min_count": 1}, "13d6605cf9cc4388"),
        ("mimic3", {"min_count": 2}, "6cb6b65223e6aae4"),
        ("mimic3", {"min_count": 1, "horizon_days": 30}, "411124a666bd9beb"),
        (
            "mimic3",
            {"min_count": 2, "folds": 3, "fold": 1, "seed": 7, "horizon_days": 1000},
            "e3d9562f84fd0001",
        ),
    ],
)
def test_visits_labels_and_splits_have_the_bits_of_the_loaders_before_meds(
    name, options, expected, real_data_dir
):
    """The hashes are of the loaders that grouped the events of whole tables, without MEDS."""
    data = load_data(name, real_data_dir, **options)
    arrays = [
        array
        for part in data.splits.values()
        for array in (part.x.codes, part.x.code_offsets, part.x.visit_offsets, part.y, part.groups)
    ]
    text = "".join(map(bits, arrays))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == expected

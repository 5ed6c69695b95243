"""Fuzz targets: tables of clinical records, COVID-19 cases and rain."""

from __future__ import annotations

import datetime
import gzip
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
from cohorts import read_cohort
from fuzzing import Target, UnreadableError, register
from mutations import Files
from reading import (
    MISSING,
    check_categories,
    columns,
    csv_file,
    encode,
    lines,
    moment,
    number,
    table,
    whole,
)  # fmt: skip

from kerasnets.data import Dataset, load_data
from kerasnets.data.tables.simulate import simulate_cases

_ICD9 = re.compile(r"\d{3}\.?\d{0,2}|V\d\d\.?\d{0,2}|E\d{3}\.?\d?", re.ASCII)

# eICU and MIMIC-III: the cohort as lists of visits, each a sorted list of codes.


def eicu_files() -> Files:
    """Stays of 12 patients; some cells are quoted."""
    rng = random.Random(0)  # noqa: S311
    names = ["renal|disorder|acute", "renal|disorder", "cardiac|shock", '"burns, trauma|skin"']
    stays = [
        [100 + n, f"p{n // 2}", rng.choice(["Alive", "Expired"]), rng.randrange(200, 9000), "", "F"]
        for n in range(24)
    ]
    for patient in range(6):  # enough of both classes for a split
        stays[2 * patient][2], stays[2 * patient + 1][2] = "Alive", "Alive"
        stays[12 + 2 * patient][2] = "Expired"
    diagnoses = [
        [n, rng.randrange(100, 124), rng.randrange(-60, 1600), rng.choice(names)] for n in range(60)
    ]
    treatments = [[n, rng.randrange(100, 124), rng.randrange(0, 1500), rng.choice(names)]
                  for n in range(25)]  # fmt: skip
    header = ["patientunitstayid", "uniquepid", "hospitaldischargestatus", "unitdischargeoffset",
              "unitvisitnumber", "gender"]  # fmt: skip
    events = ["id", "patientunitstayid", "{}offset", "{}string"]
    return {
        "patient.csv": csv_file(header, stays),
        "diagnosis.csv.gz": gzip.compress(
            csv_file([name.format("diagnosis") for name in events], diagnoses), mtime=0
        ),
        "treatment.csv": csv_file([name.format("treatment") for name in events], treatments),
    }


def load_cohort(name: str, tables: tuple[str, ...]) -> Any:
    """A function that loads a cohort and makes a data set of it."""

    def load(folder: Path) -> Any:
        load_data(name, data_dir=folder, min_count=1)  # the whole way, with its own errors
        files = {path.name.partition(".")[0]: path for path in folder.iterdir()}
        return read_cohort(name, {table: files[table] for table in tables})

    return load


def sole(files: Files, name: str) -> bytes:
    """The content of a table, plain or packed."""
    found = [content for path, content in files.items() if path.startswith(f"{name}.")]
    if len(found) != 1:
        raise UnreadableError(f"the table {name} is missing")
    return found[0]


def eicu_read(files: Files, _: Any) -> dict[str, Any]:
    """Read the stays of eICU."""
    ids, persons, outcomes, ends = columns(
        sole(files, "patient"), "patientunitstayid", "uniquepid", "hospitaldischargestatus",
        "unitdischargeoffset",
    )  # fmt: skip
    stays = [whole(cell) for cell in ids]
    if len(set(stays)) < len(stays) or not all(person.strip() for person in persons):
        raise UnreadableError("a stay occurs twice or has no patient")
    visits: dict[int, dict[int, set[str]]] = {}
    died: dict[int, bool] = {}
    for stay, outcome, end in zip(stays, outcomes, ends, strict=True):
        word = outcome.strip().lower()
        if word not in ("alive", "expired") and outcome != "":
            raise UnreadableError(f"{outcome!r} is not an outcome")
        if outcome and whole(end) >= 0:
            visits[stay], died[stay] = {}, word == "expired"
    for name in ("diagnosis", "treatment"):
        events = columns(sole(files, name), "patientunitstayid", f"{name}offset", f"{name}string")
        for cell, offset, path in zip(*events, strict=True):
            stay, minute = whole(cell), whole(offset)
            if stay in visits and path and minute < 24 * 60:
                parts = [name, *path.split("|")]
                visit = visits[stay].setdefault(minute // 60, set())
                visit.update("|".join(parts[:end]) for end in range(2, len(parts) + 1))
    order = sorted(set(persons))
    kept = sorted((n for n, stay in enumerate(stays) if stay in visits), key=stays.__getitem__)
    return {
        "visits": [
            [sorted(visits[stays[n]][hour]) for hour in sorted(visits[stays[n]])] or [[]]
            for n in kept
        ],
        "died": [died[stays[n]] for n in kept],
        "patients": [order.index(persons[n]) for n in kept],
    }


def mimic3_files() -> Files:
    """Admissions of 16 patients, half of whom die within a year."""
    rng = random.Random(1)  # noqa: S311
    start = datetime.datetime(2100, 1, 1, 8)
    patients, admissions, diagnoses = [], [], []
    for patient in range(16):
        death = start + datetime.timedelta(200) if patient % 2 else ""
        patients.append([patient, 10 + patient, '"F"', death and f"{death:%Y-%m-%d} 00:00:00"])
        for visit in range(rng.randrange(1, 4)):
            admitted = start + datetime.timedelta(visit * 30, rng.randrange(90_000))
            left = admitted + datetime.timedelta(rng.randrange(1, 5))
            number_ = 1000 + len(admissions)
            dead = int(bool(patient % 8 == 7 and visit == 2))
            admissions.append([patient, 10 + patient, number_, admitted, left, dead])
            for _ in range(rng.randrange(4)):
                code = rng.choice(["4019", "42731", "V1582", "E8497", "250", '"5849"'])
                diagnoses.append([len(diagnoses), 10 + patient, number_, code])
    return {
        "PATIENTS.csv.gz": gzip.compress(
            csv_file(["ROW_ID", "SUBJECT_ID", "GENDER", "DOD"], patients), mtime=0
        ),
        "ADMISSIONS.csv": csv_file(
            ["row_id", "subject_id", "hadm_id", "admittime", "dischtime", "hospital_expire_flag"],
            admissions,
        ),
        "DIAGNOSES_ICD.csv": csv_file(["row_id", "subject_id", "hadm_id", "icd9_code"], diagnoses),
    }


def mimic3_read(files: Files, _: Any) -> dict[str, Any]:
    """Read the patients of MIMIC-III."""
    subjects, dates = columns(sole(files, "PATIENTS"), "subject_id", "dod")
    patients = [whole(cell) for cell in subjects]
    deaths = dict(zip(patients, [cell and moment(cell) for cell in dates], strict=True))
    if len(deaths) < len(patients):
        raise UnreadableError("a patient occurs twice")
    stays, codes = mimic3_stays(files), mimic3_codes(files)
    visits, died, chosen = [], [], []
    for number_, patient in enumerate(sorted(deaths)):
        survived: dict[tuple[datetime.datetime, int], set[str]] = {}
        for hadm, (subject, admitted, left, flag) in stays.items():
            if subject == patient and left >= admitted and not flag:
                survived[left, hadm] = codes.get(hadm, set())
        if not survived:
            continue
        midnight = max(survived)[0].replace(hour=0, minute=0, second=0)
        predicted, end = midnight + datetime.timedelta(1), deaths[patient]
        if end and end < predicted:
            continue
        visits.append([sorted(survived[admission]) for admission in sorted(survived)])
        died.append(bool(end) and (end - predicted) < datetime.timedelta(365))
        chosen.append(number_)
    return {"visits": visits, "died": died, "patients": chosen}


def mimic3_stays(files: Files) -> dict[int, tuple[Any, ...]]:
    """Patient, times and flag of each admission."""
    names = ("subject_id", "hadm_id", "admittime", "dischtime", "hospital_expire_flag")
    stays = {}
    cells = columns(sole(files, "ADMISSIONS"), *names)
    for subject, hadm, admitted, left, flag in zip(*cells, strict=True):
        if whole(hadm) in stays or whole(flag) not in (0, 1):
            raise UnreadableError("an admission occurs twice or its flag is not 0 or 1")
        stays[whole(hadm)] = (whole(subject), moment(admitted), moment(left), whole(flag))
    return stays


def mimic3_codes(files: Files) -> dict[int, set[str]]:
    """The groups of the ICD-9 codes of each admission."""
    codes: dict[int, set[str]] = {}
    cells = columns(sole(files, "DIAGNOSES_ICD"), "hadm_id", "icd9_code")
    for hadm, code in zip(*cells, strict=True):
        name = code.strip().upper()
        if code and not _ICD9.fullmatch(name):
            raise UnreadableError(f"{code!r} is not a code")
        group = f"ICD9CM//{name[: 4 if name.startswith('E') else 3]}"
        codes.setdefault(whole(hadm), set()).update({group} if code else ())
    return codes


# COVID-19 cases, rain and own tables: rows of numbers with labels.


def covid_files() -> Files:
    """Simulated cases; the outcome is not the last column."""
    cells = simulate_cases(160, seed=0)
    cells = cells[[*cells.columns[:10], "death_yn", "medcond_yn"]]
    cells.loc[::9, "death_yn"] = "Yes"
    rows = [[f'"{cell}"' if "," in cell else cell for cell in row] for row in cells.to_numpy()]
    return {"covid.csv": csv_file(list(cells.columns), rows)}


def rows_of(data: Dataset) -> list[Any]:
    """The rows of all splits with their labels, sorted."""
    return sorted(
        (*row.tolist(), data.class_names[label])
        for part in data.splits.values()
        for row, label in zip(part.x, part.y, strict=True)
    )


def covid_load(folder: Path) -> dict[str, Any]:
    """Load the cases."""
    data = load_data("covid", data_dir=folder / "covid.csv")
    return {"rows": rows_of(data), "codebook": [dict(column) for column in data.codebook]}


def covid_read(files: Files, loaded: dict[str, Any]) -> dict[str, Any]:
    """Read the cases."""
    header, rows = table(files["covid.csv"])
    names = [name for name in header if name not in ("", "death_yn", "Unnamed: 0")][:11]
    rows = [dict(zip(header, row, strict=True)) for row in rows]
    found = []
    for column in loaded["codebook"]:
        check_categories([row[column["name"]] for row in rows], column)
    for row in rows:
        outcome = row["death_yn"].strip().lower()
        if outcome not in MISSING:
            if outcome not in ("yes", "no"):
                raise UnreadableError(f"{outcome!r} is not an outcome")
            cells = [encode(row[name], column)
                     for name, column in zip(names, loaded["codebook"], strict=True)]  # fmt: skip
            found.append((*cells, "died" if outcome == "yes" else "survived"))
    return {"rows": sorted(found), "codebook": loaded["codebook"]}


def rain_files() -> Files:
    """30 rows of 14 numbers, and their labels."""
    rng = np.random.default_rng(0)
    x = [" ".join(f"{value:.6e}" for value in row) for row in rng.normal(0, 99, (30, 14))]
    y = [f"{label:.3e}" for label in np.arange(30) % 2]
    return {
        "X_train.txt": "\n".join([*x, ""]).encode(),
        "Y_train.txt": "\n".join([*y, ""]).encode(),
    }


def rain_load(folder: Path) -> list[Any]:
    """Load the rows."""
    return rows_of(load_data("rain", data_dir=folder))


def rain_read(files: Files, _: Any) -> list[Any]:
    """Read the rows."""
    x, y = (
        [[float(np.float32(number(cell))) for cell in re.split("[ \t]+", line.strip(" \t"))]
         for line in lines(files[name]) if line.strip(" \t")]
        for name in ("X_train.txt", "Y_train.txt")
    )  # fmt: skip
    if len(x) != len(y) or any(len(row) != 14 for row in x) or any(len(row) != 1 for row in y):
        raise UnreadableError("rows differ in length")
    if any(row[0] not in (0, 1) for row in y):
        raise UnreadableError("a label is not 0 or 1")
    return sorted((*a, ("no rain", "rain")[int(b[0])]) for a, b in zip(x, y, strict=True))


for target in (
    Target(
        "eicu",
        eicu_files,
        load_cohort("eicu", ("patient", "diagnosis", "treatment")),
        eicu_read,
    ),
    Target(
        "mimic3",
        mimic3_files,
        load_cohort("mimic3", ("ADMISSIONS", "DIAGNOSES_ICD", "PATIENTS")),
        mimic3_read,
    ),
    Target("covid", covid_files, covid_load, covid_read),
    Target("rain", rain_files, rain_load, rain_read),
):
    register(target)

"""Small tables of eICU and MIMIC-III, written by hand, and files of them."""

from __future__ import annotations

import gzip
import itertools

import numpy as np
import pandas as pd

STAYS = pd.DataFrame(
    {
        "patientunitstayid": [1, 2, 3, 4],
        "uniquepid": ["p", "p", "q", "r"],
        "hospitaldischargestatus": ["Alive", "Expired", "Alive", None],
        "unitdischargeoffset": [500, 300, 9000, 10],
    }
)
DIAGNOSIS = pd.DataFrame(
    {
        "patientunitstayid": [1, 1, 2, 2, 9, 4, 1],
        "diagnosisoffset": [-30, 61, 1439, 1440, 5, 5, 62],
        "diagnosisstring": ["x", "y", "x", "late", "stranger", "left out", None],
    }
)
TREATMENT = pd.DataFrame(
    {"patientunitstayid": [1], "treatmentoffset": [119], "treatmentstring": ["x"]}
)
PATIENTS = pd.DataFrame(
    {
        "subject_id": [10, 11, 12, 13, 14],
        "dod": ["2101-03-01 00:00:00", "2100-06-01 00:00:00", None, "2100-02-02 00:00:00", None],
    }
)
ADMISSIONS = pd.DataFrame(
    {
        "subject_id": [10, 10, 11, 12, 13, 14, 99],
        "hadm_id": [1, 2, 3, 4, 5, 6, 7],
        "admittime": ["2100-05-01 10:00:00", "2100-01-01 10:00:00", "2100-05-28 00:00:00",
                      "2100-01-01 00:00:00", "2100-02-01 00:00:00", "2100-01-02 00:00:00",
                      "2100-01-01 00:00:00"],
        "dischtime": ["2100-05-09 12:00:00", "2100-01-05 12:00:00", "2100-06-01 09:00:00",
                      "2100-01-03 00:00:00", "2100-02-02 09:00:00", "2100-01-01 00:00:00",
                      "2100-01-03 00:00:00"],
        "hospital_expire_flag": [0, 0, 1, 0, 0, 0, 0],
    }
)  # fmt: skip
DIAGNOSES = pd.DataFrame(
    {
        "hadm_id": [1, 1, 2, 3, 4, 4, 77, 5],
        "icd9_code": ["42731", "42732", "E8497", "4019", "V1582", None, "0010", "0010"],
    }
)


def write(folder, tables, *, upper=False, compress=False):
    """Write the tables as CSV files below ``folder``; return the path of each."""
    files = {}
    for name, frame in tables.items():
        frame = frame.rename(columns=str.upper) if upper else frame
        path = folder / f"{name}.csv{'.gz' if compress else ''}"
        content = frame.to_csv(index=False).encode()
        path.write_bytes(gzip.compress(content) if compress else content)
        files[name] = path
    return files


def eicu_tables(**changed):
    return {"patient": STAYS, "diagnosis": DIAGNOSIS, "treatment": TREATMENT, **changed}


def mimic3_tables(**changed):
    tables = {"ADMISSIONS": ADMISSIONS, "DIAGNOSES_ICD": DIAGNOSES, "PATIENTS": PATIENTS}
    return {**tables, **changed}


def visits_of(cohort):
    sequences = cohort.sequences
    codes = np.split(sequences.codes, sequences.code_offsets[1:-1])
    named = [[sequences.names[code] for code in visit] for visit in codes]
    starts = sequences.visit_offsets
    return [named[first:end] for first, end in itertools.pairwise(starts)]

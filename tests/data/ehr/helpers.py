"""Small tables of eICU and MIMIC-III, written by hand, and files of them."""

from __future__ import annotations

import gzip
import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd

from kerasnets._files import read_json
from kerasnets.data.ehr import eicu, mimic3
from kerasnets.data.ehr.code_table import Ancestry
from kerasnets.data.ehr.converted import converted
from kerasnets.data.ehr.event_blocks import ShardReader
from kerasnets.data.ehr.event_shards import map_file
from kerasnets.data.ehr.frames import open_engine
from kerasnets.data.ehr.meds_files import find_meds
from kerasnets.data.ehr.meds_labels import Labels
from kerasnets.data.ehr.meds_splits import Persons

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


def read_eicu(files, window_hours=24, visit_hours=1, ancestors=False):
    """The cohort of eICU tables; see :func:`read_cohort`."""
    return read_cohort("eicu", files, window_hours, eicu.event_rules(visit_hours, ancestors))


def read_mimic3(files, horizon_days=365):
    """The cohort of MIMIC-III tables; see :func:`read_cohort`."""
    return read_cohort("mimic3", files, horizon_days, mimic3.RULES)


def read_cohort(name, files, option, rules):
    """Convert tables and read all examples, unsplit: visits as lists of names, labels, persons."""
    with converted(name, files, option) as folder, open_engine("polars") as frames:
        found = find_meds(folder, "labels")
        labels, ancestry = Labels(found.labels), Ancestry.read(found.codes)
        reader = ShardReader(frames, labels, rules, ancestry, {})
        shards = [map_file(reader, path) for path in found.shards]
        subjects = np.concatenate([shard.examples.subject for shard in shards])
        return SimpleNamespace(
            visits=[visits for shard in shards for visits in as_lists(shard)],
            died=np.concatenate([shard.examples.y for shard in shards]) == 1,
            patients=Persons(found.persons).of(subjects),
            counts=read_json(folder / "metadata" / "counts.json"),
        )


def as_lists(shard):
    """For each example of a shard a list of visits, each a list of names."""
    codes = iter(shard.visits.codes)
    counts = iter(shard.visits.codes_per_visit)
    return [
        [
            [shard.names[code] for code in itertools.islice(codes, count)]
            for count in itertools.islice(counts, length)
        ]
        for length in shard.visits.lengths
    ]

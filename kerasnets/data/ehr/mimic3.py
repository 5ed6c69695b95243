"""Loads MIMIC-III patients: ICD-9 codes of each admission, death within a horizon."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kerasnets.data.catalogue import register
from kerasnets.data.dataset import Dataset
from kerasnets.data.ehr.cohort import SPLITS, Cohort, make_dataset
from kerasnets.data.ehr.records import (
    dates,
    find_tables,
    flags,
    read_records,
    refuse_cells,
    refuse_duplicates,
    whole_numbers,
)
from kerasnets.data.ehr.visits import NO_CODE, group_events
from kerasnets.data.options import whole_number
from kerasnets.data.tables.cells import name_file

if TYPE_CHECKING:
    import pandas as pd

_TABLES = ("ADMISSIONS", "DIAGNOSES_ICD", "PATIENTS")
_ORIGIN = "it from PhysioNet (the MIMIC-III demo is open to everyone)"
_FOLDERS = (".", "mimic3", "mimic3demo")
# ICD-9: a number, or V or E and a number; the dot after the first part may be left out.
_ICD9 = r"\s*([0-9]{3}\.?[0-9]{0,2}|[Vv][0-9]{2}\.?[0-9]{0,2}|[Ee][0-9]{3}\.?[0-9]?)\s*"


@register("mimic3", splits=SPLITS)
def load_mimic3(
    *,
    data_dir: str | Path | None,
    split: str,
    seed: int,
    horizon_days: int = 365,
    min_count: int = 5,
    folds: int = 0,
    fold: int = 0,
) -> Dataset:
    """Patients as sequences of admissions with their ICD-9 codes; died within a year or not.

    Each patient is an example and each admission a visit. The prediction is made at the midnight
    after the last discharge alive; the label is death within the horizon from then on. ICD-9 codes
    are assigned at discharge, so the codes of an admission that ended in death, or later than the
    prediction, are not used. Patients who never left alive, or were dead by that midnight, are left
    out and counted.

    Args:
        data_dir: a folder with the tables ADMISSIONS, DIAGNOSES_ICD and PATIENTS, or with a
            subfolder ``mimic3`` or ``mimic3demo`` that contains them.
        split: ``"patient"``.
        seed: seed of the split.
        horizon_days: days after the prediction within which a death counts.
        min_count: see :func:`kerasnets.data.ehr.cohort.make_dataset`, also for the other options.
        folds: number of folds of a cross-validation, or 0.
        fold: number of the test fold.

    Raises:
        ValueError: if an option is out of range or a table is invalid.
        FileNotFoundError: if a table is missing.
    """
    del split  # the only one is by patient
    whole_number("horizon_days", horizon_days, 1)
    files = find_tables("mimic3", _TABLES, _FOLDERS, data_dir, _ORIGIN)
    cohort = read_cohort(files, horizon_days)
    source = f"{files['PATIENTS'].parent}, death within {horizon_days} days after discharge"
    with name_file(files["PATIENTS"].parent):
        return make_dataset(
            "mimic3", cohort, seed=seed, folds=folds, fold=fold, min_count=min_count, source=source
        )


def read_cohort(files: dict[str, Path], horizon_days: int = 365) -> Cohort:
    """Read the patients with the codes of the admissions they left alive.

    Raises:
        DataError: if a column is missing, an id occurs twice, or a cell is invalid.
    """
    import pandas as pd

    patients, death = _read_patients(files["PATIENTS"])
    admissions, counts = _read_admissions(files["ADMISSIONS"], patients)
    counts = {"patients": len(patients), **counts}
    survived = admissions[admissions["alive"]]
    predicted = survived.groupby("patient")["discharge"].max().dt.normalize()
    predicted += pd.Timedelta(days=1)
    # Deaths have a date without a time, so one on the day of discharge is before the prediction.
    days = (death[predicted.index.to_numpy()] - predicted.to_numpy()) / np.timedelta64(1, "D")
    in_time = ~(days < 0)
    chosen = predicted.index.to_numpy()[in_time]
    counts["patients who never left alive, left out"] = len(patients) - len(predicted)
    counts["patients dead by the prediction, left out"] = int((~in_time).sum())

    subject = pd.Index(chosen).get_indexer(pd.Index(survived["patient"]))
    visits = survived.assign(subject=subject)[subject >= 0]
    admission, code, names = _read_codes(files["DIAGNOSES_ICD"], visits, admissions, counts)
    # Every admission is a visit, even one without codes.
    rows = np.concatenate([np.arange(len(visits)), admission])
    sequences = group_events(
        visits["subject"].to_numpy()[rows],
        visits["discharge"].to_numpy().astype("datetime64[s]").astype(np.int64)[rows],
        np.concatenate([np.full(len(visits), NO_CODE), code]),
        subjects=len(chosen),
        names=names,
    )
    died = days[in_time] < horizon_days  # False for NaN: no death on record
    return Cohort(sequences, died, chosen.astype(np.int64), counts)


def group_icd9(codes: pd.Series[str]) -> pd.Series[str]:
    """ICD-9 codes by their first three characters, E codes by their first four."""
    codes = codes.str.strip().str.upper()
    return codes.str[:3].where(~codes.str.startswith("E"), codes.str[:4])


def _read_patients(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Ascending subject ids and the date of death of each, NaT if none is on record."""
    frame = read_records(path, ("subject_id", "dod"), ("subject_id",))
    subject = whole_numbers(frame, "subject_id", path)
    refuse_duplicates(subject, frame, "subject_id", path)
    order = np.argsort(subject)
    return subject[order], dates(frame, "dod", path, required=False).to_numpy()[order]


def _read_admissions(path: Path, patients: np.ndarray) -> tuple[pd.DataFrame, dict[str, int]]:
    """Valid admissions with the number of their patient, and counts."""
    import pandas as pd

    numbers = ("subject_id", "hadm_id", "hospital_expire_flag")
    frame = read_records(path, (*numbers, "admittime", "dischtime"), numbers)
    hadm = whole_numbers(frame, "hadm_id", path)
    refuse_duplicates(hadm, frame, "hadm_id", path)
    patient = pd.Index(patients).get_indexer(pd.Index(whole_numbers(frame, "subject_id", path)))
    discharge = dates(frame, "dischtime", path)
    table = pd.DataFrame(
        {
            "hadm": hadm,
            "patient": patient,
            "discharge": discharge,
            "alive": ~flags(frame, "hospital_expire_flag", path),
        }
    )
    unknown = patient < 0
    backwards = (discharge < dates(frame, "admittime", path)).to_numpy() & ~unknown
    kept = table[~unknown & ~backwards]
    counts = {
        "admissions": len(table),
        "admissions of unknown patients, left out": int(unknown.sum()),
        "admissions with discharge before admission, left out": int(backwards.sum()),
        "admissions that ended in death, left out": int((~kept["alive"]).sum()),
    }
    return kept, counts


def _read_codes(
    path: Path, visits: pd.DataFrame, admissions: pd.DataFrame, counts: dict[str, int]
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Row in ``visits`` and code of each diagnosis that is used, and the names of the codes."""
    import pandas as pd

    frame = read_records(path, ("hadm_id", "icd9_code"), ("hadm_id",))
    hadm = pd.Index(whole_numbers(frame, "hadm_id", path))
    empty = frame["icd9_code"].isna().to_numpy()
    unknown = ~hadm.isin(admissions["hadm"])
    row = pd.Index(visits["hadm"]).get_indexer(hadm)
    used = (row >= 0) & ~empty
    counts["diagnoses"] = len(frame)
    counts["diagnoses without a code, left out"] = int(empty.sum())
    counts["diagnoses of unknown or left-out admissions, left out"] = int((unknown & ~empty).sum())
    counts["diagnoses of admissions that are no visits, left out"] = int(
        (~unknown & ~empty & ~used).sum()
    )
    counts["diagnoses used"] = int(used.sum())
    # Check and group each distinct code once, not each diagnosis.
    written, texts = pd.factorize(frame["icd9_code"])
    valid = pd.Series(texts, dtype=str).str.fullmatch(_ICD9).to_numpy(bool)
    wrong = ~np.append(valid, True)[written]  # -1 for an empty cell
    refuse_cells(wrong, frame, "icd9_code", path, "an ICD-9 code such as 4019, V1582 or E8497")
    raw, distinct = pd.factorize(frame["icd9_code"][used])
    group, names = pd.factorize(group_icd9(pd.Series(distinct, dtype=str)), sort=True)
    return row[used], group[raw], list(names)

"""Patients of MIMIC-III: ICD-9 codes of each admission, death within a horizon after the last."""

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
    read_records,
    refuse_duplicates,
    whole_numbers,
)
from kerasnets.data.ehr.visits import NO_CODE, group_events

if TYPE_CHECKING:
    import pandas as pd

_TABLES = ("ADMISSIONS", "DIAGNOSES_ICD", "PATIENTS")
_ORIGIN = "it from PhysioNet (the MIMIC-III demo is open to everyone)"
_FOLDERS = (".", "mimic3", "mimic3demo")


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

    A patient is an example, an admission a visit. The prediction is made at the midnight after
    the last discharge alive; the label is death within the horizon from then on. ICD-9 codes are
    given at discharge, so an admission that ended in death, or later than the prediction,
    contributes none. Patients who never left alive, or were dead by that midnight, are left out
    and counted.

    Args:
        data_dir: a folder with the tables ADMISSIONS, DIAGNOSES_ICD and PATIENTS, or with a
            folder ``mimic3`` or ``mimic3demo`` that has them.
        split: ``"patient"``.
        seed: the seed of the split.
        horizon_days: days after the prediction within which a death counts.
        min_count: as in :func:`kerasnets.data.ehr.cohort.make_dataset`, and so are ``folds`` and
            ``fold``.
        folds: parts of a cross-validation.
        fold: the part to test on.

    Raises:
        ValueError: if the tables hold what they should not.
        FileNotFoundError: if one is missing.
    """
    del split  # by patient is the only one
    if not isinstance(horizon_days, int) or horizon_days < 1:
        raise ValueError(f"horizon_days must be a whole number of 1 or more, got {horizon_days!r}.")
    files = find_tables("mimic3", _TABLES, _FOLDERS, data_dir, _ORIGIN)
    cohort = read_cohort(files, horizon_days)
    source = f"{files['PATIENTS'].parent}, death within {horizon_days} days after discharge"
    return make_dataset(
        "mimic3", cohort, seed=seed, folds=folds, fold=fold, min_count=min_count, source=source
    )


def read_cohort(files: dict[str, Path], horizon_days: int = 365) -> Cohort:
    """Read the patients with the codes of the admissions they left alive.

    Raises:
        DataError: on a missing column, an id that is there twice, or a cell that is not what it
            should be.
    """
    import pandas as pd

    patients, death = _read_patients(files["PATIENTS"])
    admissions, counts = _read_admissions(files["ADMISSIONS"], patients)
    counts = {"patients": len(patients), **counts}
    survived = admissions[admissions["alive"]]
    predicted = survived.groupby("patient")["discharge"].max().dt.normalize()
    predicted += pd.Timedelta(days=1)
    # Deaths are dated by the day, so one on the day of discharge lies before the prediction.
    days = (death[predicted.index.to_numpy()] - predicted.to_numpy()) / np.timedelta64(1, "D")
    in_time = ~(days < 0)
    chosen = predicted.index.to_numpy()[in_time]
    counts["patients who never left alive, left out"] = len(patients) - len(predicted)
    counts["patients dead by the prediction, left out"] = int((~in_time).sum())

    subject = pd.Index(chosen).get_indexer(pd.Index(survived["patient"]))
    visits = survived.assign(subject=subject)[subject >= 0]
    admission, code, names = _read_codes(files["DIAGNOSES_ICD"], visits, admissions, counts)
    # Every admission is a visit, whether or not something was coded.
    rows = np.concatenate([np.arange(len(visits)), admission])
    sequences = group_events(
        visits["subject"].to_numpy()[rows],
        visits["discharge"].to_numpy().astype("datetime64[s]").astype(np.int64)[rows],
        np.concatenate([np.full(len(visits), NO_CODE), code]),
        subjects=len(chosen),
        names=names,
    )
    died = days[in_time] < horizon_days  # NaN, no death on record, is not
    return Cohort(sequences, died, chosen.astype(np.int64), counts)


def group_icd9(codes: pd.Series[str]) -> pd.Series[str]:
    """ICD-9 codes by their first three characters, E codes by their first four."""
    codes = codes.str.strip().str.upper()
    return codes.str[:3].where(~codes.str.startswith("E"), codes.str[:4])


def _read_patients(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Subject ids, ascending, and the day of each one's death, NaT where none is on record."""
    frame = read_records(path, ("subject_id", "dod"))
    subject = whole_numbers(frame, "subject_id", path)
    refuse_duplicates(subject, "subject_id", path)
    order = np.argsort(subject)
    return subject[order], dates(frame, "dod", path, required=False).to_numpy()[order]


def _read_admissions(path: Path, patients: np.ndarray) -> tuple[pd.DataFrame, dict[str, int]]:
    """Admissions that make sense, with the number of their patient; and counts."""
    import pandas as pd

    frame = read_records(
        path, ("subject_id", "hadm_id", "admittime", "dischtime", "hospital_expire_flag")
    )
    hadm = whole_numbers(frame, "hadm_id", path)
    refuse_duplicates(hadm, "hadm_id", path)
    patient = pd.Index(patients).get_indexer(pd.Index(whole_numbers(frame, "subject_id", path)))
    discharge = dates(frame, "dischtime", path)
    table = pd.DataFrame(
        {
            "hadm": hadm,
            "patient": patient,
            "discharge": discharge,
            "alive": whole_numbers(frame, "hospital_expire_flag", path) == 0,
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
    """The row in ``visits`` and the code of each diagnosis that is used, and the codes' names."""
    import pandas as pd

    frame = read_records(path, ("hadm_id", "icd9_code"))
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
    # Grouped once for each distinct code, not for each of the many diagnoses.
    raw, distinct = pd.factorize(frame["icd9_code"][used])
    group, names = pd.factorize(group_icd9(pd.Series(distinct, dtype=str)), sort=True)
    return row[used], group[raw], list(names)

"""Loads MIMIC-III patients: ICD-9 codes of each admission, death within a horizon."""

from __future__ import annotations

from pathlib import Path

from kerasnets.data.catalogue import register
from kerasnets.data.dataset import Dataset
from kerasnets.data.ehr.cohort import SPLITS, Cohort, make_dataset
from kerasnets.data.ehr.meds_cohort import read_meds_cohort
from kerasnets.data.ehr.mimic3_meds import CODES, DISCHARGE, task_name
from kerasnets.data.ehr.to_meds import CONVERTERS, converted
from kerasnets.data.options import whole_number
from kerasnets.data.tables.cells import name_file

# The groups of ICD-9: three characters, or E and three digits.
_GROUPS = (f"{CODES}???", f"{CODES}E???")


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
    files = CONVERTERS["mimic3"].find("mimic3", data_dir)
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
    with converted("mimic3", files, horizon_days) as folder:
        return read_meds_cohort(
            folder,
            task_name(horizon_days),
            events=[DISCHARGE, f"{CODES}*"],
            codes=_GROUPS,
            rename=lambda code: code.removeprefix(CODES),
        )

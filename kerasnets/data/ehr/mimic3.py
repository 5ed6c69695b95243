"""Loads MIMIC-III patients: ICD-9 codes of each admission, death within a horizon."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kerasnets.data.catalogue import register
from kerasnets.data.dataset import Dataset
from kerasnets.data.ehr.cohort import SPLITS
from kerasnets.data.ehr.converted import load_converted
from kerasnets.data.ehr.event_rules import EventRules
from kerasnets.data.ehr.mimic3_meds import ADMISSION, DEATH, DISCHARGE, ENCOUNTER
from kerasnets.data.ehr.to_meds import CONVERTERS
from kerasnets.data.options import whole_number

RULES = EventRules(
    visits="encounter",
    encounter=ENCOUNTER,
    ancestors="top",
    exclude=(ADMISSION, DEATH),
    without_code=(DISCHARGE,),  # an admission without codes is a visit too
)


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
    vocabulary: Sequence[str] = (),
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
        vocabulary: names of the codes, such as those of a run, instead of those that occur often
            enough.

    Raises:
        ValueError: if an option is out of range or a table is invalid.
        FileNotFoundError: if a table is missing.
    """
    del split  # the only one is by patient
    whole_number("horizon_days", horizon_days, 1)
    files = CONVERTERS["mimic3"].find("mimic3", data_dir)
    source = f"{files['PATIENTS'].parent}, death within {horizon_days} days after discharge"
    return load_converted(
        "mimic3",
        files,
        horizon_days,
        RULES,
        seed=seed,
        folds=folds,
        fold=fold,
        min_count=min_count,
        vocabulary=vocabulary,
        source=source,
    )

"""Loads eICU stays: diagnoses and treatments of the first day, death in hospital."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kerasnets.data.catalogue import register
from kerasnets.data.dataset import Dataset
from kerasnets.data.ehr.cohort import SPLITS, Cohort, make_dataset
from kerasnets.data.ehr.eicu_meds import TABLES, TASK
from kerasnets.data.ehr.meds_cohort import read_meds_cohort
from kerasnets.data.ehr.to_meds import CONVERTERS, converted
from kerasnets.data.options import whole_number
from kerasnets.data.tables.cells import name_file


@register("eicu", splits=SPLITS)
def load_eicu(
    *,
    data_dir: str | Path | None,
    split: str,
    seed: int,
    window_hours: int = 24,
    visit_hours: int = 1,
    ancestors: bool = True,
    min_count: int = 5,
    folds: int = 0,
    fold: int = 0,
) -> Dataset:
    """ICU stays: diagnoses and treatments of the first 24 hours; died in hospital or not.

    Each stay is an example and each patient a group. A visit is an hour of the stay in which
    something was recorded, including hours before the admission to the unit. A stay without any
    event in the window is one empty visit. Stays that ended within the window are included: at
    its start it is unknown who will leave or die.

    Args:
        data_dir: a folder with the tables patient, diagnosis and treatment, or with a subfolder
            ``eicu`` or ``eicudemo`` that contains them.
        split: ``"patient"``.
        seed: seed of the split.
        window_hours: hours after admission at which the prediction is made; events at that time
            or later are not used.
        visit_hours: hours per visit.
        ancestors: whether a code such as ``renal|disorder of kidney|acute renal failure`` also
            counts as ``renal|disorder of kidney`` and ``renal``, so that the net can learn
            about a rare code from its group.
        min_count: see :func:`kerasnets.data.ehr.cohort.make_dataset`, also for the other options.
        folds: number of folds of a cross-validation, or 0.
        fold: number of the test fold.

    Raises:
        ValueError: if an option is out of range or a table is invalid.
        FileNotFoundError: if a table is missing.
    """
    del split  # the only one is by patient
    for name, hours in (("window_hours", window_hours), ("visit_hours", visit_hours)):
        whole_number(name, hours, 1)
    files = CONVERTERS["eicu"].find("eicu", data_dir)
    cohort = read_cohort(files, window_hours, visit_hours, ancestors)
    source = (
        f"{files['patient'].parent}, events of the first {window_hours} hours, "
        f"{visit_hours} hours per visit"
    )
    with name_file(files["patient"].parent):
        return make_dataset(
            "eicu", cohort, seed=seed, folds=folds, fold=fold, min_count=min_count, source=source
        )


def read_cohort(
    files: dict[str, Path],
    window_hours: int = 24,
    visit_hours: int = 1,
    ancestors: bool = False,
) -> Cohort:
    """Read the stays with their events before the end of the window.

    Raises:
        DataError: if a column is missing, a stay occurs twice, or a cell or outcome is invalid.
    """
    with converted("eicu", files, window_hours) as folder:
        cohort = read_meds_cohort(
            folder,
            TASK,
            events=[f"{table}|*" for table in TABLES],
            visit_hours=visit_hours,
            ancestors=ancestors,
        )
    sequences = cohort.sequences
    first = sequences.visit_offsets[:-1]
    silent = (sequences.lengths == 1) & (sequences.codes_per_visit[first] == 0)
    what = "stays without an event in the window, one empty visit"
    return replace(cohort, counts={**cohort.counts, what: int(silent.sum())})

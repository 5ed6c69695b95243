"""Loads eICU stays: diagnoses and treatments of the first day, death in hospital."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kerasnets.data.catalogue import register
from kerasnets.data.dataset import Dataset
from kerasnets.data.ehr.cohort import SPLITS
from kerasnets.data.ehr.converted import load_converted
from kerasnets.data.ehr.eicu_meds import ADMISSION, DISCHARGE
from kerasnets.data.ehr.event_rules import EventRules
from kerasnets.data.ehr.to_meds import CONVERTERS
from kerasnets.data.options import whole_number


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
    vocabulary: Sequence[str] = (),
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
        vocabulary: names of the codes, such as those of a run, instead of those that occur often
            enough.

    Raises:
        ValueError: if an option is out of range or a table is invalid.
        FileNotFoundError: if a table is missing.
    """
    del split  # the only one is by patient
    for name, hours in (("window_hours", window_hours), ("visit_hours", visit_hours)):
        whole_number(name, hours, 1)
    files = CONVERTERS["eicu"].find("eicu", data_dir)
    source = (
        f"{files['patient'].parent}, events of the first {window_hours} hours, "
        f"{visit_hours} hours per visit"
    )
    return load_converted(
        "eicu",
        files,
        window_hours,
        event_rules(visit_hours, ancestors),
        seed=seed,
        folds=folds,
        fold=fold,
        min_count=min_count,
        vocabulary=vocabulary,
        source=source,
    )


def event_rules(visit_hours: int = 1, ancestors: bool = True) -> EventRules:
    """How the events become visits and codes; see :func:`load_eicu`."""
    return EventRules(
        visit_hours=visit_hours,
        ancestors="all" if ancestors else "none",
        exclude=(ADMISSION, DISCHARGE),
    )

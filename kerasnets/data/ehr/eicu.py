"""Loads eICU stays: diagnoses and treatments of the first day, death in hospital."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kerasnets.data.catalogue import register
from kerasnets.data.dataset import Dataset
from kerasnets.data.ehr.cohort import SPLITS, Cohort, make_dataset
from kerasnets.data.ehr.records import (
    find_tables,
    read_records,
    refuse_cells,
    refuse_duplicates,
    whole_numbers,
)
from kerasnets.data.ehr.visits import group_events
from kerasnets.data.options import whole_number
from kerasnets.data.tables.cells import name_file

_ORIGIN = "it from PhysioNet (the eICU demo is open to everyone)"
_FOLDERS = (".", "eicu", "eicudemo")
_EVENTS = {  # table: (minutes since admission to the unit, code)
    "diagnosis": ("diagnosisoffset", "diagnosisstring"),
    "treatment": ("treatmentoffset", "treatmentstring"),
}
_OUTCOMES = {"alive": False, "expired": True}


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
    files = find_tables("eicu", ("patient", *_EVENTS), _FOLDERS, data_dir, _ORIGIN)
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
    import pandas as pd

    stays, died, patients, counts = _read_stays(files["patient"])
    subjects, times, names = [], [], []
    for table, (offset, name) in _EVENTS.items():
        numbers = ("patientunitstayid", offset)
        frame = read_records(files[table], (*numbers, name), numbers)
        stay = whole_numbers(frame, "patientunitstayid", files[table])
        minute = whole_numbers(frame, offset, files[table])
        known = np.isin(stay, stays["all"])
        unnamed = frame[name].isna().to_numpy()
        counts[f"{table} rows"] = len(frame)
        counts[f"{table} rows of unknown stays, left out"] = int((~known).sum())
        counts[f"{table} rows without a name, left out"] = int((known & unnamed).sum())
        subject = pd.Index(stays["kept"]).get_indexer(pd.Index(stay))
        wanted = (subject >= 0) & ~unnamed
        used = wanted & (minute < 60 * window_hours)
        counts[f"{table} rows of left-out stays"] = int((known & ~unnamed & (subject < 0)).sum())
        counts[f"{table} rows after the window, left out"] = int((wanted & ~used).sum())
        counts[f"{table} rows used"] = int(used.sum())
        subjects.append(subject[used])
        times.append(minute[used] // (60 * visit_hours))
        names.append(f"{table}|" + frame[name][used])
    code, all_names = pd.factorize(pd.concat(names, ignore_index=True), sort=True)
    subject, time = np.concatenate(subjects), np.concatenate(times)
    rows, vocabulary = np.arange(len(code)), list(all_names)
    if ancestors:
        rows, code, vocabulary = _with_ancestors(code, vocabulary)
    sequences = group_events(subject[rows], time[rows], code, subjects=len(died), names=vocabulary)
    counts["stays without an event in the window, one empty visit"] = len(died) - len(
        np.unique(subject)
    )
    return Cohort(sequences, died, patients, counts)


def _with_ancestors(code: np.ndarray, names: list[str]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Repeat each event for its code and for each ancestor of the code.

    Returns:
        For each repeated event its original row and its code, and the names of all codes.
    """
    import pandas as pd

    paths = [name.split("|") for name in names]
    # The first part of a path is the table, which is not an ancestor.
    ancestors = [["|".join(path[:end]) for end in range(2, len(path) + 1)] for path in paths]
    vocabulary = sorted({name for group in ancestors for name in group} | set(names))
    index = pd.Series(ancestors).explode()  # old code → its new names
    codes = pd.Series(pd.Index(vocabulary).get_indexer(pd.Index(index)), index.index)
    events = pd.DataFrame({"code": code}).join(codes.rename("new"), on="code")
    return events.index.to_numpy(), events["new"].to_numpy(np.int64), vocabulary


def _read_stays(
    path: Path,
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray, dict[str, int]]:
    """Ids of all stays and of the kept stays; outcomes and patients of the kept stays; counts."""
    import pandas as pd

    columns = ("patientunitstayid", "uniquepid", "hospitaldischargestatus", "unitdischargeoffset")
    frame = read_records(path, columns, ("patientunitstayid", "unitdischargeoffset"))
    stay = whole_numbers(frame, "patientunitstayid", path)
    refuse_duplicates(stay, frame, "patientunitstayid", path)
    nobody = (frame["uniquepid"].str.strip().fillna("") == "").to_numpy(bool)
    refuse_cells(nobody, frame, "uniquepid", path, "the patient of the stay")
    status = frame["hospitaldischargestatus"].str.strip().str.lower()
    wrong = (~status.isna() & ~status.isin(_OUTCOMES)).to_numpy(bool)
    refuse_cells(wrong, frame, "hospitaldischargestatus", path, "Alive, Expired, or an empty cell")
    backwards = whole_numbers(frame, "unitdischargeoffset", path) < 0
    unknown = status.isna().to_numpy()
    kept = ~unknown & ~backwards
    counts = {
        "stays": len(frame),
        "stays without an outcome, left out": int(unknown.sum()),
        "stays with discharge before admission, left out": int((backwards & ~unknown).sum()),
    }
    patients, _ = pd.factorize(frame["uniquepid"], sort=True)
    died = status[kept].map(_OUTCOMES).to_numpy(bool)
    return {"all": stay, "kept": stay[kept]}, died, patients[kept].astype(np.int64), counts

"""Stays of the eICU Collaborative Research Database: the first day's events, death in hospital."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kerasnets.data.catalogue import register
from kerasnets.data.dataset import Dataset
from kerasnets.data.ehr.cohort import SPLITS, Cohort, make_dataset
from kerasnets.data.ehr.records import find_tables, read_records, refuse_duplicates, whole_numbers
from kerasnets.data.ehr.visits import group_events
from kerasnets.data.tables.cells import DataError

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

    A stay is an example, a patient a group. A visit is an hour of the stay in which something
    was recorded; what was recorded before the admission to the unit counts too. A stay without
    any event in the window is one empty visit. Stays that ended within the window stay in: who
    left or died cannot be known at its start.

    Args:
        data_dir: a folder with the tables patient, diagnosis and treatment, or with a folder
            ``eicu`` or ``eicudemo`` that has them.
        split: ``"patient"``.
        seed: the seed of the split.
        window_hours: hours after admission at which the prediction is made; nothing recorded
            then or later goes in.
        visit_hours: hours that make one visit.
        ancestors: whether a code such as ``renal|disorder of kidney|acute renal failure`` also
            stands for ``renal|disorder of kidney`` and ``renal``: rare codes then share what is
            known of their kind.
        min_count: as in :func:`kerasnets.data.ehr.cohort.make_dataset`, and so are ``folds`` and
            ``fold``.
        folds: parts of a cross-validation.
        fold: the part to test on.

    Raises:
        ValueError: if the tables hold what they should not.
        FileNotFoundError: if one is missing.
    """
    del split  # by patient is the only one
    for name, hours in (("window_hours", window_hours), ("visit_hours", visit_hours)):
        if not isinstance(hours, int) or hours < 1:
            raise ValueError(f"{name} must be a whole number of 1 or more, got {hours!r}.")
    files = find_tables("eicu", ("patient", *_EVENTS), _FOLDERS, data_dir, _ORIGIN)
    cohort = read_cohort(files, window_hours, visit_hours, ancestors)
    source = (
        f"{files['patient'].parent}, events of the first {window_hours} hours, a visit each "
        f"{visit_hours}"
    )
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
        DataError: on a missing column, a stay that is there twice, an outcome that is none, or a
            cell that is not what it should be.
    """
    import pandas as pd

    stays, died, patients, counts = _read_stays(files["patient"])
    subjects, times, names = [], [], []
    for table, (offset, name) in _EVENTS.items():
        frame = read_records(files[table], ("patientunitstayid", offset, name))
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
    """Each event once for its code and once for each group it is in: row, code, names."""
    lines = [name.split("|") for name in names]
    # The first part is the table, which is no group of its own.
    family = [["|".join(line[:end]) for end in range(2, len(line) + 1)] for line in lines]
    vocabulary = sorted({member for members in family for member in members} | set(names))
    index = {name: number for number, name in enumerate(vocabulary)}
    sizes = np.array([len(members) for members in family], np.int64)
    flat = np.array([index[member] for members in family for member in members], np.int64)
    starts = np.cumsum(sizes) - sizes
    repeats = sizes[code]
    rows = np.repeat(np.arange(len(code)), repeats)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    return rows, flat[starts[code][rows] + within], vocabulary


def _read_stays(
    path: Path,
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray, dict[str, int]]:
    """The ids of all stays and of those kept; outcome and patient of the latter; counts."""
    import pandas as pd

    columns = ("patientunitstayid", "uniquepid", "hospitaldischargestatus", "unitdischargeoffset")
    frame = read_records(path, columns)
    stay = whole_numbers(frame, "patientunitstayid", path)
    refuse_duplicates(stay, "patientunitstayid", path)
    if frame["uniquepid"].isna().any():
        row = int(frame["uniquepid"].isna().to_numpy().argmax())
        raise DataError(f"{path}, row {row + 2}, column uniquepid: empty; every stay needs one.")
    status = frame["hospitaldischargestatus"].str.strip().str.lower()
    wrong = ~status.isna() & ~status.isin(_OUTCOMES)
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise DataError(
            f"{path}, row {row + 2}, column hospitaldischargestatus: got "
            f"{frame['hospitaldischargestatus'].iloc[row]!r}. Allowed: Alive, Expired, or empty."
        )
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

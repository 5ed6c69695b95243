"""Converts eICU and MIMIC-III to MEDS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kerasnets._errors import unknown_name
from kerasnets.data.ehr.cohort import split_by_patient
from kerasnets.data.ehr.eicu_meds import eicu_source
from kerasnets.data.ehr.meds_source import MedsSource
from kerasnets.data.ehr.meds_writer import LABELS, check_new, write_meds
from kerasnets.data.ehr.mimic3_meds import mimic3_source
from kerasnets.data.ehr.records import find_tables
from kerasnets.data.options import whole_number
from kerasnets.data.splits import check_fold

_ORIGIN = "it from PhysioNet (the {} demo is open to everyone)"


@dataclass(frozen=True)
class _Converter:
    """A data set that can be converted.

    Attributes:
        tables: names of its tables.
        folders: folders below the data folder to look for them in.
        title: its name in messages.
        source: function that reads its small tables.
        option: the option of ``source``: the hours or days of the task.
        default: the default of the option.
    """

    tables: tuple[str, ...]
    folders: tuple[str, ...]
    title: str
    source: Callable[[Mapping[str, Path], int], MedsSource]
    option: str
    default: int

    def find(self, name: str, data_dir: str | Path | None) -> dict[str, Path]:
        """The file of each table."""
        return find_tables(name, self.tables, self.folders, data_dir, _ORIGIN.format(self.title))


CONVERTERS = {
    "eicu": _Converter(
        ("patient", "diagnosis", "treatment"),
        (".", "eicu", "eicudemo"),
        "eICU",
        eicu_source,
        "window_hours",
        24,
    ),
    "mimic3": _Converter(
        ("ADMISSIONS", "DIAGNOSES_ICD", "PATIENTS"),
        (".", "mimic3", "mimic3demo"),
        "MIMIC-III",
        mimic3_source,
        "horizon_days",
        365,
    ),
}


@dataclass(frozen=True)
class MedsFolder:
    """A data set in MEDS's form that was written.

    Attributes:
        folder: the folder.
        labels_file: file of the labels, relative to the folder.
        subjects: number of subjects.
        events: number of events.
        labels: number of labels.
    """

    folder: Path
    labels_file: Path
    subjects: int
    events: int
    labels: int


def to_meds(
    name: str,
    folder: str | Path,
    data_dir: str | Path | None = None,
    seed: int = 0,
    *,
    splits: bool = True,
    folds: int = 0,
    fold: int = 0,
    **options: int,
) -> MedsFolder:
    """Convert a data set to MEDS (Medical Event Data Standard).

    Besides the events (``data/``) and codes (``metadata/codes.parquet``), the folder has the labels
    of a task (``labels/``). Tables are read in blocks and written in shards, so memory is bounded,
    and an interrupted conversion resumes when it is started again.

    Args:
        name: ``"eicu"`` or ``"mimic3"``.
        folder: folder to create.
        data_dir: as for :func:`kerasnets.data.load_data`.
        seed: seed of the split.
        splits: whether to write ``metadata/subject_splits.parquet`` with the split that
            ``load_data(name, seed=seed)`` makes. All subjects of a person are in one part, those
            of persons without a label in ``train``.
        folds: number of folds of a cross-validation, or 0.
        fold: number of the test fold.
        options: ``window_hours`` of eICU or ``horizon_days`` of MIMIC-III.

    Raises:
        ValueError: if the data set or an option does not exist, a table is invalid, or the persons
            are too few for a split.
        FileNotFoundError: if a table is missing.
        FileExistsError: if the folder exists.
        BlockingIOError: if another process is converting to this folder.
    """
    if name not in CONVERTERS:
        raise unknown_name("data set that can be converted", name, CONVERTERS)
    converter = CONVERTERS[name]
    for option in options:
        if option != converter.option:
            allowed = (converter.option, "splits", "folds", "fold")
            raise unknown_name(f"option of the conversion of {name}", option, allowed)
    number = whole_number(converter.option, options.get(converter.option, converter.default), 1)
    path = Path(folder).expanduser()
    check_new(path)
    check_fold(folds, fold)
    source = converter.source(converter.find(name, data_dir), number)
    parts = _split(source, seed, folds, fold) if splits else None
    events = write_meds(source, path, parts)
    return MedsFolder(
        path,
        Path(LABELS, f"{source.task}.parquet"),
        subjects=len(source.subjects),
        events=events,
        labels=len(source.labels.value),
    )


def _split(source: MedsSource, seed: int, folds: int, fold: int) -> dict[str, np.ndarray]:
    """The subjects of each part."""
    labelled = np.searchsorted(source.subjects, source.labels.subject)
    persons = source.patients[labelled]
    try:
        rows = split_by_patient(source.labels.value, persons, seed, folds, fold)
    except ValueError as error:
        raise ValueError(f"{error} To convert without a split, set splits=False.") from None
    part = np.zeros(source.patients.max(initial=0) + 1, np.int8)  # train, also without a label
    for number, chosen in enumerate(rows.values()):
        part[persons[chosen]] = number
    names = ("train", "tuning", "held_out")
    return {
        name: source.subjects[part[source.patients] == number] for number, name in enumerate(names)
    }

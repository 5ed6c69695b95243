"""Which split each subject of a MEDS data set is in: as its file says, or our own by person."""

from __future__ import annotations

import abc
from pathlib import Path

import numpy as np

from kerasnets._errors import unknown_name
from kerasnets.data.ehr.meds_files import MedsFiles
from kerasnets.data.ehr.meds_labels import Labels
from kerasnets.data.ehr.subject_rows import SubjectTable
from kerasnets.data.splits import split_fold
from kerasnets.data.tables.cells import DataError

PARTS = ("train", "validation", "test")
SPLITS = ("auto", "given", "patient")
_MEDS_NAMES = ("train", "tuning", "held_out")  # of the same parts
OTHER = -1  # the part of a subject that is in none of them


class Persons:
    """The person of each subject. In MEDS, a subject is a person.

    Our converter of eICU makes one subject per stay, because the order of the stays is unknown. It
    stores the persons in ``metadata/subjects.parquet``.
    """

    def __init__(self, path: Path | None) -> None:
        """Open the table; without one, every subject is a person."""
        self._table = None if path is None else SubjectTable((path,), ["patient"])

    def of(self, subjects: np.ndarray) -> np.ndarray:
        """The person of each subject, int64.

        Args:
            subjects: ids, in any order; may contain duplicates.

        Raises:
            DataError: if a subject is not in the table.
        """
        if self._table is None:
            return subjects
        return _look_up(self._table, "patient", subjects).astype(np.int64)


class Splitter(abc.ABC):
    """Assigns subjects to splits.

    Attributes:
        name: the unit that is kept in one part, for the data set.
    """

    name: str

    @abc.abstractmethod
    def parts_of(self, subjects: np.ndarray) -> np.ndarray:
        """The index of the split of each subject in :data:`PARTS`; -1 for none, int8."""


class GivenSplit(Splitter):
    """The splits of ``metadata/subject_splits.parquet``: train, tuning and held_out."""

    name = "given"

    def __init__(self, path: Path) -> None:
        """Open the table."""
        self._table = SubjectTable((path,), ["split"])

    def parts_of(self, subjects: np.ndarray) -> np.ndarray:
        """The splits of the file; subjects in splits of other names are in none.

        Raises:
            DataError: if a subject is not in the file.
        """
        split = _look_up(self._table, "split", subjects)
        parts = np.full(len(subjects), OTHER, np.int8)
        for part, name in enumerate(_MEDS_NAMES):
            parts[split == name] = part
        return parts


class OwnSplit(Splitter):
    """Our own splits by person, stratified by the highest class of the person's labels."""

    name = "patient"

    def __init__(
        self, labels: Labels, persons: Persons, *, seed: int, folds: int, fold: int
    ) -> None:
        """Divide the persons who have labels; see :func:`kerasnets.data.splits.split_fold`."""
        found, highest = [np.zeros(0, np.int64)], [np.zeros(0, np.int32)]
        for block in labels.blocks():
            person = persons.of(block.subject)
            order = np.lexsort((block.y, person))
            last = np.append(np.diff(person[order]) != 0, True)
            found.append(person[order][last])
            highest.append(block.y[order][last])
        person, y = np.concatenate(found), np.concatenate(highest)
        order = np.lexsort((y, person))
        last = np.append(np.diff(person[order]) != 0, True)[: len(order)]
        self._persons, self._of = person[order][last], persons
        y = y[order][last].astype(np.int64)
        self._parts = np.empty(len(y), np.int8)
        numbers = np.arange(len(y))
        for part, rows in enumerate(split_fold(y, numbers, folds=folds, fold=fold, seed=seed)):
            self._parts[rows] = part

    def parts_of(self, subjects: np.ndarray) -> np.ndarray:
        """The splits of subjects who have labels."""
        return self._parts[np.searchsorted(self._persons, self._of.of(subjects))]


def choose_splitter(
    files: MedsFiles, labels: Labels, *, split: str, seed: int, folds: int, fold: int
) -> Splitter:
    """The splits of the data set's file if it has one, else our own.

    Args:
        files: the files of the data set.
        labels: the labels of the task.
        split: ``"auto"``, or ``"given"`` or ``"patient"`` to choose one of them.
        seed: seed of our own splits.
        folds: number of folds of a cross-validation by our own splits, or 0.
        fold: number of the test fold.

    Raises:
        ValueError: if the file is missing, or folds are requested of its splits.
    """
    if split not in SPLITS:
        raise unknown_name("split of meds", split, SPLITS)
    if split == "given" and files.splits is None:
        raise ValueError(
            f"split='given' needs {files.folder}/metadata/subject_splits.parquet, which does not "
            "exist. Use split='patient'."
        )
    if split == "given" and folds:
        raise ValueError("folds are only for split='patient', not for given splits.")
    if files.splits is not None and split != "patient" and not folds:
        return GivenSplit(files.splits)
    return OwnSplit(labels, Persons(files.persons), seed=seed, folds=folds, fold=fold)


def _look_up(table: SubjectTable, column: str, subjects: np.ndarray) -> np.ndarray:
    """The value of a column for each subject.

    Raises:
        DataError: if a subject is not in the table, or has two values.
    """
    path = table.paths[0]
    wanted = np.unique(subjects)
    rows = table.rows_of(wanted)
    ids, values = (rows[name].to_numpy() for name in ("subject_id", column))
    order = np.argsort(ids, kind="stable")
    ids, values = ids[order], values[order]
    same = np.diff(ids) == 0
    if (values[1:][same] != values[:-1][same]).any():
        raise DataError(f"{path}: subject {ids[1:][same][0]} has two values of {column}.")
    place = np.minimum(np.searchsorted(ids, subjects), max(len(ids) - 1, 0))
    missing = subjects[ids[place] != subjects] if len(ids) else subjects
    if len(missing):
        raise DataError(
            f"{path}: no {column} for subject {missing[0]}, which has labels "
            f"({len(np.unique(missing)):,} such subjects). Add them, or use split='patient'."
        )
    return values[place]

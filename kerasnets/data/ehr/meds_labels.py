"""The labels of a MEDS task: which column has them, and what their classes are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kerasnets._errors import unknown_name
from kerasnets.data.ehr.meds_files import read_schema
from kerasnets.data.ehr.subject_rows import SubjectTable
from kerasnets.data.tables.cells import DataError

CLASS_COLUMNS = ("boolean_value", "integer_value", "categorical_value")
MAX_CLASSES = 1000
_VALUES = (*CLASS_COLUMNS, "float_value")


@dataclass(frozen=True)
class Examples:
    """The predictions to make, sorted by subject and time, each array of shape ``(n,)``.

    Attributes:
        subject: ids, int64.
        time: prediction times in microseconds since 1970-01-01, int64.
        y: index of the class, int32.
    """

    subject: np.ndarray
    time: np.ndarray
    y: np.ndarray

    def __len__(self) -> int:
        return len(self.subject)

    def subset(self, rows: np.ndarray | slice) -> Examples:
        """Some of the examples."""
        return Examples(self.subject[rows], self.time[rows], self.y[rows])


class Labels:
    """The labels of a task, of which the rows of some subjects are read at a time.

    Attributes:
        column: the column with the labels.
        classes: the sorted values of the labels.
    """

    def __init__(self, paths: tuple[Path, ...], column: str | None = None) -> None:
        """Choose the column and find its classes.

        Args:
            paths: files with the columns of MEDS's ``LabelSchema``.
            column: the column with the labels; by default the only one that has values.

        Raises:
            ValueError: if the column is unknown.
            DataError: if there are no labels, several columns with labels, numbers instead of
                classes, or more than 1,000 classes.
        """
        self.column = _choose_column(paths, column)
        self._table = SubjectTable(paths, ["prediction_time", self.column])
        self.classes = self._find_classes(paths[0])

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes as texts, in the order of their indices."""
        if self.column == "boolean_value":
            return ("no", "yes")
        return tuple(map(str, self.classes.tolist()))

    def rows_of(self, subjects: np.ndarray) -> Examples:
        """The examples of some subjects; exact duplicates are used once.

        Args:
            subjects: ids, int64, ascending.

        Raises:
            DataError: if a subject has two different labels for one time.
        """
        return self._examples(self._table.rows_of(subjects))

    def blocks(self) -> Iterator[Examples]:
        """All examples, some at a time."""
        return map(self._examples, self._table.blocks())

    def __len__(self) -> int:
        return len(self._table)

    def _examples(self, table: object) -> Examples:
        values = _values(table, self.column)
        y = np.searchsorted(self.classes, values).astype(np.int32)
        subject = table["subject_id"].to_numpy()  # type: ignore[index]
        time = table["prediction_time"].to_numpy()  # type: ignore[index]
        time = time.astype("datetime64[us]").astype(np.int64)
        order = np.lexsort((y, time, subject))
        found = Examples(subject, time, y).subset(order)
        same = (np.diff(found.subject) == 0) & (np.diff(found.time) == 0)
        if (differ := same & (np.diff(found.y) != 0)).any():
            place = int(np.argmax(differ))
            when = found.time[place].astype("datetime64[us]")
            first, second = (self.classes[found.y[place + at]] for at in (0, 1))
            raise DataError(
                f"Subject {found.subject[place]} has the labels {first} and {second} for the "
                f"prediction time {when}. Keep one of them."
            )
        return found.subset(np.concatenate([[True], ~same]) if len(found) else slice(None))

    def _find_classes(self, path: Path) -> np.ndarray:
        if self.column == "boolean_value":
            return np.array([False, True])
        classes = _values(self._table.rows_of(np.zeros(0, np.int64)), self.column)
        for block in self._table.blocks():
            classes = np.union1d(classes, _values(block, self.column))
            if len(classes) > MAX_CLASSES:
                raise DataError(
                    f"{path}: {self.column} has more than {MAX_CLASSES:,} different values, so "
                    "they are no classes. Divide them into a few classes."
                )
        if len(classes) < 2:
            raise DataError(
                f"{path}: all labels in {self.column} are {classes.tolist()}; a classifier needs "
                "two classes."
            )
        return classes


def _values(table: object, column: str) -> np.ndarray:
    values = table[column]  # type: ignore[index]
    if column == "categorical_value":
        return np.array(values.to_pylist(), dtype=str)
    return values.to_numpy()


def _choose_column(paths: tuple[Path, ...], column: str | None) -> str:
    if column is not None and column not in CLASS_COLUMNS:
        raise unknown_name("column of labels", column, CLASS_COLUMNS)
    filled = [name for name in _VALUES if _has_values(paths, name)]
    names = f"one of the columns {', '.join(CLASS_COLUMNS)}"
    if column is not None:
        if column not in filled:
            raise DataError(f"{paths[0]}: {column} has no values, but {', '.join(filled) or 'no'}.")
        return column
    if not filled:
        raise DataError(f"{paths[0]}: no labels; MEDS has them in {names}.")
    if len(filled) > 1:
        raise DataError(
            f"{paths[0]}: labels in {', '.join(filled)}. Give the one to use as label_column= "
            "(--data-option label_column=…)."
        )
    if filled[0] not in CLASS_COLUMNS:
        raise DataError(
            f"{paths[0]}: the labels in float_value are numbers. The nets for visits predict "
            f"classes, in {names}. Divide the numbers into classes."
        )
    return filled[0]


def _has_values(paths: tuple[Path, ...], name: str) -> bool:
    """Whether the column has any value; some tools write all columns of the schema."""
    import pyarrow.parquet as pq

    for path in paths:
        if name not in read_schema(path).names:
            continue
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=[name]):
                if batch.column(0).null_count < len(batch):
                    return True
    return False

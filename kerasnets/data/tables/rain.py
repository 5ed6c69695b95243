"""Loads the rain data of S3: 14 satellite measurements, and whether it rained."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np

from kerasnets.data.catalogue import register
from kerasnets.data.content import read_text_content
from kerasnets.data.dataset import Dataset
from kerasnets.data.locate import not_found, places
from kerasnets.data.splits import split_fold
from kerasnets.data.tables.cells import DataError, name_file, number_fault
from kerasnets.data.tables.csv_lines import check_text
from kerasnets.data.tables.dataset import number_dataset

FEATURES = 14
CLASS_NAMES = ("no rain", "rain")
_FILES = ("X_train.txt", "Y_train.txt")


@register("rain", splits=("row",))
def load_rain(
    *, data_dir: str | Path | None, split: str, seed: int, folds: int = 0, fold: int = 0
) -> Dataset:
    """Rain seen by satellites: 200,000 rows of 14 measurements and a label (S3).

    S3 names neither the measurements nor the classes; label 1 is assumed to mean rain.

    Args:
        data_dir: a folder with ``X_train.txt`` and ``Y_train.txt``, or with a subfolder ``rain``
            that contains them; one row per line, numbers separated by spaces.
        split: ``"row"``.
        seed: seed of the split.
        folds: number of folds of a cross-validation, or 0 for a single split.
        fold: number of the test fold, from 0.

    Raises:
        ValueError: if the files are invalid; the message contains file, row and column.
        FileNotFoundError: if the files are not found.
    """
    folder = _find(data_dir)
    x, y = (folder / name for name in _FILES)
    values, labels = _read(x, FEATURES), _read(y, 1)[:, 0]
    if len(values) != len(labels):
        raise DataError(f"{x} has {len(values):,} rows and {y.name} {len(labels):,} labels.")
    wrong = np.flatnonzero(~np.isin(labels, [0, 1]))
    if len(wrong):
        raise DataError(
            f"{y}, row {wrong[0] + 1}: {labels[wrong[0]]:g} is not a label. Allowed: 0, 1."
        )
    with name_file(folder):
        return rain_dataset("rain", values, labels, str(folder), seed, folds, fold)


def rain_dataset(
    name: str,
    x: np.ndarray,
    y: np.ndarray,
    source: str,
    seed: int,
    folds: int = 0,
    fold: int = 0,
) -> Dataset:
    """A data set of measurements, shape ``(n, 14)``, and labels 0 and 1, shape ``(n,)``."""
    labels = y.astype(np.int32)
    parts = split_fold(labels, folds=folds, fold=fold, seed=seed)
    return number_dataset(
        name, x.astype(np.float32), labels, parts,
        feature_names=tuple(f"x{number}" for number in range(FEATURES)),
        class_names=CLASS_NAMES, seed=seed, source=source,
    )  # fmt: skip


def _read(path: Path, columns: int) -> np.ndarray:
    """Numbers separated by spaces, shape ``(n, columns)``."""
    import pandas as pd

    content = check_text(path, read_text_content(path))
    try:
        frame = pd.read_csv(
            io.BytesIO(content), sep=r"\s+", header=None, dtype=np.float64,
            keep_default_na=False, quoting=csv.QUOTE_NONE,
        )  # fmt: skip
        with np.errstate(over="ignore"):  # values beyond float32 become infinite
            valid = frame.shape[1] == columns and np.isfinite(frame.to_numpy(np.float32)).all()
    except ValueError:  # pandas' own errors are ValueErrors too
        valid = False
    if not valid or len(frame) != sum(map(bool, map(bytes.strip, content.split(b"\n")))):
        raise _first_fault(path, content, columns)
    return frame.to_numpy()


def _first_fault(path: Path, content: bytes, columns: int) -> DataError:
    """The error for the first invalid cell; slow, so only called if there is one."""
    for row, line in enumerate(content.decode().split("\n"), 1):
        cells = re.findall(r"[^ \t]+", line)
        if len(cells) not in (0, columns):
            return DataError(f"{path}, row {row}: {len(cells)} numbers; expected {columns}.")
        for column, cell in enumerate(cells):
            if fault := number_fault(cell):
                return DataError(f"{path}, row {row}, column x{column}: {fault}.")
    fault = "not a table of numbers" if content.strip() else "no rows"
    return DataError(f"{path}: {fault}. Expected {columns} numbers per line, separated by spaces.")


def _find(data_dir: str | Path | None) -> Path:
    searched = []
    for place in places(data_dir):
        for folder in (place, place / "rain"):
            absent = [name for name in _FILES if not (folder / name).is_file()]
            if not absent:
                return folder
            searched.append(str(folder))
            if len(absent) < len(_FILES):
                searched[-1] += f" (without {absent[0]})"
    origin = "X_train.txt and Y_train.txt from the course of S3"
    raise not_found("rain", searched, " and ".join(_FILES), "rain-simulated", origin)

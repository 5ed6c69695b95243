"""The rain data of S3: 14 measurements from satellites, and whether it rained."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kerasnets.data.catalogue import register
from kerasnets.data.dataset import Dataset
from kerasnets.data.locate import not_found, places
from kerasnets.data.splits import split_rows
from kerasnets.data.tables.cells import DataError, number_fault
from kerasnets.data.tables.dataset import number_dataset

FEATURES = 14
CLASS_NAMES = ("no rain", "rain")
_FILES = ("X_train.txt", "Y_train.txt")


@register("rain", splits=("row",))
def load_rain(*, data_dir: str | Path | None, split: str, seed: int) -> Dataset:
    """Rain seen by satellites: 200,000 rows of 14 measurements and a label (S3).

    S3 names neither the measurements nor the classes; label 1 is taken for rain.

    Args:
        data_dir: a folder with ``X_train.txt`` and ``Y_train.txt``, or with a folder ``rain``
            that has them; numbers separated by blanks, a row a line.
        split: ``"row"``.
        seed: the seed of the split.

    Raises:
        ValueError: if the files hold anything they should not; the message names file, row and
            column.
        FileNotFoundError: if the files are not found.
    """
    folder = _find(data_dir)
    x, y = (folder / name for name in _FILES)
    values, labels = _read(x, FEATURES), _read(y, 1)[:, 0]
    if len(values) != len(labels):
        raise DataError(f"{x} has {len(values):,} rows and {y.name} {len(labels):,} labels.")
    wrong = np.flatnonzero(~np.isin(labels, [0, 1]))
    if len(wrong):
        raise DataError(f"{y}, row {wrong[0] + 1}: {labels[wrong[0]]:g} is no label. Allowed: 0, 1")
    return rain_dataset("rain", values, labels, str(folder), seed)


def rain_dataset(name: str, x: np.ndarray, y: np.ndarray, source: str, seed: int) -> Dataset:
    """A data set of measurements, shape ``(n, 14)``, and labels 0 and 1, shape ``(n,)``."""
    labels = y.astype(np.int32)
    return number_dataset(
        name, x.astype(np.float32), labels, split_rows(labels, seed=seed),
        feature_names=tuple(f"x{number}" for number in range(FEATURES)),
        class_names=CLASS_NAMES, seed=seed, source=source,
    )  # fmt: skip


def _read(path: Path, columns: int) -> np.ndarray:
    """Numbers separated by blanks, shape ``(n, columns)``."""
    import pandas as pd

    try:
        frame = pd.read_csv(path, sep=r"\s+", header=None, dtype=np.float64)
        with np.errstate(over="ignore"):  # beyond single precision becomes infinite
            sound = frame.shape[1] == columns and np.isfinite(frame.to_numpy(np.float32)).all()
    except ValueError:  # pandas' own errors are ValueErrors too
        sound = False
    if not sound:
        raise _first_fault(path, columns)
    return frame.to_numpy()


def _first_fault(path: Path, columns: int) -> DataError:
    """The error for the first thing wrong; slow, so only once something is known to be."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for row, line in enumerate(lines, 1):
        cells = line.split()
        if len(cells) not in (0, columns):
            return DataError(f"{path}, row {row}: {len(cells)} numbers; expected {columns}.")
        for column, cell in enumerate(cells):
            if fault := number_fault(cell):
                return DataError(f"{path}, row {row}, column x{column}: {fault}.")
    return DataError(f"{path}: no rows. Expected {columns} numbers a line, separated by blanks.")


def _find(data_dir: str | Path | None) -> Path:
    looked = []
    for place in places(data_dir):
        for folder in (place, place / "rain"):
            absent = [name for name in _FILES if not (folder / name).is_file()]
            if not absent:
                return folder
            looked.append(str(folder))
            if len(absent) < len(_FILES):
                looked[-1] += f" (without {absent[0]})"
    origin = "X_train.txt and Y_train.txt of the course that S3 is homework of"
    raise not_found("rain", looked, " and ".join(_FILES), "rain-simulated", origin)

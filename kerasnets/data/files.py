"""Read a user's own data files: tables in CSV or Parquet, and arrays in ``.npz``."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets._errors import unknown_name
from kerasnets.data.own import split_columns
from kerasnets.data.tables.cells import DataError

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".csv.gz", ".npz", ".parquet")
_ARRAYS = ("x", "y", "groups", "split", "class_names")


def is_file_name(name: str) -> bool:
    """Whether a data set of this name is a file: it ends in one of ``SUFFIXES``."""
    return name.lower().endswith(SUFFIXES)


def read_file(
    path: str | os.PathLike[str],
    target: str | Sequence[str] | None = None,
    group: str | None = None,
    drop: str | Sequence[str] = (),
    split_column: str | None = None,
) -> dict[str, Any]:
    """Read a file; see :meth:`kerasnets.data.Dataset.from_file`.

    Returns:
        Arguments of ``Dataset.from_arrays``: ``x``, ``y`` and, if the file has them,
        ``groups``, ``split`` and ``class_names``.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if it cannot be read, or lacks a column or array.
    """
    path = Path(path).expanduser()
    if not is_file_name(path.name):
        raise ValueError(f"{path} is not a data file; its name must end in {', '.join(SUFFIXES)}.")
    if not path.is_file():
        raise FileNotFoundError(f"The data file {path} does not exist (looked in {Path.cwd()}).")
    if path.suffix.lower() == ".npz":
        if target or group or drop or split_column:
            raise ValueError(
                f"{path} holds arrays: target, group, drop and split_column are only for tables. "
                "The labels must be the array y, the groups the array groups."
            )
        return _read_npz(path)
    frame = read_table(path)
    if not target:
        raise ValueError(
            f"{path} is a table: give target, the column to predict (--target, or "
            f"--data-option target=NAME). Columns: {', '.join(map(str, frame.columns))}."
        )
    explicit = {}
    if split_column is not None:
        if split_column not in frame.columns:
            raise unknown_name("column", split_column, map(str, frame.columns))
        explicit["split"] = frame.pop(split_column).to_numpy(object)
    x, y, groups = split_columns(frame, target, group, drop)
    return {"x": x, "y": y, "groups": groups, **explicit}


def read_arrays(path: Path) -> dict[str, Any]:
    """Read all arrays of an ``.npz`` file.

    Raises:
        ValueError: if it is not such a file.
    """
    try:
        # If np.load opened the file itself, it would not close a damaged one.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not a readable .npz file of plain arrays ({error}).") from None


def _read_npz(path: Path) -> dict[str, Any]:
    arrays = read_arrays(path)
    for name in arrays:
        if name not in _ARRAYS:
            raise unknown_name(f"array in {path}", name, _ARRAYS)
    missing = [name for name in ("x", "y") if name not in arrays]
    if missing:
        raise DataError(
            f"{path}: no array {' and '.join(missing)}; it holds {', '.join(arrays) or 'nothing'}. "
            "Save it with np.savez(path, x=x, y=y, groups=groups)."
        )
    return arrays


def read_table(path: Path) -> pd.DataFrame:
    """Read a table from CSV or Parquet.

    Raises:
        ValueError: if it is not such a file, or its format needs a package that is missing.
    """
    import pandas as pd

    try:
        frame = pd.read_parquet(path) if path.suffix.lower() == ".parquet" else pd.read_csv(path)
    except ImportError:
        raise ValueError(
            f"Reading {path} needs pyarrow: pip install 'kerasnets[parquet]', or save the table "
            "as CSV."
        ) from None
    except (ValueError, EOFError, OSError) as error:  # errors of pandas and pyarrow are ValueErrors
        raise DataError(f"{path}: not a readable table ({error}).") from None
    if path.suffix.lower() != ".parquet" and not isinstance(frame.index, pd.RangeIndex):
        raise DataError(f"{path}: the rows have more cells than the header has columns.")
    if len(frame.columns) and str(frame.columns[0]).startswith("Unnamed: 0"):
        frame = frame.iloc[:, 1:]  # row numbers, as DataFrame.to_csv writes them
    return frame

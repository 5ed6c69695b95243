"""Read a user's own data files: tables in CSV or Parquet, and arrays in ``.npz``."""

from __future__ import annotations

import io
import math
import os
import tokenize
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets._errors import unknown_name
from kerasnets.data.archive import read_members
from kerasnets.data.content import MAX_UNPACKED
from kerasnets.data.own import split_columns
from kerasnets.data.tables.cells import DataError
from kerasnets.data.tables.csv_text import read_csv_text

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".csv.gz", ".npz", ".parquet")
_ARRAYS = ("x", "y", "groups", "split", "class_names")
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_WHOLE = "0|-?[1-9][0-9]{0,17}"
_CELL = 8  # bytes of a cell in memory, at least
_MAX_RATIO = 1000  # size of a table in memory to that of its Parquet file


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
    frame = read_table(path, ids=group)
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
        ValueError: if it is not such a file, is damaged, or has an array of Python objects.
        OSError: if the file cannot be read.
    """
    arrays = {}
    for member, content in read_members(path, lambda name: True):
        if not member.endswith(".npy"):
            raise DataError(f"{path}, {member}: not an array. Save the file with np.savez.")
        arrays[member.removesuffix(".npy")] = _read_array(f"{path}, {member}", content)
    return arrays


def _read_array(where: str, content: bytes) -> np.ndarray:
    """The array in an ``.npy`` file, whose header has to agree with its size."""
    file = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(file)
        if version not in _HEADERS:
            raise ValueError(f"unknown version {version}")
        shape, by_columns, dtype = _HEADERS[version](file)
    except (ValueError, TypeError, SyntaxError, RecursionError, tokenize.TokenError) as error:
        raise DataError(f"{where}: not an array ({error}).") from None
    if dtype.hasobject or dtype.names:
        raise DataError(
            f"{where}: holds {dtype}, not plain numbers or strings. Convert it with .astype first."
        )
    start, size = file.tell(), math.prod(shape) * dtype.itemsize
    if min(shape, default=1) < 0 or not dtype.itemsize or len(content) - start != size:
        raise DataError(
            f"{where}: an array of shape {shape} and type {dtype} has {size:,} bytes, but there "
            f"are {len(content) - start:,}. The file is damaged; save it again."
        )
    flat = np.frombuffer(content, dtype, offset=start) if size else np.zeros(0, dtype)
    if dtype.kind == "U" and not _is_text(flat):
        raise DataError(f"{where}: has characters that do not exist. The file is damaged.")
    return flat.reshape(shape, order="F" if by_columns else "C")


def _is_text(array: np.ndarray) -> bool:
    """Whether all characters of an array of strings are valid code points."""
    codes = array.view(np.dtype(np.uint32).newbyteorder(array.dtype.byteorder))
    return bool(((codes < 0xD800) | ((codes > 0xDFFF) & (codes < 0x110000))).all())


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


def read_table(path: Path, ids: str | None = None) -> pd.DataFrame:
    """Read a table from CSV, plain or gzip, or Parquet.

    Args:
        path: the file.
        ids: a column that is read as text, because ``007`` and ``7`` are two persons. If all of
            its cells are whole numbers without leading zeros, they become integers.

    Returns:
        The table. The index of a CSV table, named ``row``, has the lines of the file.

    Raises:
        ValueError: if it is not such a file or is damaged, or its format needs a package that is
            missing.
        OSError: if the file cannot be read.
    """
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path)
    text = read_csv_text(path)
    is_text = {place: str for place, name in enumerate(text.header) if name == ids}
    frame = text.frame(dtype=is_text or None).set_axis(list(text.header), axis=1)
    if is_text and frame[ids].str.fullmatch(_WHOLE).all():
        frame[ids] = frame[ids].astype(np.int64)
    if text.header[0] == "" or text.header[0].startswith("Unnamed: 0"):
        frame = frame.iloc[:, 1:]  # row numbers, as DataFrame.to_csv writes them
    return frame


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet

    try:
        with (
            path.open("rb") as content,
            pa.parquet.ParquetFile(content, page_checksum_verification=True) as file,
        ):
            about = file.metadata
            # Encoded columns may be much smaller than the table in memory.
            size = about.num_rows * about.num_columns * _CELL
            if size > max(MAX_UNPACKED, _MAX_RATIO * path.stat().st_size):
                raise DataError(
                    f"{path}: {about.num_rows:,} rows of {about.num_columns} columns are too many "
                    "for a file of its size. It may be damaged; if not, save it as CSV."
                )
            frame = file.read().to_pandas()
    except DataError:
        raise
    except (ValueError, pa.ArrowException, OSError, TypeError, KeyError) as error:
        raise DataError(f"{path}: not a readable Parquet table ({error}).") from None
    if len(frame.columns) and str(frame.columns[0]).startswith("Unnamed: 0"):
        frame = frame.iloc[:, 1:]
    return frame

"""Errors of data files: which file, row and cell, and why."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_LARGEST = float(np.finfo(np.float32).max)


class DataError(ValueError):
    """An invalid data file; the message contains file, row and column."""


@contextlib.contextmanager
def name_file(path: str | os.PathLike[str]) -> Iterator[None]:
    """Put the name of a file before every ``ValueError`` of the block that does not contain it.

    Raises:
        DataError: instead of such a ``ValueError``.
    """
    try:
        yield
    except ValueError as error:
        if os.fspath(path) in str(error):
            raise
        raise DataError(f"{os.fspath(path)}: {error}") from None


def row_name(table: Any, place: int) -> str:
    """The name of a row for messages: its line in the file, or its position.

    Args:
        table: a table or column as :func:`kerasnets.data.files.read_table` returns it, or any other
            sequence.
        place: position of the row, from 0.
    """
    index = getattr(table, "index", None)
    if getattr(index, "name", None) == "row":
        return f"row {index[place]}"  # type: ignore[index]
    return f"row {place} (counted from 0)"


def to_numbers(cells: pd.Series) -> np.ndarray:
    """Cells as float64, NaN for cells that are not numbers, infinity for too large ones."""
    import pandas as pd

    try:
        return pd.to_numeric(cells, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    except OverflowError:  # hundreds of digits
        return np.array([_to_float(cell) for cell in cells])


def _to_float(cell: Any) -> float:
    try:
        return math.nan if "_" in str(cell) else float(cell)
    except OverflowError:
        return math.inf
    except (TypeError, ValueError):
        return math.nan


def number_fault(cell: str) -> str | None:
    """The reason why a cell is not a finite float32 number; ``None`` if it is one."""
    cell = cell.strip(" \t\r\n")
    if not cell:
        return "the cell is empty"
    try:
        # Python reads 1_000 and the digits of other scripts; in a table they are mistakes.
        is_plain = cell.isascii() and cell.isprintable() and "_" not in cell
        value = float(cell if is_plain else "?")
    except ValueError:
        return f"{short(cell)} is not a number"
    if math.isnan(value):
        return "the value is not a number (NaN)"
    if abs(value) > _LARGEST:
        return f"{short(cell)} is infinite or beyond float32"
    return None


def label_fault(cell: str, classes: int) -> str | None:
    """The reason why a cell is not a label from 1 to ``classes``; ``None`` if it is one."""
    fault = number_fault(cell)
    if fault is None and float(cell) not in range(1, classes + 1):
        fault = f"{short(cell.strip())} is not a label"
    return fault


def short(cell: str) -> str:
    """A cell in quotes, cut if it is long, for error messages."""
    return repr(cell if len(cell) <= 40 else f"{cell[:37]}…")

"""Find out why a cell does not hold a valid number or label."""

from __future__ import annotations

import math

import numpy as np

_LARGEST = float(np.finfo(np.float32).max)


class DataError(ValueError):
    """An invalid data file; the message contains file, row and column."""


def number_fault(cell: str) -> str | None:
    """The reason why a cell is not a finite float32 number; ``None`` if it is one."""
    cell = cell.strip()
    if not cell:
        return "the cell is empty"
    try:
        # Python reads 1_000 and the digits of other scripts; in a table they are mistakes.
        value = float(cell.replace("_", "?") if cell.isascii() else "?")
    except ValueError:
        return f"{_short(cell)} is not a number"
    if math.isnan(value):
        return "the value is not a number (NaN)"
    if abs(value) > _LARGEST:
        return f"{_short(cell)} is infinite or beyond float32"
    return None


def label_fault(cell: str, classes: int) -> str | None:
    """The reason why a cell is not a label from 1 to ``classes``; ``None`` if it is one."""
    fault = number_fault(cell)
    if fault is None and float(cell) not in range(1, classes + 1):
        fault = f"{_short(cell.strip())} is not a label"
    return fault


def _short(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else f"{cell[:37]}…")

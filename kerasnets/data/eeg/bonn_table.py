"""Reads the seizure table, CSV or gzip, and reports every error by row and column."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kerasnets.data.eeg.bonn import CHUNKS, CLASS_NAMES, SAMPLES, Rows
from kerasnets.data.tables.cells import DataError, label_fault, number_fault
from kerasnets.data.tables.csv_text import CsvText, read_csv_text

_LABELS = range(1, len(CLASS_NAMES) + 1)
_VALUE_KEYS = tuple(f"x{number}" for number in range(1, SAMPLES + 1))
_ID_KEYS = ("", "unnamed", "unnamed: 0", "id", "index")
_COLUMNS_ALLOWED = (
    f"Allowed: an optional id column, then X1 to X{SAMPLES} and y, separated by commas."
)
# An id contains the chunk, X1 to X23, and the name of the recording's column in R: V1, V1.1, …
_ID = re.compile(rf"X({'|'.join(map(str, range(1, CHUNKS + 1)))})\.(V\d+(?:\.\d+)?)")
_ID_ALLOWED = (
    f"X<chunk 1…{CHUNKS}>.V1.<recording>, such as X21.V1.374. Correct it, or remove the column"
)


class _Layout(NamedTuple):
    """Column names, and the positions of the values, the label and the id (or ``None``)."""

    names: tuple[str, ...]
    values: list[int]
    label: int
    id: int | None


def read_table(path: Path) -> Rows:
    """Read a table with the columns X1 … X178 and y, and an optional id column before them.

    Args:
        path: a CSV file in UTF-8, with or without byte-order mark, plain or gzip.

    Returns:
        The rows in the order of the file; without ids, the recordings are ``None``.

    Raises:
        DataError: if the file is not such a table; the message contains row and column.
    """
    text = read_csv_text(path, check_header=_read_header)
    layout = _read_header(str(path), text.header)
    try:
        x, labels, ids = _parse(text, layout)
    except DataError:
        raise
    except ValueError:  # pandas' own errors are ValueErrors too
        raise _first_fault(text, layout) from None
    parsed = None if ids is None else _recordings(ids, labels)
    recordings, chunks = parsed or (None, None)
    valid = np.isfinite(x).all() and np.isin(labels, _LABELS).all()
    if not len(x) or not valid or (recordings is None and ids is not None):
        raise _first_fault(text, layout)
    return Rows(x, labels.astype(np.int32) - 1, recordings, chunks)


def _recordings(ids: list[str], labels: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Recording and chunk of each id, or ``None`` if an id is malformed or a duplicate."""
    matches = [match for match in map(_ID.fullmatch, ids) if match]
    if len(set(zip(ids, labels, strict=True))) < len(ids) or len(matches) < len(ids):
        return None
    chunks = np.array([int(match[1]) - 1 for match in matches])
    return np.array([match[2] for match in matches]), chunks


def check_complete(path: Path, rows: Rows) -> None:
    """Refuse a table in which recordings lack rows, because it was truncated between two lines.

    Raises:
        DataError: if a recording does not have all its rows.
    """
    if rows.recordings is None:
        return
    counts = Counter(zip(rows.recordings.tolist(), (rows.y + 1).tolist(), strict=True))
    for (recording, label), count in counts.items():
        if count != CHUNKS:
            raise DataError(
                f"{path}: recording {recording} of label {label} has {count} rows instead "
                f"of {CHUNKS}, X1 … X{CHUNKS}. Download the table again, or remove the recording."
            )


def _read_header(where: str, names: tuple[str, ...]) -> _Layout:
    keys = [name.lower() for name in names]
    missing = [key for key in (*_VALUE_KEYS, "y") if key not in keys]
    if missing:
        name = missing[0] if missing[0] == "y" else missing[0].upper()
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise DataError(f"{where}: column {name}{more} missing in the header. {_COLUMNS_ALLOWED}")
    identity = 0 if keys[0] in _ID_KEYS else None
    known = {*_VALUE_KEYS, "y"}
    for place, key in enumerate(keys):
        if place == identity:
            continue
        if key not in known:
            column = f"column {place + 1}, {names[place]!r},"
            raise DataError(f"{where}: {column} is unknown or a duplicate. {_COLUMNS_ALLOWED}")
        known.remove(key)
    return _Layout(names, [keys.index(key) for key in _VALUE_KEYS], keys.index("y"), identity)


def _parse(text: CsvText, layout: _Layout) -> tuple[np.ndarray, np.ndarray, list[str] | None]:
    places = range(len(layout.names))
    numbers = [place for place in places if place != layout.id]
    frame = text.frame(
        dtype={place: str if place == layout.id else float for place in places},
        keep_default_na=False,
        na_values={place: [""] for place in numbers},
    )
    with np.errstate(over="ignore"):  # values beyond float32 become infinite and are refused
        x = frame[layout.values].to_numpy(np.float32)
    ids = None if layout.id is None else frame[layout.id].tolist()
    return x, frame[layout.label].to_numpy(), ids


def _first_fault(text: CsvText, layout: _Layout) -> DataError:
    """The error for the first invalid cell; slow, so only called if there is one."""
    if not len(text.lines):
        return DataError(f"{text.path}: a header without rows. Expected rows of all classes.")
    seen: dict[tuple[str, float], int] = {}
    for row, cells in _rows(text):
        where = f"{text.path}, row {row}"
        if fault := _row_fault(cells, layout):
            return DataError(f"{where}{fault}.")
        if layout.id is not None:
            key = (cells[layout.id], float(cells[layout.label]))
            if key in seen:
                return DataError(
                    f"{where}: the id {key[0]} occurs twice, first in row {seen[key]}."
                )
            seen[key] = row
    return DataError(f"{text.path}: not a table of numbers. {_COLUMNS_ALLOWED}")


def _rows(text: CsvText) -> Iterator[tuple[int, list[str]]]:
    """The cells of each row below the header, with its line in the file."""
    lines = (line for line in text.content.decode().split("\n") if line.strip(" \t"))
    next(lines)
    yield from zip(text.lines.tolist(), csv.reader(lines), strict=True)


def _row_fault(cells: list[str], layout: _Layout) -> str | None:
    for place, name in enumerate(layout.names):
        if fault := _cell_fault(cells[place], place, layout):
            return f", column {name or place + 1}: {fault}"
    return None


def _cell_fault(cell: str, place: int, layout: _Layout) -> str | None:
    if place == layout.id:
        return None if _ID.fullmatch(cell) else f"{cell!r} is not an id. Allowed: {_ID_ALLOWED}"
    if place == layout.label:
        fault = label_fault(cell, len(CLASS_NAMES))
        return fault and f"{fault}. Allowed: a whole number from 1 to {len(CLASS_NAMES)}"
    fault = number_fault(cell)
    return fault and f"{fault}. Allowed: a finite number, in µV"

"""Finds and reads tables of clinical records; reports invalid cells by row and column.

A row is the number of the line in the file, counted from 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets.data.locate import not_found, places
from kerasnets.data.tables.cells import DataError, short, to_numbers
from kerasnets.data.tables.csv_text import CsvText, read_csv_blocks, read_csv_text

if TYPE_CHECKING:
    import pandas as pd

BLOCK = 2**24  # bytes of a block of rows
_DATES = "%Y-%m-%d %H:%M:%S"
_WRITTEN = r"\d{4}-\d\d-\d\d \d\d:\d\d:[0-5]\d"


def find_tables(
    name: str,
    tables: Sequence[str],
    folders: Sequence[str],
    data_dir: str | Path | None,
    origin: str,
) -> dict[str, Path]:
    """The file of each table, in the first folder that has any of them.

    Args:
        name: the data set, for the error message.
        tables: names without suffix; files may be ``.csv`` or ``.csv.gz``, in upper or lower case.
        folders: folders below the data folder to look in.
        data_dir: as for :func:`kerasnets.data.load_data`.
        origin: where to get the tables, for the error message.

    Raises:
        FileNotFoundError: if a table is missing.
    """
    wanted = {f"{table}{end}".lower(): table for table in tables for end in (".csv", ".csv.gz")}
    searched = []
    for place in places(data_dir):
        for folder in dict.fromkeys(place / sub for sub in folders):
            searched.append(str(folder))
            if not folder.is_dir():
                continue
            files = {
                wanted[path.name.lower()]: path
                for path in sorted(folder.iterdir(), reverse=True)
                if path.name.lower() in wanted and path.is_file()
            }
            if len(files) == len(tables):
                return files
            if files:
                absent = ", ".join(table for table in tables if table not in files)
                searched[-1] += f" (has {', '.join(sorted(files))}, not {absent})"
    described = f"the tables {', '.join(tables)} (.csv or .csv.gz)"
    raise not_found(name, searched, described, "mortality-simulated", origin)


def read_records(path: Path, columns: Sequence[str], numbers: Sequence[str] = ()) -> pd.DataFrame:
    """Read some columns of a table as text, with empty cells as missing values.

    Args:
        path: a CSV file, plain or gzip.
        columns: names in lower case; in the file they may be in upper case.
        numbers: columns of whole numbers, for :func:`whole_numbers`. They are read as int64, which
            takes less time, if all their cells are whole numbers.

    Returns:
        The columns, with the rows of the file as index.

    Raises:
        DataError: if the file is damaged, or a column is missing.
        OSError: if the file cannot be read.
    """
    text = read_csv_text(path, check_header=partial(_check_header, columns))
    return _frame(text, columns, numbers)


def record_blocks(
    path: Path, columns: Sequence[str], numbers: Sequence[str] = ()
) -> Iterator[Callable[[], pd.DataFrame]]:
    """Read a table like :func:`read_records`, but in blocks of rows, so that memory is bounded.

    Yields:
        For each block a function that returns its rows. A caller that already has what it makes of
        a block does not call it, and so saves the time of parsing.

    Raises:
        DataError: if the file is damaged, or a column is missing.
        OSError: if the file cannot be read.
    """
    for text in read_csv_blocks(path, BLOCK, partial(_check_header, columns)):
        yield partial(_frame, text, columns, numbers)


def map_records(
    path: Path,
    columns: Sequence[str],
    numbers: Sequence[str],
    convert: Callable[[pd.DataFrame], pd.DataFrame],
) -> pd.DataFrame:
    """Read a table, and convert each block of it, so that its text is never whole in memory.

    Args:
        path: see :func:`read_records`, also for the next two.
        columns: names in lower case.
        numbers: columns of whole numbers.
        convert: function from some rows of the table to what is kept of them, with the same index.

    Raises:
        DataError: if the file is damaged, or a column is missing.
        OSError: if the file cannot be read.
    """
    import pandas as pd

    return pd.concat([convert(read()) for read in record_blocks(path, columns, numbers)])


def _check_header(columns: Sequence[str], where: str, header: tuple[str, ...]) -> None:
    names = [name.lower() for name in header]
    missing = [column for column in columns if column not in names]
    if missing:
        raise DataError(
            f"{where}: no column {', '.join(missing)}; the header has {', '.join(names)}."
        )
    twice = [column for column in columns if names.count(column) > 1]
    if twice:
        raise DataError(f"{where}: the column {twice[0]} is a duplicate; remove one.")


def _frame(text: CsvText, columns: Sequence[str], numbers: Sequence[str]) -> pd.DataFrame:
    places = {name.lower(): place for place, name in enumerate(text.header)}
    chosen = sorted(places[column] for column in columns)
    whole = {places[column] for column in numbers}
    empty: dict[str, Any] = {"keep_default_na": False, "na_values": [""]}
    try:
        types = {place: np.int64 if place in whole else str for place in chosen}
        frame = text.frame(chosen, types, **empty)
    except DataError:
        raise
    except ValueError:  # a cell is not a whole number
        frame = text.frame(chosen, **empty)
    return frame[[places[column] for column in columns]].set_axis(list(columns), axis=1)


def whole_numbers(frame: pd.DataFrame, column: str, path: Path) -> np.ndarray:
    """A column as int64.

    Raises:
        DataError: if a cell is empty or not a whole number; the message contains its row.
    """
    if frame[column].dtype == np.int64:
        return frame[column].to_numpy()
    values = to_numbers(frame[column])
    bad = ~((np.abs(values) <= 2**53) & (values == np.floor(values)))
    refuse_cells(bad, frame, column, path, "a whole number")
    return values.astype(np.int64)


def flags(frame: pd.DataFrame, column: str, path: Path) -> np.ndarray:
    """A column of zeros and ones as booleans.

    Raises:
        DataError: if a cell is not 0 or 1; the message contains its row.
    """
    values = whole_numbers(frame, column, path)
    refuse_cells(~np.isin(values, (0, 1)), frame, column, path, "0 or 1")
    return values == 1


def dates(
    frame: pd.DataFrame, column: str, path: Path, *, required: bool = True
) -> pd.Series[pd.Timestamp]:
    """A column as timestamps. If ``required`` is False, missing dates become NaT.

    Raises:
        DataError: if a cell is not a date; the message contains its row.
    """
    import pandas as pd

    cells = frame[column]
    values = pd.to_datetime(cells, format=_DATES, errors="coerce")
    # pandas also reads a date that was cut, one with spaces for digits, and the second 60.
    written = cells.str.fullmatch(_WRITTEN).fillna(False).astype(bool)
    bad = (values.isna() | ~written) & (required | cells.notna())
    refuse_cells(bad.to_numpy(bool), frame, column, path, "a date such as 2164-10-23 21:09:00")
    return values


def refuse_duplicates(values: np.ndarray, frame: pd.DataFrame, column: str, path: Path) -> None:
    """Refuse an id that occurs twice.

    Args:
        values: the ids.
        frame: the table with their rows.
        column: their column.
        path: the file, for the error message.

    Raises:
        DataError: the message contains the id and both rows.
    """
    import pandas as pd

    twice = np.flatnonzero(pd.Series(values).duplicated())
    if len(twice):
        value = values[twice[0]]
        first = np.flatnonzero(values == value)[0]
        raise DataError(
            f"{path}, row {frame.index[twice[0]]}, column {column}: {value} occurs twice, first in "
            f"row {frame.index[first]}. Remove one."
        )


def refuse_cells(
    bad: np.ndarray, frame: pd.DataFrame, column: str, path: Path, allowed: str
) -> None:
    """Refuse the first cell that is marked as invalid.

    Args:
        bad: whether each cell is invalid, boolean.
        frame: the table.
        column: the column of the cells.
        path: the file, for the error message.
        allowed: what is allowed, for the error message.

    Raises:
        DataError: if a cell is invalid; the message contains its row.
    """
    rows = np.flatnonzero(bad)
    if len(rows):
        cell = frame[column].iloc[rows[0]]
        shown = "an empty cell" if cell != cell else short(str(cell))
        more = f", the first of {len(rows):,}" if len(rows) > 1 else ""
        raise DataError(
            f"{path}, row {frame.index[rows[0]]}, column {column}: got {shown}{more}. Allowed: "
            f"{allowed}."
        )

"""Finds and reads tables of clinical records; reports invalid cells by row and column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kerasnets.data.locate import not_found, places
from kerasnets.data.tables.cells import DataError

if TYPE_CHECKING:
    import pandas as pd

_DATES = "%Y-%m-%d %H:%M:%S"


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
                if path.name.lower() in wanted
            }
            if len(files) == len(tables):
                return files
            if files:
                absent = ", ".join(table for table in tables if table not in files)
                searched[-1] += f" (has {', '.join(sorted(files))}, not {absent})"
    described = f"the tables {', '.join(tables)} (.csv or .csv.gz)"
    raise not_found(name, searched, described, "mortality-simulated", origin)


def read_records(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read some columns of a table as text, with empty cells as missing values.

    Args:
        path: a CSV file, plain or gzip.
        columns: names in lower case; in the file they may be in upper case.

    Raises:
        DataError: if the file cannot be read, or a column is missing.
    """
    import pandas as pd

    try:
        header = list(pd.read_csv(path, nrows=0, dtype=str).columns)
        names = {str(column).strip().lower(): column for column in header}
        missing = [column for column in columns if column not in names]
        if missing:
            raise DataError(
                f"{path}: no column {', '.join(missing)}; the header has {', '.join(names)}."
            )
        frame = pd.read_csv(path, usecols=[names[column] for column in columns], dtype=str)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, EOFError, OSError) as error:
        raise DataError(f"{path}: not a readable table ({error}). Download it again.") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: not UTF-8 text. Expected CSV, plain or gzip.") from None
    return frame.rename(columns=lambda column: str(column).strip().lower())[list(columns)]


def whole_numbers(frame: pd.DataFrame, column: str, path: Path) -> np.ndarray:
    """A column as int64.

    Raises:
        DataError: if a cell is empty or not a whole number; the message contains its row.
    """
    import pandas as pd

    values = pd.to_numeric(frame[column], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    with np.errstate(invalid="ignore"):
        bad = ~np.isfinite(values) | (values != np.floor(values)) | (np.abs(values) > 2**53)
    _refuse(bad, frame, column, path, "a whole number")
    return values.astype(np.int64)


def dates(
    frame: pd.DataFrame, column: str, path: Path, *, required: bool = True
) -> pd.Series[pd.Timestamp]:
    """A column as timestamps. If ``required`` is False, missing dates become NaT.

    Raises:
        DataError: if a cell is not a date; the message contains its row.
    """
    import pandas as pd

    values = pd.to_datetime(frame[column], format=_DATES, errors="coerce")
    bad = values.isna() if required else values.isna() & frame[column].notna()
    _refuse(bad.to_numpy(), frame, column, path, "a date such as 2164-10-23 21:09:00")
    return values


def refuse_duplicates(values: np.ndarray, column: str, path: Path) -> None:
    """Refuse an id that occurs twice.

    Raises:
        DataError: the message contains the id and both rows.
    """
    import pandas as pd

    twice = np.flatnonzero(pd.Series(values).duplicated())
    if len(twice):
        value = values[twice[0]]
        first = np.flatnonzero(values == value)[0]
        raise DataError(
            f"{path}, row {twice[0] + 2}, column {column}: {value} occurs twice, first in row "
            f"{first + 2}. Remove one."
        )


def _refuse(bad: np.ndarray, frame: pd.DataFrame, column: str, path: Path, wanted: str) -> None:
    rows = np.flatnonzero(bad)
    if len(rows):
        cell = frame[column].iloc[rows[0]]
        shown = "an empty cell" if cell != cell else repr(cell)
        more = f", the first of {len(rows):,}" if len(rows) > 1 else ""
        raise DataError(
            f"{path}, row {rows[0] + 2}, column {column}: got {shown}{more}. Allowed: {wanted}."
        )

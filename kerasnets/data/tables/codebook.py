"""Convert the columns of a table to numbers, as learned from the training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

# Cells that count as missing dates and numbers, in upper or lower case. In a column of categories
# they are categories like any other.
MISSING = ("", "na", "n/a", "nan", "nul", "null", "missing", "unknown")


@dataclass(frozen=True)
class Column:
    """How the cells of one column become numbers.

    Attributes:
        name: name of the column.
        kind: ``"date"``, ``"number"`` or ``"category"``.
        origin: for dates, the day that becomes 0.
        fill: for dates and numbers, the value of a missing cell.
        categories: for categories, their texts; the first becomes 1. Any other text becomes 0.
    """

    name: str
    kind: str
    origin: str = ""
    fill: float = 0.0
    categories: tuple[str, ...] = ()

    def apply(self, cells: pd.Series) -> np.ndarray:
        """Convert cells to float32 numbers of shape ``(n,)``.

        Raises:
            ValueError: if a cell of a date column is not a date; the message contains it.
        """
        if self.kind == "category":
            codes = {category: code for code, category in enumerate(self.categories, 1)}
            return _text(cells).map(codes).fillna(0).to_numpy(np.float32)
        values = _days(_text(cells), self.origin) if self.kind == "date" else _numbers(cells)
        return np.where(np.isnan(values), self.fill, values).astype(np.float32)


def fit_columns(cells: pd.DataFrame) -> tuple[Column, ...]:
    """Learn from the training rows how each column becomes a number.

    Columns of numbers stay numbers. Columns of dates, and columns with names that end in ``_dt``,
    become days since the first date. All others are categories, numbered from 1 in alphabetical
    order: the natural order of age groups, and of "no" and "yes". A category that is not in the
    training rows becomes 0. A missing date or number becomes the median of its column.

    Args:
        cells: the training rows; text or numbers.

    Raises:
        ValueError: if a cell of a column named ``…_dt`` is not a date.
    """
    return tuple(_fit(str(name), cells[name]) for name in cells)


def encode_table(cells: pd.DataFrame, codebook: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Convert a table to the numbers a net was trained on.

    Args:
        cells: a table with the columns of the codebook; other columns are ignored.
        codebook: ``data.codebook`` of a data set, or ``run.codebook`` of a run.

    Returns:
        float32, shape ``(n, columns)``.

    Raises:
        ValueError: if a column is missing, or a cell of a date column is not a date.
    """
    columns = [
        Column(**{**entry, "categories": tuple(entry["categories"])})  # JSON has lists
        for entry in codebook
    ]
    missing = [column.name for column in columns if column.name not in cells]
    if missing:
        raise ValueError(
            f"No column {', '.join(missing)}; the codebook has "
            f"{', '.join(column.name for column in columns)}."
        )
    return np.stack([column.apply(cells[column.name]) for column in columns], axis=1)


def _fit(name: str, cells: pd.Series) -> Column:
    from pandas.api.types import is_numeric_dtype

    if is_numeric_dtype(cells):
        return Column(name, "number", fill=_median(_numbers(cells)))
    cells = _text(cells)
    known = cells[~_is_missing(cells)]
    if not name.endswith("_dt") and len(known) and not np.isnan(_numbers(known)).any():
        return Column(name, "number", fill=_median(_numbers(cells)))
    if name.endswith("_dt") or (len(known) and _parse_dates(known).notna().all()):
        origin = str(known.str.replace("/", "-").min()) if len(known) else "1970-01-01"
        return Column(name, "date", origin=origin, fill=_median(_days(cells, origin)))
    return Column(name, "category", categories=tuple(sorted(set(cells) - {""})))


def _text(cells: pd.Series) -> pd.Series:
    """The cells as text; missing cells become empty strings."""
    return cells.astype(str).where(cells.notna(), "")


def _is_missing(cells: pd.Series) -> pd.Series:
    return cells.str.strip().str.lower().isin(MISSING)


def _parse_dates(cells: pd.Series) -> pd.Series:
    """Cells as timestamps, NaT for cells that are not dates."""
    import pandas as pd

    written = cells.str.replace("/", "-")
    return pd.to_datetime(written, format="ISO8601", errors="coerce", utc=True)


def _days(cells: pd.Series, origin: str) -> np.ndarray:
    """Days since the origin, NaN for missing cells."""
    import pandas as pd

    dates = _parse_dates(cells)
    wrong = dates.isna() & ~_is_missing(cells)
    if wrong.any():
        place = int(wrong.to_numpy().argmax())
        raise ValueError(
            f"row {cells.index[place]}, column {cells.name}: {cells.iloc[place]!r} is not a date. "
            "Allowed: year, month, day, such as 2020/03/22 or 2020-03-22, or an empty cell."
        )
    return ((dates - pd.to_datetime(origin, utc=True)) / pd.Timedelta(days=1)).to_numpy(np.float64)


def _numbers(cells: pd.Series) -> np.ndarray:
    """The cells as numbers, NaN for missing, infinite and other cells."""
    import pandas as pd

    values = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)


def _median(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else 0.0

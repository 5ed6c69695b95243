"""Convert the columns of a table to numbers, as learned from the training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets._tables import percent
from kerasnets.data.tables.cells import short, to_numbers
from kerasnets.data.tables.privacy import MIN_ROWS, check_allowed, check_name, common_texts

if TYPE_CHECKING:
    import pandas as pd

# Cells that count as missing dates and numbers, in upper or lower case. In a column of categories
# they are categories like any other.
MISSING = ("", "na", "n/a", "<na>", "nan", "nat", "none", "nul", "null", "missing", "unknown")
_LARGEST = float(np.finfo(np.float32).max)
# A column in which so many cells are numbers or dates, and others are not, has invalid cells. With
# few different texts, such as 0, 1, 2, 3+, it holds categories.
_MOSTLY = 0.9
_FEW_TEXTS = 10


@dataclass(frozen=True)
class Column:
    """How the cells of one column become numbers.

    Nothing in it belongs to a single row: it is stored in the run folder and in every export.

    Attributes:
        name: name of the column.
        kind: ``"date"``, ``"number"`` or ``"category"``.
        origin: for dates, the day that becomes 0: the first of January of the year of the median.
        fill: for dates and numbers, the value of a missing cell: the mean of the 5 (or 6) middle
            values, which is close to the median and is not the value of one row.
        categories: for categories, the texts of at least ``min_rows`` training rows; the first
            becomes 1. Any other text and an empty cell become 0.
        min_rows: number of rows (or groups) that each category has at least; 0 if unknown.
    """

    name: str
    kind: str
    origin: str = ""
    fill: float = 0.0
    categories: tuple[str, ...] = ()
    min_rows: int = 0

    def apply(self, cells: pd.Series) -> np.ndarray:
        """Convert cells to float32 numbers of shape ``(n,)``.

        Raises:
            ValueError: if a cell of a column of dates or numbers is neither one nor missing; the
                message contains its row.
        """
        if self.kind == "category":
            codes = {category: code for code, category in enumerate(self.categories, 1)}
            return _text(cells).map(codes).fillna(0).to_numpy(np.float32)
        is_date = self.kind == "date"
        values = _days(_text(cells), self.origin) if is_date else _finite_numbers(cells)
        return np.where(np.isnan(values), self.fill, values).astype(np.float32)


def fit_columns(
    cells: pd.DataFrame,
    groups: np.ndarray | None = None,
    allow: str | Sequence[str] = (),
) -> tuple[Column, ...]:
    """Learn from the training rows how each column becomes a number.

    Columns of numbers stay numbers. Columns of dates, and columns with names that end in ``_dt``,
    become days since the first of January of the year of their median. All others are categories,
    numbered from 1 in alphabetical order: the natural order of age groups, and of "no" and "yes".
    Categories of fewer than 5 rows, or of no training row, become 0. A missing date or number
    becomes the mean of the middle values of its column.

    Args:
        cells: the training rows; text or numbers.
        groups: group (person) of each row. If given, categories are counted in groups.
        allow: columns to keep although they look like identifiers or free text: by their names,
            such as ``patient_name``, or because most of their texts are in fewer than 5 rows.

    Raises:
        ValueError: if a column looks like an identifier or free text and is not allowed, none of
            its texts is in 5 rows, or a cell is not the number or date that the others are.
    """
    allow = [allow] if isinstance(allow, str) else list(allow)
    check_allowed(allow, [str(name) for name in cells])
    return tuple(_fit(str(name), cells[name], groups, str(name) in allow) for name in cells)


def encode_table(cells: pd.DataFrame, codebook: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Convert a table to the numbers a net was trained on.

    Args:
        cells: a table with the columns of the codebook; other columns are ignored.
        codebook: ``data.codebook`` of a data set, or ``run.codebook`` of a run.

    Returns:
        float32, shape ``(n, columns)``.

    Raises:
        ValueError: if a column is missing, or a cell of a column of dates or numbers is neither one
            nor missing.
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


def encode_numbers(cells: pd.DataFrame) -> np.ndarray:
    """Convert a table of numbers without a codebook; no cell may be missing.

    Returns:
        float32, shape ``(n, columns)``.

    Raises:
        ValueError: if a cell is not a finite number; the message contains its row.
    """
    columns = []
    for name in cells:
        values = _finite_numbers(cells[name])
        if np.isnan(values).any():
            raise _cell_error(cells[name], np.isnan(values), "missing; the net needs a number")
        columns.append(values.astype(np.float32))
    return np.stack(columns, axis=1)


def _fit(name: str, cells: pd.Series, groups: np.ndarray | None, allowed: bool) -> Column:
    from pandas.api.types import is_numeric_dtype

    is_number = is_numeric_dtype(cells)
    if not allowed:
        check_name(name, is_text=not is_number)
    if is_number:
        return _number_column(name, cells, groups)
    cells = _text(cells)
    known = cells[~_is_missing(cells)]
    few = known.nunique() <= _FEW_TEXTS
    if not name.endswith("_dt"):
        numbers = ~np.isnan(to_numbers(known))
        if _are_all(numbers, allowed or few, known, "number"):
            return _number_column(name, cells, groups)
    dates = _parse_dates(known)
    if name.endswith("_dt") or _are_all(dates.notna().to_numpy(), allowed or few, known, "date"):
        origin = _first_of_year(dates)
        fill = _middle(_days(cells, origin), groups)
        return Column(name, "date", origin=origin, fill=fill, min_rows=MIN_ROWS)
    written = (cells != "").to_numpy()
    groups = None if groups is None else groups[written]
    texts = common_texts(name, cells[written], groups, allowed=allowed)
    return Column(name, "category", categories=texts, min_rows=MIN_ROWS)


def _number_column(name: str, cells: pd.Series, groups: np.ndarray | None) -> Column:
    fill = _middle(_finite_numbers(cells), groups)
    return Column(name, "number", fill=fill, min_rows=MIN_ROWS)


def _are_all(valid: np.ndarray, may_be_categories: bool, cells: pd.Series, kind: str) -> bool:
    """Whether all cells are valid numbers or dates.

    Raises:
        ValueError: if nearly all are, so that the others must be mistakes.
    """
    if not len(valid) or valid.all():
        return bool(len(valid))
    if valid.mean() >= _MOSTLY and not may_be_categories:
        raise _cell_error(
            cells, ~valid, f"not a {kind}, but {percent(valid.mean(), 0)} of the column are. "
            "Correct the cell or leave it empty, or keep its texts as categories: "
            f"allow=[{cells.name!r}]"
        )  # fmt: skip
    return False


def _text(cells: pd.Series) -> pd.Series:
    """The cells as text; missing cells become empty strings."""
    return cells.astype(str).where(cells.notna(), "")


def _is_missing(cells: pd.Series) -> pd.Series:
    return cells.str.strip().str.lower().isin(MISSING)


def _parse_dates(cells: pd.Series) -> pd.Series:
    """Cells as timestamps, NaT for cells that are not dates."""
    import pandas as pd

    written = cells.str.replace("/", "-")
    # ISO 8601 also has 2020 and 2020-03: dates that were cut.
    written = written.where(written.str.match(r"\s*\d{4}-\d{2}-\d{2}"), "")
    return pd.to_datetime(written, format="ISO8601", errors="coerce", utc=True)


def _first_of_year(dates: pd.Series) -> str:
    """The first of January of the year of the median date; of 1970 if there are few dates."""
    years = dates.dropna().dt.year
    return f"{int(years.median()):04d}-01-01" if len(years) >= MIN_ROWS else "1970-01-01"


def _days(cells: pd.Series, origin: str) -> np.ndarray:
    """Days since the origin, NaN for missing cells."""
    import pandas as pd

    dates = _parse_dates(cells)
    wrong = (dates.isna() & ~_is_missing(cells)).to_numpy(bool)
    if wrong.any():
        raise _cell_error(
            cells, wrong, "not a date. Allowed: year, month, day, such as 2020/03/22 or "
            "2020-03-22, or an empty cell"
        )  # fmt: skip
    return ((dates - pd.to_datetime(origin, utc=True)) / pd.Timedelta(days=1)).to_numpy(np.float64)


def _finite_numbers(cells: pd.Series) -> np.ndarray:
    """The cells as numbers, NaN for missing cells."""
    from pandas.api.types import is_numeric_dtype

    values = to_numbers(cells)
    if not is_numeric_dtype(cells):
        text = _text(cells).str.strip().str.lower()
        values = np.where(text == "true", 1.0, np.where(text == "false", 0.0, values))
        unknown = np.isnan(values) & ~_is_missing(text).to_numpy(bool)
    else:
        unknown = np.zeros(len(values), bool)
    wrong = unknown | (np.abs(values) > _LARGEST)
    if wrong.any():
        raise _cell_error(cells, wrong, "not a finite float32 number or an empty cell")
    return values


def _cell_error(cells: pd.Series, wrong: np.ndarray, why: str) -> ValueError:
    place = int(wrong.argmax())
    cell = short(str(cells.iloc[place]))
    return ValueError(f"row {cells.index[place]}, column {cells.name}: {cell} is {why}.")


def _middle(values: np.ndarray, groups: np.ndarray | None) -> float:
    """The mean of the 5 middle values, or 6 of an even number; 0 if there are fewer than 5.

    With groups, each group has one value, its mean.
    """
    if groups is not None:
        import pandas as pd

        values = pd.Series(values).groupby(groups).mean().to_numpy()
    known = np.sort(values[~np.isnan(values)])
    if len(known) < MIN_ROWS:
        return 0.0
    beside = (len(known) - MIN_ROWS) // 2
    return float(known[beside : len(known) - beside].mean())

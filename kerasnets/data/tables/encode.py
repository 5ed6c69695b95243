"""What tables share: splitting rows, and encoding columns of text with what a split knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets.data.dataset import Dataset, Split, checksum
from kerasnets.data.splits import split_rows

if TYPE_CHECKING:
    import pandas as pd

# Cells that say nothing, in any case; a category of this name is still one of its own.
NOTHING = ("", "na", "n/a", "nan", "nul", "null", "missing", "unknown")


@dataclass(frozen=True)
class Column:
    """How the cells of one column become numbers.

    Attributes:
        name: the column's name.
        kind: ``"date"``, ``"number"`` or ``"category"``.
        origin: of dates, the day that is 0.
        fill: of dates and numbers, what stands for a cell that says nothing.
        categories: in the order of their codes, from 1; any other has the code 0.
    """

    name: str
    kind: str
    origin: str = ""
    fill: float = 0.0
    categories: tuple[str, ...] = ()

    def apply(self, cells: pd.Series) -> np.ndarray:
        """The numbers of some cells, float32, shape ``(n,)``.

        Raises:
            ValueError: if a cell of a column of dates is no date; the message names it.
        """
        if self.kind == "category":
            codes = {category: code for code, category in enumerate(self.categories, 1)}
            return cells.map(codes).fillna(0).to_numpy(np.float32)
        values = _days(cells, self.origin) if self.kind == "date" else _numbers(cells)
        return np.where(np.isnan(values), self.fill, values).astype(np.float32)


def fit_columns(cells: pd.DataFrame) -> tuple[Column, ...]:
    """Learn from the training rows how each column of text becomes a number.

    Columns whose names end in ``_dt`` hold dates: days since the first of them. Columns of
    nothing but numbers stay numbers. All others hold categories, numbered from 1 in
    alphabetical order, which is the natural one for age groups and for no and yes; one that the
    training rows do not have is 0. A missing date or number is the median of its column.

    Args:
        cells: text, a row a case.

    Raises:
        ValueError: if a cell of a column of dates is no date.
    """
    return tuple(_fit(str(name), cells[name]) for name in cells)


def table_dataset(
    name: str,
    cells: pd.DataFrame,
    y: np.ndarray,
    *,
    class_names: tuple[str, ...],
    seed: int,
    source: str,
    counts: dict[str, int] | None = None,
) -> Dataset:
    """Split rows of text 60/20/20, stratified, and encode them with what the training rows know."""
    import pandas as pd

    parts = split_rows(y, seed=seed)
    codebook = tuple(asdict(column) for column in fit_columns(cells.iloc[parts[0]]))
    x = encode_table(cells, codebook)
    rows = pd.util.hash_pandas_object(cells, index=False).to_numpy()
    data = number_dataset(
        name, x, y, parts, feature_names=tuple(column["name"] for column in codebook),
        class_names=class_names, seed=seed, source=source, digest=checksum(rows, y), counts=counts,
    )  # fmt: skip
    return replace(data, codebook=codebook)


def encode_table(cells: pd.DataFrame, codebook: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Cells of text as the numbers a net was trained on.

    Args:
        cells: text, a row a case, with the columns of the codebook among them.
        codebook: of a data set or a run: ``data.codebook``, ``run.codebook``.

    Returns:
        float32, shape ``(n, columns)``.

    Raises:
        ValueError: if a column is missing, or a cell of a column of dates is no date.
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


def number_dataset(
    name: str,
    x: np.ndarray,
    y: np.ndarray,
    parts: Sequence[np.ndarray],
    *,
    feature_names: tuple[str, ...],
    class_names: tuple[str, ...],
    seed: int,
    source: str,
    digest: str | None = None,
    counts: dict[str, int] | None = None,
) -> Dataset:
    """A table of numbers as a data set split by row."""
    train, validation, test = (Split(x[part], y[part]) for part in parts)
    return Dataset(
        name=name,
        train=train,
        validation=validation,
        test=test,
        class_names=class_names,
        split="row",
        seed=seed,
        source=source,
        checksum=digest or checksum(x, y),
        counts=counts or {},
        feature_names=feature_names,
    )


def _fit(name: str, cells: pd.Series) -> Column:
    if name.endswith("_dt"):
        known = cells[~_says_nothing(cells)].str.replace("/", "-")
        origin = str(known.min()) if len(known) else "1970-01-01"
        return Column(name, "date", origin=origin, fill=_median(_days(cells, origin)))
    known = cells[~_says_nothing(cells)]
    if len(known) and not np.isnan(_numbers(known)).any():
        return Column(name, "number", fill=_median(_numbers(cells)))
    return Column(name, "category", categories=tuple(sorted(set(cells) - {""})))


def _says_nothing(cells: pd.Series) -> pd.Series:
    return cells.str.strip().str.lower().isin(NOTHING)


def _days(cells: pd.Series, origin: str) -> np.ndarray:
    """Days since the origin, NaN for cells that say nothing."""
    import pandas as pd

    written = cells.where(~_says_nothing(cells)).str.replace("/", "-")
    dates = pd.to_datetime(written, format="ISO8601", errors="coerce")
    wrong = dates.isna() & written.notna()
    if wrong.any():
        place = int(wrong.to_numpy().argmax())
        raise ValueError(
            f"row {cells.index[place]}, column {cells.name}: {cells.iloc[place]!r} is not a date. "
            "Allowed: year, month, day, such as 2020/03/22 or 2020-03-22, or an empty cell."
        )
    return ((dates - pd.Timestamp(origin)) / pd.Timedelta(days=1)).to_numpy(np.float64)


def _numbers(cells: pd.Series) -> np.ndarray:
    import pandas as pd

    values = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def _median(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else 0.0

"""Loads COVID-19 case reports: whether the person died, from 11 columns of the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kerasnets._errors import unknown_name
from kerasnets.data.catalogue import register
from kerasnets.data.dataset import Dataset
from kerasnets.data.locate import not_found, places
from kerasnets.data.options import whole_number
from kerasnets.data.tables.cells import DataError
from kerasnets.data.tables.codebook import MISSING
from kerasnets.data.tables.csv_text import read_csv_text
from kerasnets.data.tables.dataset import table_dataset

if TYPE_CHECKING:
    import pandas as pd

OUTCOME = "death_yn"
FEATURES = 11
CLASS_NAMES = ("survived", "died")
_NAMES = ("covid*.csv", "covid*.csv.gz", "COVID*.csv", "COVID*.csv.gz")
_ORIGIN = (
    "the CSV file 'COVID-19 Case Surveillance Public Use Data' of the CDC (data.cdc.gov, data set "
    "vbim-akqf)"
)


@register("covid", splits=("row",))
def load_covid(
    *,
    data_dir: str | Path | None,
    split: str,
    seed: int,
    rows: int = 0,
    drop: str | Sequence[str] = (),
    allow: str | Sequence[str] = (),
    folds: int = 0,
    fold: int = 0,
) -> Dataset:
    """COVID-19 cases of the CDC's case surveillance: 11 columns, and whether the person died.

    As in S4 the inputs are the first 11 columns other than ``death_yn``: dates as days, categories
    as numbers, see :func:`kerasnets.data.tables.codebook.fit_columns`. Cases whose outcome is
    missing or unknown are left out and counted.

    Args:
        data_dir: a CSV file, plain or gzip, a folder with ``covid*.csv``, or a folder with a
            subfolder ``covid`` that contains it.
        split: ``"row"``.
        seed: seed of the split.
        rows: number of rows of the file to read; 0 for all.
        drop: columns to leave out; the next columns of the file replace them.
        allow: columns to keep although they look like identifiers or free text, see
            :func:`kerasnets.data.tables.codebook.fit_columns`.
        folds: number of folds of a cross-validation, or 0 for a single split.
        fold: number of the test fold, from 0.

    Raises:
        ValueError: if the file is invalid, or a column looks like an identifier or free text.
        FileNotFoundError: if the file is not found.
    """
    whole_number("rows", rows, 0)
    path = _find(data_dir)
    cases = read_cases(path, rows, drop)
    return covid_dataset("covid", cases, str(path), seed, allow, folds, fold)


def read_cases(path: Path, rows: int = 0, drop: str | Sequence[str] = ()) -> pd.DataFrame:
    """Read a CSV file as text, with the outcome last and rows numbered as in the file.

    Args:
        path: a CSV file, plain or gzip.
        rows: number of rows to read; 0 for all.
        drop: columns to leave out; the next ones replace them.

    Raises:
        DataError: if the file is damaged, has no column ``death_yn``, or too few others.
        ValueError: if a column to drop does not exist.
        OSError: if the file cannot be read.
    """
    dropped = [drop] if isinstance(drop, str) else drop

    def choose(names: Sequence[str]) -> list[str]:
        left_out = {"", OUTCOME, *dropped}
        return [name for name in names if name not in left_out and name != "Unnamed: 0"]

    def check_header(where: str, header: tuple[str, ...]) -> None:
        unknown = [name for name in dropped if name not in header]
        if unknown:
            raise unknown_name(f"column to drop from {path}:", unknown[0], header)
        if OUTCOME not in header or len(choose(header)) < FEATURES:
            raise DataError(
                f"{where}: expected a column {OUTCOME} and {FEATURES} others; the header has "
                f"{', '.join(header)}."
            )

    text = read_csv_text(path, rows or None, check_header)
    names = [*choose(text.header)[:FEATURES], OUTCOME]
    places = [text.header.index(name) for name in names]
    cells = text.frame(sorted(places), keep_default_na=False)
    return cells[places].set_axis(names, axis=1)


def covid_dataset(
    name: str,
    cases: pd.DataFrame,
    source: str,
    seed: int,
    allow: str | Sequence[str] = (),
    folds: int = 0,
    fold: int = 0,
) -> Dataset:
    """Make a data set from cases as text, with the outcome as the last column.

    Raises:
        DataError: if an outcome is not yes, no or missing, or too few outcomes are known.
    """
    outcome = cases[OUTCOME].str.strip().str.lower()
    unknown = outcome.isin(MISSING)
    wrong = ~unknown & ~outcome.isin(["yes", "no"])
    if wrong.any():
        place = int(wrong.to_numpy().argmax())
        row, cell = cases.index[place], cases[OUTCOME].iloc[place]
        raise DataError(
            f"{source}, row {row}, column {OUTCOME}: {cell!r}. Allowed: Yes, No, "
            "or Missing, Unknown or an empty cell."
        )
    known = cases[~unknown].drop(columns=OUTCOME)
    y = (outcome[~unknown] == "yes").to_numpy(np.int32)
    try:
        return table_dataset(
            name, known, y, class_names=CLASS_NAMES, seed=seed, source=source, allow=allow,
            folds=folds, fold=fold,
            counts={"cases read": len(cases),
                    "left out, outcome missing or unknown": int(unknown.sum())},
        )  # fmt: skip
    except DataError:
        raise
    except ValueError as error:
        raise DataError(f"{source}, {error}") from None


def _find(data_dir: str | Path | None) -> Path:
    searched = []
    for place in places(data_dir):
        if place.is_file():
            return place
        for folder in (place, place / "covid"):
            searched.append(str(folder))
            found = sorted(path for pattern in _NAMES for path in folder.glob(pattern))
            if found:
                return found[0]
    raise not_found("covid", searched, "covid*.csv (or .csv.gz)", "covid-simulated", _ORIGIN)

"""Data sets of tables, split by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import numpy as np

from kerasnets.data.dataset import Dataset, Split
from kerasnets.data.inputs import checksum
from kerasnets.data.splits import split_fold
from kerasnets.data.tables.codebook import encode_table, fit_columns

if TYPE_CHECKING:
    import pandas as pd


def table_dataset(
    name: str,
    cells: pd.DataFrame,
    y: np.ndarray,
    *,
    class_names: tuple[str, ...],
    seed: int,
    source: str,
    folds: int = 0,
    fold: int = 0,
    counts: dict[str, int] | None = None,
    allow: str | Sequence[str] = (),
) -> Dataset:
    """Split rows of text and encode them with a codebook from the training rows.

    The split is stratified by class.

    Args:
        name: name of the data set.
        cells: text, one row per example.
        y: class numbers, int32, shape ``(n,)``.
        class_names: one name per class.
        seed: seed of the split.
        source: where the table came from.
        folds: number of folds of a cross-validation, or 0 for a single split.
        fold: number of the test fold, from 0.
        counts: number of records that were read or left out, by description.
        allow: columns to keep although they look like identifiers or free text.

    Raises:
        ValueError: see :func:`kerasnets.data.tables.codebook.fit_columns`.
    """
    import pandas as pd

    parts = split_fold(y, folds=folds, fold=fold, seed=seed)
    codebook = tuple(asdict(column) for column in fit_columns(cells.iloc[parts[0]], allow=allow))
    x = encode_table(cells, codebook)
    rows = pd.util.hash_pandas_object(cells, index=False).to_numpy()
    data = number_dataset(
        name, x, y, parts, feature_names=tuple(column["name"] for column in codebook),
        class_names=class_names, seed=seed, source=source,
    )  # fmt: skip
    return replace(data, codebook=codebook, checksum=checksum(rows, y), counts=counts or {})


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
) -> Dataset:
    """A table of numbers, shape ``(n, features)``, as a data set split by row."""
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
        checksum=checksum(x, y),
        feature_names=feature_names,
    )

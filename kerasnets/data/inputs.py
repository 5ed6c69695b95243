"""Convert inputs of any kind to the arrays of a data set, and compute their checksum."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kerasnets.data.tables.codebook import encode_table, fit_columns

if TYPE_CHECKING:
    import pandas as pd


class Inputs(NamedTuple):
    """Inputs ready for training.

    Attributes:
        x: an array, several by name, or sequences of visits.
        feature_names: name of each column of a table; else empty.
        codebook: how each column of a table is converted to numbers; else empty.
        content: arrays with the data before encoding, for the checksum.
    """

    x: Any
    feature_names: tuple[str, ...]
    codebook: tuple[Mapping[str, Any], ...]
    content: tuple[np.ndarray, ...]


def as_inputs(x: Any) -> Any:
    """Convert inputs to arrays of numbers; a DataFrame or sequences of visits do not change.

    A single array becomes float32. In a mapping, floats become float32, and integers and
    booleans, such as token numbers and lengths, become int32.

    Args:
        x: an array or list, a mapping of them, a DataFrame, or sequences of visits.

    Raises:
        ValueError: if ``x`` is none of these, empty, not numeric, or its arrays differ in length.
    """
    if is_frame(x) or hasattr(x, "subset"):
        return x
    if not isinstance(x, Mapping):
        return _numbers(x, "x", np.float32)
    if not x:
        raise ValueError("x is an empty mapping; give one array per input of the model.")
    arrays = {str(name): _numbers(array, f"x[{name!r}]", np.int32) for name, array in x.items()}
    rows = {name: len(array) for name, array in arrays.items()}
    if len(set(rows.values())) > 1:
        raise ValueError(f"The arrays of x must have the same number of rows, got {rows}.")
    return arrays


def rows_of(x: Any) -> int:
    """The number of examples in inputs made by :func:`as_inputs`."""
    return len(next(iter(x.values()))) if isinstance(x, dict) else len(x)


def encode_inputs(
    x: Any,
    train: np.ndarray,
    feature_names: Sequence[str] | None,
    groups: np.ndarray | None = None,
    allow: str | Sequence[str] = (),
) -> Inputs:
    """Encode a table with a codebook from its training rows; return other inputs unchanged.

    Args:
        x: inputs made by :func:`as_inputs`.
        train: the training rows.
        feature_names: name of each column of an array of shape ``(n, features)``.
        groups: group (person) of each row, if known.
        allow: for a table, columns to keep although they look like identifiers or free text.

    Raises:
        ValueError: if the names do not fit the columns, or see
            :func:`kerasnets.data.tables.codebook.fit_columns`.
    """
    if is_frame(x):
        return _encode_frame(x, train, groups, allow)
    if allow:
        raise ValueError("allow is only for the columns of a table.")
    names = tuple(map(str, feature_names or ()))
    if names and (not isinstance(x, np.ndarray) or x.ndim != 2 or x.shape[1] != len(names)):
        shape = x.shape if isinstance(x, np.ndarray) else type(x).__name__
        raise ValueError(
            f"feature_names has {len(names)} names, so x must have the shape (n, {len(names)}), "
            f"got {shape}."
        )
    if isinstance(x, np.ndarray):
        return Inputs(x, names, (), (x,))
    content = (np.array(list(x)), *x.values()) if isinstance(x, dict) else x.content
    return Inputs(x, names, (), content)


def is_frame(x: Any) -> bool:
    """Whether ``x`` is a pandas DataFrame; does not import pandas."""
    return hasattr(x, "columns") and hasattr(x, "iloc")


def checksum(*arrays: np.ndarray) -> str:
    """SHA-256 over dtype, shape and bytes of the arrays, in order."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _numbers(x: Any, name: str, integers: type[np.generic]) -> np.ndarray:
    if x is None:
        raise ValueError(f"{name} is None; give an array with one row per example.")
    try:
        array = np.asarray(x)
    except ValueError:
        raise ValueError(
            f"{name} has rows of different shapes. Pad sequences to one length and give their "
            "true lengths as a second input: {'visits': padded, 'length': lengths}."
        ) from None
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} holds {array.dtype}, not numbers. Convert it, or give a table of text, "
            "categories or dates as a pandas DataFrame, whose columns are encoded."
        )
    if not array.ndim or not array.size:
        raise ValueError(f"{name} has shape {array.shape}; give at least one row of numbers.")
    dtype = np.dtype(np.float32 if array.dtype.kind == "f" else integers)
    _check_range(name, array, dtype)
    return array.astype(dtype, copy=False)


def _check_range(name: str, array: np.ndarray, dtype: np.dtype[Any]) -> None:
    """Refuse values that the conversion would change to something else."""
    limits: Any = np.iinfo(dtype) if dtype.kind == "i" else np.finfo(dtype)
    finite = array[np.isfinite(array)]
    if finite.size and not limits.min <= finite.min() <= finite.max() <= limits.max:
        raise ValueError(
            f"{name} has values from {finite.min()} to {finite.max()}, beyond the range of "
            f"{dtype}. Rescale them, or number them from 0 if they are codes."
        )


def _encode_frame(
    frame: pd.DataFrame, train: np.ndarray, groups: np.ndarray | None, allow: str | Sequence[str]
) -> Inputs:
    import pandas as pd

    if not len(frame.columns) or not len(frame):
        raise ValueError(
            f"The table has {len(frame):,} rows and {len(frame.columns)} columns of inputs; give "
            "at least one of each."
        )
    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    if frame.columns.has_duplicates:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise ValueError(f"The table has two columns named {twice!r}; rename one.")
    columns = fit_columns(frame.iloc[train], None if groups is None else groups[train], allow)
    codebook = tuple(asdict(column) for column in columns)
    text = frame.astype(str).where(frame.notna(), "")
    content = (
        np.array(frame.columns, str),
        pd.util.hash_pandas_object(text, index=False).to_numpy(),
    )
    names = tuple(column.name for column in columns)
    return Inputs(encode_table(frame, codebook), names, codebook, content)

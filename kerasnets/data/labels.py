"""Convert labels of any kind to the arrays a model is trained on, and infer the task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kerasnets._errors import unknown_name
from kerasnets.data.tables.cells import row_name

TASKS = ("classification", "binary", "multilabel", "regression")


class Labels(NamedTuple):
    """Labels ready for training.

    Attributes:
        y: int32 class numbers, shape ``(n,)``; int32 zeros and ones, shape ``(n, labels)``, for
            ``"multilabel"``; float32, shape ``(n,)`` or ``(n, targets)``, for ``"regression"``.
        task: one of ``TASKS``.
        class_names: name of each class or label; empty for ``"regression"``.
        target_names: name of each target column; empty for the other tasks.
    """

    y: np.ndarray
    task: str
    class_names: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()


def encode_labels(
    y: Any,
    task: str | None = None,
    class_names: Sequence[str] | None = None,
    target_names: Sequence[str] | None = None,
) -> Labels:
    """Convert labels to numbers and infer the task.

    Without ``task``, integers, booleans, strings and categories are classes; floats are targets
    of a regression unless all are 0 or 1; two or more columns of zeros and ones are a multilabel
    task, other columns a regression.

    Args:
        y: labels, shape ``(n,)``, ``(n, 1)`` or ``(n, columns)``: an array, a list, or a Series
            or DataFrame.
        task: one of ``TASKS``, or ``None`` to infer it.
        class_names: name of each class or label. By default the sorted labels themselves; for
            several columns, the column names. They leave with every export.
        target_names: name of each target of a regression; by default the names of the columns.

    Raises:
        ValueError: if labels are missing, mixed or of another type, do not fit the task, or do
            not fit the names.
    """
    if task is not None and task not in TASKS:
        raise unknown_name("task", task, TASKS)
    values, columns, order = _to_array(y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    task = task or infer_task(values)
    if task == "regression":
        if class_names:
            raise ValueError("class_names are not for a regression; use target_names.")
        return _regression(values, _names("target_names", target_names or columns))
    if task == "multilabel":
        return _multilabel(values, _names("class_names", class_names or columns))
    if target_names:
        raise ValueError(f"target_names are only for a regression; for {task}, use class_names.")
    return _classes(values, task, _names("class_names", class_names), order)


def infer_task(values: np.ndarray) -> str:
    """Infer the task from an array of labels; see :func:`encode_labels`."""
    zeros_and_ones = values.dtype.kind in "biuf" and bool(np.isin(values, [0, 1]).all())
    if values.ndim == 2:
        return "multilabel" if zeros_and_ones else "regression"
    return "regression" if values.dtype.kind == "f" and not zeros_and_ones else "classification"


def _to_array(y: Any) -> tuple[np.ndarray, tuple[str, ...], list[Any] | None]:
    """Return labels as an array, the column names, and the categories in order or ``None``."""
    if y is None:
        raise ValueError("y is None; give one label per row.")
    columns = getattr(y, "columns", [getattr(y, "name", None)])
    columns = () if None in list(columns) else tuple(map(str, columns))
    order = list(y.cat.categories) if hasattr(y, "cat") else None
    if hasattr(y, "select_dtypes"):  # mixed booleans and numbers would become an object array
        y = y.astype(dict.fromkeys(y.select_dtypes("bool"), np.int64))
    try:
        values = np.asarray(y)
    except ValueError as error:
        raise ValueError(f"y cannot be converted to an array: {error}.") from None
    if values.ndim not in (1, 2) or not values.size:
        raise ValueError(
            f"y has shape {values.shape}; give one label per row, shape (n,), or one row of "
            "labels, shape (n, columns)."
        )
    _refuse_missing(values, y)
    return _plain(values), columns, order


def _refuse_missing(values: np.ndarray, y: Any) -> None:
    import pandas as pd

    rows = np.flatnonzero(pd.isna(values).reshape(len(values), -1).any(axis=1))
    if len(rows):
        raise ValueError(
            f"y is missing in {len(rows):,} of {len(values):,} rows, first in "
            f"{row_name(y, rows[0])}. Leave these rows out or fill in their labels."
        )


def _plain(values: np.ndarray) -> np.ndarray:
    """Convert an array of any dtype to booleans, numbers or strings."""
    import pandas as pd

    if values.dtype.kind in "OST":
        kind = pd.api.types.infer_dtype(values.ravel(), skipna=False)
        types = {"string": str, "boolean": bool, "integer": np.int64, "floating": np.float64,
                 "mixed-integer-float": np.float64}  # fmt: skip
        if kind not in types:
            raise ValueError(
                f"y holds {kind} values; give labels of one type: numbers, booleans or strings."
            )
        values = values.astype(types[kind])
    if values.dtype.kind not in "biufU":
        raise ValueError(f"y holds {values.dtype}; give numbers, booleans or strings.")
    return values


def _regression(values: np.ndarray, names: tuple[str, ...]) -> Labels:
    if values.dtype.kind not in "biuf":
        raise ValueError(
            f"A regression needs numbers in y, got text such as {str(values.flat[0])!r}. Convert "
            "y to numbers, or leave task out to train a classifier."
        )
    with np.errstate(over="ignore"):
        y = values.astype(np.float32)
    rows = np.flatnonzero(~np.isfinite(y).reshape(len(y), -1).all(axis=1))
    if len(rows):
        raise ValueError(f"y is infinite or too large for float32 in row {rows[0]}.")
    targets = 1 if y.ndim == 1 else y.shape[1]
    default = ("target",) if targets == 1 else tuple(f"target {i}" for i in range(targets))
    names = names or default
    if len(names) != targets:
        raise ValueError(f"target_names has {len(names)} names for {targets} target columns.")
    return Labels(y, "regression", target_names=names)


def _multilabel(values: np.ndarray, names: tuple[str, ...]) -> Labels:
    if values.ndim != 2:
        raise ValueError(
            "A multilabel task needs y of shape (n, labels) with two or more columns of 0 and 1, "
            f"got shape {values.shape}."
        )
    if values.dtype.kind not in "biuf" or not np.isin(values, [0, 1]).all():
        raise ValueError("A multilabel task needs zeros and ones in y, got other values.")
    names = names or tuple(map(str, range(values.shape[1])))
    if len(names) != values.shape[1]:
        raise ValueError(
            f"class_names has {len(names)} names; y has {values.shape[1]} columns of labels."
        )
    return Labels(values.astype(np.int32), "multilabel", names)


def _classes(
    values: np.ndarray, task: str, names: tuple[str, ...], order: list[Any] | None
) -> Labels:
    if values.ndim == 2:
        if values.dtype.kind not in "biuf" or not (
            np.isin(values, [0, 1]).all() and (values.sum(axis=1) == 1).all()
        ):
            raise ValueError(
                f"The task {task!r} needs one label per row, got y of shape {values.shape}. "
                "One-hot rows are accepted; several ones per row need task='multilabel'."
            )
        values = values.argmax(axis=1)
    found, y = np.unique(values, return_inverse=True)
    if order is not None:
        found, y = _in_order(found, y, order)
    if names:
        y = _number_by_names(found, y, names)
    else:
        names = tuple(_text(label) for label in found)
    if len(found) < 2:
        raise ValueError(
            f"All {len(y):,} rows have the label {_text(found[0])!r}; a classifier needs at least "
            "two classes."
        )
    if task == "binary" and len(names) != 2:
        raise ValueError(
            f"A binary task needs two classes, got {len(names)}: {', '.join(names[:10])}."
        )
    return Labels(y.astype(np.int32), task, names)


def _in_order(found: np.ndarray, y: np.ndarray, order: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """The classes in the order of the categories of a pandas Series."""
    by_order = np.argsort([order.index(label) for label in found.tolist()])
    return found[by_order], np.argsort(by_order)[y]


def _number_by_names(found: np.ndarray, y: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Class numbers according to ``names``: by name, by number, or in sorted order."""
    if found.dtype.kind == "U":
        unknown = [label for label in found.tolist() if label not in names]
        if unknown:
            raise ValueError(
                f"y has the label {unknown[0]!r}, but class_names does not. class_names: "
                f"{', '.join(names)}."
            )
        return np.array([names.index(label) for label in found.tolist()])[y]
    numbers = found.astype(np.float64)
    if ((numbers == np.floor(numbers)) & (numbers >= 0) & (numbers < len(names))).all():
        return numbers.astype(np.int64)[y]
    if len(found) == len(names):
        return y
    raise ValueError(
        f"class_names has {len(names)} names; y has {len(found)} different labels, from "
        f"{_text(found[0])} to {_text(found[-1])}. Give one name per label."
    )


def _names(what: str, names: Sequence[str] | None) -> tuple[str, ...]:
    if names is None:
        return ()
    if isinstance(names, str):
        raise ValueError(f"{what} must be a sequence of names, got the string {names!r}.")
    names = tuple(map(str, names))
    if len(set(names)) < len(names):
        raise ValueError(f"{what} must be different from each other, got {', '.join(names)}.")
    return names


def _text(label: Any) -> str:
    """A label as a class name: 1.0 is ``"1"``."""
    return f"{label:g}" if isinstance(label, np.floating) else str(label)

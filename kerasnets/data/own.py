"""Split a user's own arrays and tables into the parts of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasnets._errors import unknown_name
from kerasnets.data.inputs import as_inputs, checksum, encode_inputs, is_frame, rows_of
from kerasnets.data.labels import Labels, encode_labels
from kerasnets.data.parts import make_parts
from kerasnets.data.split import Split, describe_type
from kerasnets.data.tables.cells import number_fault, row_name
from kerasnets.data.tables.privacy import MIN_ROWS


def split_arrays(
    x: Any,
    y: Any,
    groups: Any,
    *,
    split: Any,
    fractions: Sequence[float],
    seed: int,
    folds: int,
    fold: int,
    task: str | None,
    class_names: Sequence[str] | None,
    target_names: Sequence[str] | None,
    feature_names: Sequence[str] | None,
    allow: str | Sequence[str],
) -> dict[str, Any]:
    """Convert and split arrays; see :meth:`kerasnets.data.Dataset.from_arrays`.

    Returns:
        The arguments of ``Dataset`` that depend on the arrays.
    """
    x = as_inputs(x)
    labels = encode_labels(y, task, class_names, target_names)
    rows = rows_of(x)
    if rows != len(labels.y):
        raise ValueError(
            f"x has {rows:,} rows and y has {len(labels.y):,}; give one label per row of x."
        )
    groups = None if groups is None else _check_groups(groups, rows)
    parts, how = make_parts(labels, groups, split, fractions, seed, folds, fold)
    if class_names is None:
        _refuse_rare_classes(labels)
    inputs = encode_inputs(x, parts[0], feature_names, groups, allow)
    full = Split(inputs.x, labels.y, groups)
    train, validation, test = (full.subset(part) for part in parts)
    return {
        "train": train,
        "validation": validation,
        "test": test,
        "split": how,
        "task": labels.task,
        "class_names": labels.class_names,
        "target_names": labels.target_names,
        "feature_names": inputs.feature_names,
        "codebook": inputs.codebook,
        "checksum": checksum(*inputs.content, labels.y, *([] if groups is None else [groups])),
    }


def split_columns(
    frame: Any, target: str | Sequence[str], group: str | None, drop: str | Sequence[str]
) -> tuple[Any, Any, Any]:
    """Inputs, labels and groups of a DataFrame, by the roles of its columns.

    Args:
        frame: a pandas DataFrame.
        target: column or columns to predict.
        group: column with the group of each row, or ``None``.
        drop: column or columns to leave out.

    Raises:
        ValueError: if ``frame`` is not a DataFrame, or a column does not exist or has two roles.
    """
    if not is_frame(frame):
        raise ValueError(
            f"from_frame takes a pandas DataFrame, got {describe_type(frame)}. For arrays, use "
            "kn.Dataset.from_arrays(x, y)."
        )
    targets, dropped = _as_list(target), _as_list(drop)
    roles = [*targets, *_as_list(group), *dropped]
    for column in roles:
        if column not in frame.columns:
            raise unknown_name("column", column, map(str, frame.columns))
        if roles.count(column) > 1:
            raise ValueError(
                f"Column {column!r} is named twice; it can be only one of target, group and drop."
            )
    if not targets:
        raise ValueError(
            "target must be the column to predict, got no column. Columns: "
            f"{', '.join(map(str, frame.columns))}."
        )
    y = frame[targets[0]] if len(targets) == 1 else frame[targets]
    return frame.drop(columns=roles), y, None if group is None else frame[group]


def _as_list(names: str | Sequence[str] | None) -> list[Any]:
    if names is None:
        return []
    return list(names) if isinstance(names, list | tuple) else [names]


def _refuse_rare_classes(labels: Labels) -> None:
    """Refuse a class named by a text of so few rows that it may reveal who they are."""
    if labels.task not in ("classification", "binary"):
        return
    for name, count in zip(labels.class_names, np.bincount(labels.y), strict=True):
        is_text = number_fault(name) is not None and name not in ("False", "True")
        if is_text and count < MIN_ROWS:
            raise ValueError(
                f"Class {name!r} is in {count} rows. The names of classes are stored in every "
                f"export, so a class named by a text in y needs {MIN_ROWS} or more rows. Join it "
                "with another, leave its rows out, or list the names that may be published: "
                "class_names=[…]."
            )


def _check_groups(groups: Any, rows: int) -> np.ndarray:
    """Groups as an array of integers or strings, one per row."""
    import pandas as pd

    array = np.asarray(groups)
    if array.shape != (rows,):
        raise ValueError(
            f"groups has shape {array.shape}; give one group per row of x, shape ({rows},)."
        )
    missing = np.flatnonzero(pd.isna(array))
    if len(missing):
        raise ValueError(
            f"groups is missing in {len(missing):,} rows, first in {row_name(groups, missing[0])}. "
            "Give each of these rows a group, or leave them out."
        )
    return array if array.dtype.kind in "iuU" else array.astype(str)

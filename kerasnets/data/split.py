"""One part of a data set: inputs, labels and groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from kerasnets.data.ehr.visits import VisitSequences
from kerasnets.engine.sources import Source

Arrays: TypeAlias = np.ndarray | Mapping[str, np.ndarray] | VisitSequences


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """One part of a data set.

    Attributes:
        x: inputs with the examples on the first axis: an array, a mapping of arrays for models
            with several inputs, or sequences of visits, which become ``visits`` and ``length``
            batch by batch.
        y: labels: int32 class numbers from 0, shape ``(n,)``; int32 zeros and ones, shape
            ``(n, labels)``, for a multilabel task; float32, shape ``(n,)`` or ``(n, targets)``,
            for a regression.
        groups: recording or person of each example, shape ``(n,)``, or ``None`` if unknown.

    Raises:
        ValueError: if ``x``, ``y`` or ``groups`` is not of these types.
    """

    x: Arrays
    y: np.ndarray
    groups: np.ndarray | None = None

    def __post_init__(self) -> None:
        arrays = dict(self.x) if isinstance(self.x, Mapping) else {"": self.x}
        for name, x in arrays.items():
            if not isinstance(x, np.ndarray) and not isinstance(x, Source):
                raise _not_an_array(f"x[{name!r}]" if name else "x", x)
        if not arrays:
            raise ValueError("x of a Split is an empty mapping; give one array per input.")
        if not isinstance(self.y, np.ndarray):
            raise _not_an_array("y", self.y)
        if self.groups is not None and not isinstance(self.groups, np.ndarray):
            raise _not_an_array("groups", self.groups)

    def __len__(self) -> int:
        return len(self.y)

    def __repr__(self) -> str:
        groups = "" if self.groups is None else f", {len(np.unique(self.groups)):,} groups"
        y = f"y {self.y.dtype} {self.y.shape}"
        return f"Split({len(self):,} examples, x {describe_shapes(self.x)}, {y}{groups})"

    def subset(self, rows: np.ndarray) -> Split:
        """The examples with the indices ``rows``, in that order."""
        groups = None if self.groups is None else self.groups[rows]
        return Split(_select(self.x, rows), self.y[rows], groups)


def describe_shapes(x: Arrays) -> str:
    """Type and shape of inputs, for messages."""
    if isinstance(x, np.ndarray):
        return f"{x.dtype} {x.shape}"
    if isinstance(x, Mapping):
        return "{" + ", ".join(f"{name}: {describe_shapes(x[name])}" for name in x) + "}"
    return repr(x)


def describe_type(value: object) -> str:
    """The type of a value for messages, such as ``pandas DataFrame``."""
    module = type(value).__module__.partition(".")[0]
    name = type(value).__name__
    return "None" if value is None else name if module == "builtins" else f"{module} {name}"


def _select(x: Arrays, rows: np.ndarray) -> Arrays:
    if isinstance(x, np.ndarray):
        return x[rows]
    if isinstance(x, Mapping):
        return {name: array[rows] for name, array in x.items()}
    return x.subset(rows)


def _not_an_array(name: str, value: object) -> ValueError:
    convert = "kn.Dataset.from_arrays(x, y)"
    if hasattr(value, "columns"):
        convert = "kn.Dataset.from_frame(frame, target=…)"
    return ValueError(
        f"{name} of a Split must be a NumPy array, got {describe_type(value)}. Use np.asarray, or "
        f"{convert}, which converts and splits your own data."
    )


def sequences(split: Split) -> VisitSequences:
    """The sequences of visits of a split.

    Raises:
        ValueError: if its inputs are not sequences of visits.
    """
    if not isinstance(split.x, VisitSequences):
        raise ValueError(f"Expected sequences of visits, got {describe_type(split.x)}.")
    return split.x

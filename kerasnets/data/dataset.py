"""What a data set is to the rest of the package: three splits of arrays and their origin."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from kerasnets.data.ehr.visits import VisitSequences

Arrays: TypeAlias = np.ndarray | Mapping[str, np.ndarray] | VisitSequences


@dataclass(frozen=True)
class Split:
    """One part of a data set.

    Attributes:
        x: inputs, first axis the examples; a mapping of them for nets with several inputs;
            sequences of visits, which become ``visits`` and ``length`` a batch at a time.
        y: integer class labels, shape ``(n,)``, int32, counted from 0.
        groups: the recording or person each example belongs to, shape ``(n,)``, or ``None``
            where the source does not say.
    """

    x: Arrays
    y: np.ndarray
    groups: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class Dataset:
    """Training, validation and test split of one data set.

    Attributes:
        name: the name it is loaded by; a simulated one ends in ``-simulated``.
        train: what everything is fitted on.
        validation: what epochs and thresholds are chosen on.
        test: what is measured once.
        class_names: one name a class, in the order of the labels.
        split: what was kept together: ``"recording"``, ``"row"``, ``"patient"``.
        seed: the seed of the split.
        source: where the arrays came from, for the run folder: a path or a description.
        checksum: SHA-256 over the arrays before splitting, the same for every file format
            that holds the same data.
        units: the physical unit of ``x``, such as ``"µV"``.
        counts: what was read of the records and what was left out, by what it is called.
        feature_names: of a table, one name a column of ``x``; empty for anything else.
        codebook: of a table of text, how each column became numbers, as learned from the training
            rows; :func:`kerasnets.data.encode_table` takes it. Plain values, ready for JSON.
        options: the loader's own options it was loaded with, other than their defaults.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...]
    split: str
    seed: int
    source: str
    checksum: str
    units: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    feature_names: tuple[str, ...] = ()
    codebook: tuple[Mapping[str, Any], ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    task: str = "classification"
    target_names: tuple[str, ...] = ()
    target_units: str = ""

    @property
    def simulated(self) -> bool:
        """Whether the figures it gives must not be taken for real ones."""
        return self.name.endswith("-simulated")

    @property
    def splits(self) -> dict[str, Split]:
        """The three splits by name, in the order train, validation, test."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


def sequences(split: Split) -> VisitSequences:
    """The visits of a split.

    Raises:
        ValueError: if it holds something else.
    """
    if not isinstance(split.x, VisitSequences):
        raise ValueError(f"Expected sequences of visits, got {type(split.x).__name__}.")
    return split.x


def checksum(*arrays: np.ndarray) -> str:
    """SHA-256 over dtype, shape and bytes of the arrays, in order."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()

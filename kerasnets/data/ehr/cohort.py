"""Makes a data set from a cohort: split by patient, vocabulary from the training split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from kerasnets.data.dataset import Dataset
from kerasnets.data.ehr.visits import VisitSequences
from kerasnets.data.inputs import checksum
from kerasnets.data.options import whole_number
from kerasnets.data.split import Split
from kerasnets.data.splits import check_fold, split_fold
from kerasnets.data.tables.cells import DataError

CLASS_NAMES = ("alive", "died")
SPLITS = ("patient",)
UNKNOWN = "unknown"  # name of index 0, for every code outside the vocabulary


@dataclass(frozen=True)
class Cohort:
    """Examples as read from the records, before anything is learned from them.

    Attributes:
        sequences: one sequence per example, with every code that occurs.
        died: labels, boolean, shape ``(n,)``.
        patients: patient of each example, integers, shape ``(n,)``.
        counts: number of records that were read or left out, by description.
    """

    sequences: VisitSequences
    died: np.ndarray
    patients: np.ndarray
    counts: Mapping[str, int] = field(default_factory=dict)


def make_dataset(
    name: str,
    cohort: Cohort,
    *,
    seed: int,
    folds: int,
    fold: int,
    min_count: int,
    source: str,
) -> Dataset:
    """Split a cohort by patient and encode it with the vocabulary of the training split.

    Args:
        name: name of the data set.
        cohort: the examples.
        seed: seed of the split.
        folds: 0 for 60 % training, 20 % validation and 20 % test; else the number of folds of a
            cross-validation. Fold ``fold`` is the test split; an eighth of the rest is the
            validation split.
        fold: number of the test fold, from 0.
        min_count: number of visits of the training split in which a code must occur to be in the
            vocabulary.
        source: where the records came from.

    Raises:
        ValueError: if the cohort is empty or has only one class, an option is out of range, or no
            code occurs often enough.
    """
    check_fold(folds, fold)
    whole_number("min_count", min_count, 1)
    check_cohort(cohort.died, cohort.counts)
    parts = split_by_patient(cohort.died, cohort.patients, seed, folds, fold)
    indices, names = learn_vocabulary(cohort.sequences.subset(parts["train"]), min_count)
    sequences = cohort.sequences.encode(indices, names)
    y = cohort.died.astype(np.int32)
    full = Split(sequences, y, cohort.patients)
    train, validation, test = (full.subset(rows) for rows in parts.values())
    return Dataset(
        name=name,
        train=train,
        validation=validation,
        test=test,
        class_names=CLASS_NAMES,
        split="patient",
        seed=seed,
        source=source,
        checksum=checksum(*cohort.sequences.content, y, cohort.patients),
        units="codes",
        counts=dict(cohort.counts),
    )


def split_by_patient(
    died: np.ndarray, patients: np.ndarray, seed: int, folds: int, fold: int
) -> dict[str, np.ndarray]:
    """The rows of each split: by patient, stratified by death.

    A patient with several examples counts as died if one of them has the label ``died``.
    """
    ids, member = np.unique(patients, return_inverse=True)
    persons = np.arange(len(ids))
    ever = np.bincount(member, weights=died, minlength=len(persons)) > 0
    train, validation, test = split_fold(
        ever.astype(np.int64), persons, folds=folds, fold=fold, seed=seed
    )
    chosen = {"train": train, "validation": validation, "test": test}
    return {name: np.flatnonzero(np.isin(member, part)) for name, part in chosen.items()}


def learn_vocabulary(train: VisitSequences, min_count: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """The codes that occur in enough visits of the training split.

    Args:
        train: sequences of the training split.
        min_count: number of visits in which a code must occur.

    Returns:
        The new index of every code, 0 for rare ones, and the names of the new codes, the first of
        which is ``"unknown"``.

    Raises:
        ValueError: if no code occurs in that many visits.
    """
    visits = np.bincount(train.codes, minlength=train.features)
    kept = np.flatnonzero(visits >= min_count)
    if not len(kept):
        raise DataError(
            f"No code is in min_count={min_count} visits of the training split; the most frequent "
            f"is in {visits.max(initial=0)}. Lower min_count, or use more records."
        )
    indices = np.zeros(train.features, np.int32)
    indices[kept] = np.arange(1, len(kept) + 1)
    return indices, (UNKNOWN, *(train.names[code] for code in kept))


def check_cohort(died: np.ndarray, counts: Mapping[str, int]) -> None:
    """Check that there are examples of both classes.

    Args:
        died: labels, boolean.
        counts: number of records that were read or left out, for the message.

    Raises:
        DataError: if there are none, or only one class.
    """
    left_out = "; ".join(f"{what}: {count:,}" for what, count in counts.items())
    if not len(died):
        raise DataError(f"The cohort is empty. {left_out}.")
    if died.all() or not died.any():
        only = CLASS_NAMES[int(died[0])]
        raise DataError(
            f"All {len(died)} examples are {only!r}; a classifier needs two classes. {left_out}."
        )

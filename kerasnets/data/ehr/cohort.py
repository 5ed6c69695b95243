"""From a cohort of patients to a data set: split by patient, vocabulary of the training split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from kerasnets.data.dataset import Dataset
from kerasnets.data.ehr.visits import VisitSequences
from kerasnets.data.inputs import checksum
from kerasnets.data.split import Split
from kerasnets.data.splits import check_fold, split_fold
from kerasnets.data.tables.cells import DataError

CLASS_NAMES = ("alive", "died")
SPLITS = ("patient",)
UNKNOWN = "unknown"  # the name of the index of every code outside the vocabulary


@dataclass(frozen=True)
class Cohort:
    """What was read of the records, before anything is fitted.

    Attributes:
        sequences: an example each, with every code that occurs.
        died: the label, boolean, shape ``(n,)``.
        patients: the patient of each example, integers, shape ``(n,)``.
        counts: what was read and what was left out, by what it is called.
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
    """Split a cohort by patient, learn the vocabulary on the training split, encode all three.

    Args:
        name: of the data set.
        cohort: the examples.
        seed: of the split.
        folds: 0 for 60 % training, 20 % validation, 20 % test; else the parts of a
            cross-validation, of which part ``fold`` is the test split; an eighth of the others
            is the validation split.
        fold: the part to test on.
        min_count: visits of the training split that a code must be in to get an index of its
            own.
        source: where the records came from.

    Raises:
        ValueError: if the cohort is empty or has one class only, an option is out of range, or
            no code occurs often enough.
    """
    _check_options(folds, fold, min_count)
    _check_cohort(cohort)
    parts = split_patients(cohort, seed, folds, fold)
    indices, names = learn_vocabulary(cohort.sequences.subset(parts["train"]), min_count)
    sequences = cohort.sequences.encode(indices, names)
    y = cohort.died.astype(np.int32)
    raw = cohort.sequences
    splits = {
        part: Split(sequences.subset(rows), y[rows], cohort.patients[rows])
        for part, rows in parts.items()
    }
    return Dataset(
        name=name,
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        class_names=CLASS_NAMES,
        split="patient",
        seed=seed,
        source=source,
        checksum=checksum(
            raw.codes, raw.code_offsets, raw.visit_offsets, np.array(raw.names), y, cohort.patients
        ),
        units="codes",
        counts=dict(cohort.counts),
    )


def split_patients(cohort: Cohort, seed: int, folds: int, fold: int) -> dict[str, np.ndarray]:
    """The rows of train, validation and test: each patient in one, those who died in proportion.

    A patient with several examples counts as died if one of them did.
    """
    ids, member = np.unique(cohort.patients, return_inverse=True)
    patients = np.arange(len(ids))
    ever = np.bincount(member, weights=cohort.died, minlength=len(patients)) > 0
    train, validation, test = split_fold(
        ever.astype(np.int64), patients, folds=folds, fold=fold, seed=seed
    )
    chosen = {"train": train, "validation": validation, "test": test}
    return {name: np.flatnonzero(np.isin(member, part)) for name, part in chosen.items()}


def learn_vocabulary(train: VisitSequences, min_count: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """An index for each code that enough visits of the training split have.

    Returns:
        The new index of every code, 0 for those unknown or too rare, and the names of the new
        codes, ``"unknown"`` first.

    Raises:
        ValueError: if no code is in that many visits.
    """
    visits = np.bincount(train.codes, minlength=train.features)
    kept = np.flatnonzero(visits >= min_count)
    if not len(kept):
        raise DataError(
            f"No code is in min_count={min_count} visits of the training split; the most frequent "
            f"is in {visits.max(initial=0)}. Lower min_count, or give more records."
        )
    indices = np.zeros(train.features, np.int32)
    indices[kept] = np.arange(1, len(kept) + 1)
    return indices, (UNKNOWN, *(train.names[code] for code in kept))


def _check_options(folds: int, fold: int, min_count: int) -> None:
    check_fold(folds, fold)
    if not isinstance(min_count, int) or isinstance(min_count, bool):
        raise ValueError(f"min_count must be a whole number, got {min_count!r}.")
    if min_count < 1:
        raise ValueError(f"min_count must be 1 or more, got {min_count}.")


def _check_cohort(cohort: Cohort) -> None:
    left_out = "; ".join(f"{what}: {count:,}" for what, count in cohort.counts.items())
    if not len(cohort.died):
        raise DataError(f"The cohort is empty. {left_out}.")
    if cohort.died.all() or not cohort.died.any():
        only = CLASS_NAMES[int(cohort.died[0])]
        raise DataError(
            f"All {len(cohort.died)} examples are {only!r}: there is nothing to tell apart. "
            f"{left_out}."
        )

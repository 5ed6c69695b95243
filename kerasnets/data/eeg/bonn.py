"""The form of the Bonn EEG recordings, whichever files they come from.

Andrzejak et al., Phys. Rev. E 64, 061907 (2001): five sets of 100 single-channel recordings. The
UCI table "Epileptic Seizure Recognition" cuts each recording into 23 rows of 178 samples.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kerasnets.data.dataset import Dataset
from kerasnets.data.eeg.windows import cut_windows, join_rows
from kerasnets.data.inputs import checksum
from kerasnets.data.split import Split
from kerasnets.data.splits import split_fold

RATE = 173.61  # samples a second
CHUNKS = 23  # rows a recording
SAMPLES = 178  # samples a row
RECORDING_SAMPLES = 4097  # the last 3 fill no row
UNITS = "µV"

# In the order of the labels: the files' 1 to 5, ours 0 to 4.
CLASS_NAMES = ("seizure", "tumour area", "healthy area", "eyes closed", "eyes open")
SETS = ("S", "F", "N", "O", "Z")
# Seizure against the rest, by ``classes=2``; a detector's positive class is the last one.
BINARY_NAMES = ("no seizure", "seizure")

SPLITS = ("recording", "row")


class Rows(NamedTuple):
    """Rows in the order they were read.

    Attributes:
        x: µV, float32, shape ``(n, 178)``.
        y: labels from 0, int32, shape ``(n,)``.
        recordings: the recording each row was cut from, shape ``(n,)``, or ``None`` if unknown.
            Two labels may use the same name for two recordings.
        chunks: which piece of its recording each row is, from 0, shape ``(n,)``, or ``None``.
    """

    x: np.ndarray
    y: np.ndarray
    recordings: np.ndarray | None
    chunks: np.ndarray | None = None


def canonical(rows: Rows) -> Rows:
    """Sort rows by label and samples, and number the recordings in the order they turn up.

    Table, archives and folders hold the same rows in different order and under different names;
    after this they are the same arrays, and so are their splits.
    """
    order = np.lexsort((*rows.x.T[::-1], rows.y))
    x, y = rows.x[order] + np.float32(0), rows.y[order]  # + 0: -0 and 0 are one value, other bits
    chunks = None if rows.chunks is None else rows.chunks[order]
    if rows.recordings is None:
        return Rows(x, y, None, chunks)
    _, names = np.unique(rows.recordings[order], return_inverse=True)
    keys = y * (names.max() + 1) + names
    _, first, member = np.unique(keys, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    return Rows(x, y, rank[member].astype(np.int32), chunks)


def make_dataset(
    name: str,
    rows: Rows,
    *,
    split: str,
    seed: int,
    source: str,
    folds: int = 0,
    fold: int = 0,
    classes: int = 5,
    samples: int = SAMPLES,
    step: int | None = None,
) -> Dataset:
    """Split rows into a data set.

    Args:
        name: the name it is loaded by.
        rows: all rows, in any order.
        split: ``"recording"`` keeps the rows of a recording together, ``"row"`` does not.
        seed: the seed of the split.
        source: where the rows came from.
        folds: 0 for 60 % training, 20 % validation, 20 % test; else the parts of a
            cross-validation, of which one tests and an eighth of the others validates.
        fold: which of the folds tests, counted from 0.
        classes: 5, or 2 for seizure against the rest, on the same splits.
        samples: of each example: 178 for the rows themselves, or windows of the recordings they
            were cut from, side by side, up to all 4,094. What is left at the end is not used.
        step: samples from the start of one training window to the next: fewer than ``samples``
            for windows that overlap, which is more to learn from. Validation and test windows
            never overlap.

    Raises:
        ValueError: if the rows are to be split by recording and do not say theirs, a class
            has too few for the parts, windows are asked for where recordings are not whole or
            not kept together, or an option is out of range.
    """
    _check_windows(split, samples, step)
    if classes not in (2, len(CLASS_NAMES)):
        raise ValueError(
            f"classes must be {len(CLASS_NAMES)}, or 2 for seizure against the rest, "
            f"got {classes!r}."
        )
    x, y, groups, chunks = canonical(rows)
    missing = np.setdiff1d(range(len(CLASS_NAMES)), y)
    if len(missing):
        names = ", ".join(f"{CLASS_NAMES[label]} (y={label + 1})" for label in missing)
        raise ValueError(f"{source}: no row of {names}; all five classes are needed.")
    if split == "row":
        together = np.arange(len(y))
    elif groups is not None:
        together = groups
    else:
        raise ValueError(
            f"{source}: without its id column a table cannot be split by recording. Use a table "
            "with ids or the archives, or take split='row' and expect a flattering score."
        )
    parts = split_fold(y, together, folds=folds, fold=fold, seed=seed)
    if classes == len(BINARY_NAMES):
        y = (y == CLASS_NAMES.index("seizure")).astype(np.int32)
    if (samples, step) == (SAMPLES, None):
        train, validation, test = (
            Split(x[part], y[part], None if groups is None else groups[part]) for part in parts
        )
    elif groups is None or chunks is None:
        raise ValueError(f"{source} does not say which rows follow each other in a recording.")
    else:
        whole = join_rows(x, groups, chunks)
        train, validation, test = (
            cut_windows(y[part], groups[part], whole, samples, between)
            for part, between in zip(parts, (step or samples, samples, samples), strict=True)
        )
    return Dataset(
        name=name,
        train=train,
        validation=validation,
        test=test,
        class_names=BINARY_NAMES if classes == len(BINARY_NAMES) else CLASS_NAMES,
        split=split,
        seed=seed,
        source=source,
        checksum=checksum(x, y),
        units=UNITS,
    )


def _check_windows(split: str, samples: int, step: int | None) -> None:
    longest = CHUNKS * SAMPLES
    for name, value in (("samples", samples), ("step", step)):
        whole = isinstance(value, int) and not isinstance(value, bool)
        if value is not None and not (whole and 1 <= value <= longest):
            raise ValueError(f"{name} must be a whole number from 1 to {longest}, got {value!r}.")
    if (samples, step) != (SAMPLES, None) and split != "recording":
        raise ValueError(
            "Windows need split='recording': cut from one recording they overlap rows of others."
        )

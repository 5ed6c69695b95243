"""The Bonn EEG recordings as arrays, independent of the file format.

Andrzejak et al., Phys. Rev. E 64, 061907 (2001): five sets of 100 single-channel recordings. The
UCI table "Epileptic Seizure Recognition" divides each recording into 23 rows of 178 samples.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kerasnets.data.dataset import Dataset
from kerasnets.data.eeg.windows import cut_windows, join_rows
from kerasnets.data.inputs import checksum
from kerasnets.data.options import whole_number
from kerasnets.data.split import Split
from kerasnets.data.splits import split_fold

RATE = 173.61  # samples per second
CHUNKS = 23  # rows per recording
SAMPLES = 178  # samples per row
RECORDING_SAMPLES = 4097  # the last 3 are not used
UNITS = "µV"

# In the order of the labels: 1 to 5 in the files, 0 to 4 here.
CLASS_NAMES = ("seizure", "tumour area", "healthy area", "eyes closed", "eyes open")
SETS = ("S", "F", "N", "O", "Z")
# The names for ``classes=2``: seizure against the rest. The last class is the positive one.
BINARY_NAMES = ("no seizure", "seizure")

SPLITS = ("recording", "row")


class Rows(NamedTuple):
    """Rows in the order they were read.

    Attributes:
        x: samples in µV, float32, shape ``(n, 178)``.
        y: labels from 0, int32, shape ``(n,)``.
        recordings: recording of each row, shape ``(n,)``, or ``None`` if unknown. Recordings with
            different labels may have the same name.
        chunks: position of each row within its recording, from 0, shape ``(n,)``, or ``None``.
    """

    x: np.ndarray
    y: np.ndarray
    recordings: np.ndarray | None
    chunks: np.ndarray | None = None


def canonical(rows: Rows) -> Rows:
    """Sort rows by label and samples, and number the recordings in order of first appearance.

    Table, archives and folders hold the same rows in different orders and under different names.
    In canonical form they are the same arrays, and so are their splits.
    """
    order = np.lexsort((*rows.x.T[::-1], rows.y))
    x, y = rows.x[order] + np.float32(0), rows.y[order]  # + 0 makes -0 the same bits as 0
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
        name: name the data set is loaded by.
        rows: all rows, in any order.
        split: ``"recording"`` keeps the rows of a recording in one part, ``"row"`` does not.
        seed: seed of the split.
        source: where the rows came from.
        folds: 0 for 60 % training, 20 % validation and 20 % test; else the number of folds of a
            cross-validation. One fold is the test part; an eighth of the rest is the
            validation part.
        fold: number of the test fold, from 0.
        classes: 5, or 2 for seizure against the rest, with the same splits.
        samples: samples per example: 178 for the rows themselves, or the length of windows of the
            recordings, up to all 4,094. Samples left over at the end are not used.
        step: samples from the start of one training window to the start of the next. If it
            is less than ``samples``, windows overlap and there are more training examples.
            Validation and test windows never overlap.

    Raises:
        ValueError: if the recordings are unknown in a split by recording, a class has too few
            recordings, recordings are incomplete or not kept in one part although windows are
            requested, or an option is out of range.
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
        split_units = np.arange(len(y))
    elif groups is not None:
        split_units = groups
    else:
        raise ValueError(
            f"{source}: without its id column a table cannot be split by recording. Use a table "
            "with ids or the archives, or split='row' (its scores are optimistically biased)."
        )
    parts = split_fold(y, split_units, folds=folds, fold=fold, seed=seed)
    if classes == len(BINARY_NAMES):
        y = (y == CLASS_NAMES.index("seizure")).astype(np.int32)
    if (samples, step) == (SAMPLES, None):
        train, validation, test = (
            Split(x[part], y[part], None if groups is None else groups[part]) for part in parts
        )
    elif groups is None or chunks is None:
        raise ValueError(f"{source}: windows need the order of the rows within a recording.")
    else:
        recordings = join_rows(x, groups, chunks)
        train, validation, test = (
            cut_windows(y[part], groups[part], recordings, samples, window_step)
            for part, window_step in zip(parts, (step or samples, samples, samples), strict=True)
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
    for name, value in (("samples", samples), ("step", step)):
        if value is not None:
            whole_number(name, value, 1, CHUNKS * SAMPLES)
    if (samples, step) != (SAMPLES, None) and split != "recording":
        raise ValueError(
            "Windows need split='recording', because a window spans several rows of its recording."
        )

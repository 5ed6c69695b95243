"""Windows of any length from recordings that come cut into rows."""

from __future__ import annotations

import numpy as np

from kerasnets.data.split import Split


def join_rows(x: np.ndarray, groups: np.ndarray, chunks: np.ndarray) -> np.ndarray:
    """The recordings that rows were cut from.

    Args:
        x: rows, shape ``(n, samples)``.
        groups: the recording of each, numbered from 0, shape ``(n,)``.
        chunks: which piece of it each is, numbered from 0, shape ``(n,)``.

    Returns:
        Shape ``(recordings, pieces · samples)``.

    Raises:
        ValueError: if a recording lacks a piece or has one twice.
    """
    recordings, pieces = int(groups.max()) + 1, int(chunks.max()) + 1
    counts = np.bincount(groups * pieces + chunks, minlength=recordings * pieces)
    if (wrong := np.flatnonzero(counts != 1)).size:
        recording, piece = divmod(int(wrong[0]), pieces)
        raise ValueError(
            f"Recording {recording} has piece {piece + 1} of {pieces} {counts[wrong[0]]} times; "
            "windows are cut from whole recordings."
        )
    return x[np.lexsort((chunks, groups))].reshape(recordings, -1)


def cut_windows(
    y: np.ndarray, groups: np.ndarray, recordings: np.ndarray, samples: int, step: int
) -> Split:
    """The recordings that some rows are of, cut anew.

    Args:
        y: the label of each row.
        groups: the number of its recording.
        recordings: all of them, shape ``(recordings, samples of each)``.
        samples: of each window.
        step: samples from the start of one to the start of the next.

    Returns:
        Windows recording by recording, in the order of time.
    """
    groups, first = np.unique(groups, return_index=True)
    starts = np.arange(0, recordings.shape[1] - samples + 1, step)
    return Split(
        recordings[groups][:, starts[:, None] + np.arange(samples)].reshape(-1, samples),
        y[first].repeat(len(starts)),
        groups.repeat(len(starts)),
    )

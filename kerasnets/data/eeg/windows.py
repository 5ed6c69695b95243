"""Windows of any length from recordings that are stored as rows."""

from __future__ import annotations

import numpy as np

from kerasnets.data.split import Split


def join_rows(x: np.ndarray, groups: np.ndarray, chunks: np.ndarray) -> np.ndarray:
    """Join rows to the recordings they belong to.

    Args:
        x: rows, shape ``(n, samples)``.
        groups: recording of each row, numbered from 0, shape ``(n,)``.
        chunks: position of each row within its recording, from 0, shape ``(n,)``.

    Returns:
        The recordings, shape ``(recordings, chunks · samples)``.

    Raises:
        ValueError: if a recording lacks a chunk or has one twice.
    """
    recordings, per_recording = int(groups.max()) + 1, int(chunks.max()) + 1
    cells = groups * per_recording + chunks
    counts = np.bincount(cells, minlength=recordings * per_recording)
    if (wrong := np.flatnonzero(counts != 1)).size:
        recording, chunk = divmod(int(wrong[0]), per_recording)
        raise ValueError(
            f"Recording {recording} has chunk {chunk + 1} of {per_recording} {counts[wrong[0]]} "
            "times; windows need complete recordings."
        )
    return x[np.lexsort((chunks, groups))].reshape(recordings, -1)


def cut_windows(
    y: np.ndarray, groups: np.ndarray, recordings: np.ndarray, samples: int, step: int
) -> Split:
    """Cut windows from the recordings that some rows belong to.

    Args:
        y: label of each row.
        groups: number of the recording of each row.
        recordings: all recordings, shape ``(recordings, samples per recording)``.
        samples: samples per window.
        step: samples from the start of one window to the start of the next.

    Returns:
        The windows, sorted by recording and time.
    """
    groups, first = np.unique(groups, return_index=True)
    windows = np.lib.stride_tricks.sliding_window_view(recordings[groups], samples, axis=1)
    windows = windows[:, ::step]
    per_recording = windows.shape[1]
    return Split(
        windows.reshape(-1, samples), y[first].repeat(per_recording), groups.repeat(per_recording)
    )

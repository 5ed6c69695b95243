"""Writes sequences of visits to files shard by shard, and opens them memory-mapped."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerasnets.data.ehr.event_shards import MappedShard
from kerasnets.data.ehr.visits import VisitSequences
from kerasnets.data.split import Split

_DTYPES: Mapping[str, type[np.generic]] = {
    "codes": np.int32,
    "code_offsets": np.int64,
    "visit_offsets": np.int64,
    "y": np.int32,
    "groups": np.int64,
    "subject_id": np.int64,
    "prediction_time": np.int64,
}
_MAPPED = ("codes", "code_offsets")  # the large ones


class _ArrayFile:
    """A ``.npy`` file of a one-dimensional array that is written piece by piece."""

    def __init__(self, path: Path, dtype: type[np.generic]) -> None:
        self.size, self.total = 0, 0
        self._dtype = np.dtype(dtype)
        self._file = path.open("wb")
        self._write_header()

    def append(self, values: np.ndarray) -> None:
        self._file.write(np.ascontiguousarray(values, self._dtype).data)
        self.size += len(values)

    def append_offsets(self, counts: np.ndarray) -> None:
        """Append the ends of items of the given sizes; the first offset is 0."""
        if not self.size:
            self.append(np.zeros(1, np.int64))
        ends = self.total + np.cumsum(counts, dtype=np.int64)
        self.append(ends)
        self.total = int(ends[-1]) if len(ends) else self.total

    def close(self) -> None:
        self._file.seek(0)
        self._write_header()
        self._file.close()

    def _write_header(self) -> None:
        # NumPy leaves room in the header, so that the length can be written at the end.
        header = {"descr": self._dtype.str, "fortran_order": False, "shape": (self.size,)}
        np.lib.format.write_array_header_1_0(self._file, header)


class SequenceWriter:
    """Appends examples of shards to the files of one split."""

    def __init__(self, folder: Path) -> None:
        """Create the files in a new folder."""
        folder.mkdir()
        self._files = {
            name: _ArrayFile(folder / f"{name}.npy", dtype) for name, dtype in _DTYPES.items()
        }
        for name in ("code_offsets", "visit_offsets"):
            self._files[name].append_offsets(np.zeros(0, np.int64))

    def append(
        self, shard: MappedShard, rows: np.ndarray, groups: np.ndarray, indices: np.ndarray
    ) -> None:
        """Append some examples of a shard.

        Args:
            shard: the shard.
            rows: whether to append each example, boolean.
            groups: the person of each example.
            indices: new index of each code of the shard, 0 for rare ones; the others rise.
        """
        visits = np.repeat(rows, shard.visits.lengths)
        counts = shard.visits.codes_per_visit
        codes = shard.visits.codes[np.repeat(visits, counts)]
        codes, counts = encode_visits(indices[codes], counts[visits])
        self._files["codes"].append(codes)
        self._files["code_offsets"].append_offsets(counts)
        self._files["visit_offsets"].append_offsets(shard.visits.lengths[rows])
        examples = shard.examples.subset(rows)
        self._files["y"].append(examples.y)
        self._files["groups"].append(groups[rows])
        self._files["subject_id"].append(examples.subject)
        self._files["prediction_time"].append(examples.time)

    def close(self) -> None:
        """Complete the files."""
        for file in self._files.values():
            file.close()


@contextlib.contextmanager
def sequence_writers(folder: Path, parts: tuple[str, ...]) -> Iterator[list[SequenceWriter]]:
    """Yield one writer per split, and complete their files."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(contextlib.closing(SequenceWriter(folder / part)))
               for part in parts]  # fmt: skip


def encode_visits(codes: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Write the code 0 of a visit once, before its other codes.

    Args:
        codes: codes of the visits, 0 for every rare one, the others ascending in each visit.
        counts: codes per visit.

    Returns:
        The codes, and the new number of codes per visit.
    """
    visit = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    rare = codes == 0
    has_rare = np.zeros(len(counts), bool)
    has_rare[visit[rare]] = True
    kept, visit = codes[~rare], visit[~rare]
    encoded = np.zeros(len(kept) + has_rare.sum(), np.int32)
    encoded[np.arange(len(kept)) + np.cumsum(has_rare)[visit]] = kept
    return encoded, np.bincount(visit, minlength=len(counts)) + has_rare


def open_sequences(folder: Path, names: tuple[str, ...], *, memory_mapped: bool) -> Split:
    """Open the files of a split.

    Args:
        folder: the folder of the split.
        names: the vocabulary.
        memory_mapped: whether codes stay on the disk until they are used.

    Raises:
        OSError: if a file is missing or truncated.
    """
    try:
        return _open(folder, names, memory_mapped=memory_mapped)
    except (ValueError, EOFError) as error:
        raise OSError(
            f"{folder} is damaged ({error}). Remove it, and load the data again."
        ) from None


def _open(folder: Path, names: tuple[str, ...], *, memory_mapped: bool) -> Split:
    arrays: dict[str, Any] = {
        name: np.load(
            folder / f"{name}.npy", mmap_mode="r" if memory_mapped and name in _MAPPED else None
        )
        for name in _DTYPES
    }
    sequences = VisitSequences(
        arrays["codes"], arrays["code_offsets"], arrays["visit_offsets"], names,
        {
            "subject_id": arrays["subject_id"],
            "prediction_time": arrays["prediction_time"].astype("datetime64[us]"),
        },
    )  # fmt: skip
    return Split(sequences, arrays["y"], arrays["groups"])

"""Sequences of visits, each a set of codes: stored ragged, made dense batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from kerasnets._deprecation import warn_renamed
from kerasnets.engine.ragged import RaggedCodes

if TYPE_CHECKING:
    import scipy.sparse

_BLOCK = 2**22  # elements that are checked at a time
NO_CODE = -1  # the code of an event that only records that a visit took place


@dataclass(frozen=True, eq=False, repr=False)
class VisitSequences(RaggedCodes):
    """Ragged sequences of visits, for models with the inputs ``visits`` and ``length``.

    Visit ``v`` has the codes ``codes[code_offsets[v]:code_offsets[v + 1]]``, in ascending order
    and without duplicates. A visit may have no codes. Sequence ``i`` has the visits
    ``visit_offsets[i]`` to ``visit_offsets[i + 1] - 1``. A sequence has at least one visit.

    Attributes:
        codes: int32, indices into ``names``.
        code_offsets: int64, shape ``(visits of all sequences + 1,)``.
        visit_offsets: int64, shape ``(sequences + 1,)``.
        names: name of each code.
        keys: what identifies each sequence, such as ``subject_id`` and ``prediction_time``, each
            array of shape ``(sequences,)``; empty if unknown.

    Raises:
        ValueError: if a code is negative or has no name, the offsets are inconsistent, or a
            sequence is empty.
    """

    codes: np.ndarray
    code_offsets: np.ndarray
    visit_offsets: np.ndarray
    names: tuple[str, ...]
    keys: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_offsets("code_offsets", self.code_offsets, len(self.codes), least=0)
        _check_offsets("visit_offsets", self.visit_offsets, len(self.code_offsets) - 1, least=1)
        for block in _blocks(self.codes):
            if not 0 <= block.min() <= block.max() < self.features:
                raise ValueError(
                    f"Codes must be in [0, {self.features - 1}], since there are {self.features} "
                    f"names, got min={self.codes.min()} and max={self.codes.max()}."
                )

    def __repr__(self) -> str:
        size = f"{len(self):,} sequences of up to {self.lengths.max(initial=0)} visits"
        return f"VisitSequences({size}, {self.features} codes)"

    @property
    def features(self) -> int:
        """The number of codes: the width of a dense visit."""
        return len(self.names)

    @property
    def codes_per_visit(self) -> np.ndarray:
        """The number of codes of each visit, in order."""
        return np.diff(self.code_offsets)

    @property
    def content(self) -> tuple[np.ndarray, ...]:
        """The arrays that a checksum covers."""
        return self.codes, self.code_offsets, self.visit_offsets, np.array(self.names)

    def take(self, rows: np.ndarray | slice, length: int | None = None) -> dict[str, np.ndarray]:
        """Return some sequences as dense arrays; see :meth:`dense`."""
        return self.subset(np.arange(len(self))[rows]).dense(length)

    def subset(self, rows: np.ndarray) -> VisitSequences:
        """The sequences with the indices ``rows``, in that order, still ragged."""
        rows = np.asarray(rows)
        visits, visit_offsets = _gather(self.visit_offsets, rows)
        codes, code_offsets = _gather(self.code_offsets, visits)
        keys = {name: values[rows] for name, values in self.keys.items()}
        return VisitSequences(self.codes[codes], code_offsets, visit_offsets, self.names, keys)

    def encode(self, indices: np.ndarray, names: Sequence[str]) -> VisitSequences:
        """The same visits in another vocabulary.

        Args:
            indices: new index of each code, shape ``(features,)``. Codes with the same new index
                become one code.
            names: names of the new codes.
        """
        visits = _matrix(indices[self.codes], self.code_offsets, len(names))
        visits.sum_duplicates()
        return replace(_sequences(visits, self.visit_offsets, names), keys=self.keys)

    def dense(self, length: int | None = None, *, time: int | None = None) -> dict[str, np.ndarray]:
        """Multi-hot visits, padded on the right with zeros.

        Args:
            length: visits per sequence after padding; by default the length of the longest
                sequence.
            time: old name of ``length``.

        Returns:
            ``visits``, float32 of shape ``(n, length, features)``, and ``length``, int32 of shape
            ``(n,)``: the true number of visits.

        Raises:
            ValueError: if a sequence is longer than ``length``.
        """
        if time is not None:
            warn_renamed("VisitSequences.dense(time=…)", "dense(length=…)")
            length = time
        lengths = self.lengths
        longest = int(lengths.max(initial=1))
        length = longest if length is None else length
        if longest > length:
            raise ValueError(f"lengths must be in [1, {length}], got max={longest}.")
        visits = np.zeros((len(self), length, self.features), np.float32)
        row = np.repeat(np.arange(len(self)), lengths)
        step = np.arange(len(row)) - np.repeat(self.visit_offsets[:-1], lengths)
        visit = np.repeat(np.arange(len(row)), self.codes_per_visit)
        visits[row[visit], step[visit], self.codes] = 1
        return {"visits": visits, "length": lengths}

    def code_counts(self) -> np.ndarray:
        """Number of visits with each code, per sequence: float32, shape ``(n, features)``."""
        return self._codes_of_sequences().toarray()

    def code_shares(self) -> np.ndarray:
        """The share of sequences that have each code, from 0 to 1, shape ``(features,)``."""
        sequences = self._codes_of_sequences()
        sequences.sum_duplicates()
        return np.bincount(sequences.indices, minlength=self.features) / len(self)

    def bag(self) -> np.ndarray:
        """Old name of :meth:`code_counts`."""
        warn_renamed("VisitSequences.bag", "VisitSequences.code_counts")
        return self.code_counts()

    def _codes_of_sequences(self) -> scipy.sparse.csr_array:
        """A sparse matrix: one row per sequence, one entry for each code of each visit."""
        return _matrix(self.codes, self.code_offsets[self.visit_offsets], self.features)


def group_events(
    subject: np.ndarray,
    time: np.ndarray,
    code: np.ndarray,
    *,
    subjects: int,
    names: Sequence[str],
) -> VisitSequences:
    """Group a table of events into sequences: events of one subject at one time are one visit.

    Args:
        subject: subject of each event, integers from 0 to ``subjects - 1``.
        time: time of each event, integers in any unit; the visits of a subject are sorted by it.
        code: code of each event: an index into ``names``, or ``NO_CODE`` for none.
        subjects: number of sequences. A subject without events gets a single empty visit,
            because a record without events is information too.
        names: name of each code.

    Raises:
        ValueError: if the columns differ in length, or a subject or code is out of range.
    """
    from scipy.sparse import coo_array

    if not subject.shape == time.shape == code.shape or subject.ndim != 1:
        raise ValueError(
            "subject, time and code must be columns of one length, got shapes "
            f"{subject.shape}, {time.shape}, {code.shape}."
        )
    if len(subject) and not 0 <= subject.min() <= subject.max() < subjects:
        raise ValueError(f"Subjects must be in [0, {subjects - 1}], got {_range(subject)}.")
    if len(code) and not code.min() >= NO_CODE <= code.max() < len(names):
        raise ValueError(
            f"Codes must be in [0, {len(names) - 1}], or {NO_CODE} for none, got {_range(code)}."
        )
    silent = np.flatnonzero(np.bincount(subject, minlength=subjects) == 0)
    subject = np.concatenate([subject, silent]).astype(np.int64)
    time = np.concatenate([time, np.zeros(len(silent), np.int64)])
    code = np.concatenate([code, np.full(len(silent), NO_CODE)])

    order = np.lexsort((time, subject))
    subject, time, code = subject[order], time[order], code[order]
    starts = np.ones(len(subject), bool)
    starts[1:] = (subject[1:] != subject[:-1]) | (time[1:] != time[:-1])
    visit = np.cumsum(starts) - 1
    lengths = np.bincount(subject[starts], minlength=subjects)
    recorded = code != NO_CODE
    cells = visit[recorded], code[recorded]
    shape = (int(starts.sum()), len(names))
    visits = coo_array((np.ones(len(cells[0]), np.float32), cells), shape=shape).tocsr()
    visits.sum_duplicates()
    return _sequences(visits, _offsets(lengths), names)


def _matrix(codes: np.ndarray, offsets: np.ndarray, features: int) -> scipy.sparse.csr_array:
    """A sparse matrix of ones with the given codes in each row; codes may occur repeatedly."""
    from scipy.sparse import csr_array

    # Copied, because sorting a matrix sorts its arrays in place.
    ones, shape = np.ones(len(codes), np.float32), (len(offsets) - 1, features)
    return csr_array((ones, codes, offsets), shape=shape, copy=True)


def _sequences(
    visits: scipy.sparse.csr_array, visit_offsets: np.ndarray, names: Sequence[str]
) -> VisitSequences:
    codes, code_offsets = visits.indices.astype(np.int32), visits.indptr.astype(np.int64)
    return VisitSequences(codes, code_offsets, visit_offsets, tuple(names))


def _offsets(counts: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _gather(offsets: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The positions of the items of the selected rows, and the offsets of these rows."""
    sizes = np.diff(offsets)[rows]
    ends = _offsets(sizes)
    return np.arange(ends[-1]) + np.repeat(offsets[rows] - ends[:-1], sizes), ends


def _range(values: np.ndarray) -> str:
    return f"min={values.min()} and max={values.max()}"


def _check_offsets(name: str, offsets: np.ndarray, end: int, least: int) -> None:
    valid = offsets.ndim == 1 and len(offsets) > 0 and offsets[0] == 0 and offsets[-1] == end
    if not valid or any((np.diff(block) < least).any() for block in _blocks(offsets, overlap=1)):
        hint = "; every sequence needs at least one visit" if least else ""
        raise ValueError(f"{name} must rise from 0 to {end} in steps of {least} or more{hint}.")


def _blocks(array: np.ndarray, overlap: int = 0) -> Iterator[np.ndarray]:
    """Parts of an array, so that a check needs little memory; none of a memory-mapped array.

    Memory-mapped arrays are those that kerasnets has written and checked. Reading them here would
    fill the memory with pages of files that may be larger.

    Args:
        array: one-dimensional.
        overlap: number of elements that a part shares with the next.
    """
    if isinstance(array, np.memmap):
        return
    for first in range(0, len(array) - overlap, _BLOCK):
        yield np.asarray(array[first : first + _BLOCK + overlap])

"""Sequences of visits, each a set of codes: stored ragged, made dense a batch at a time.

The step from an event table to sequences takes and gives plain arrays, whatever engine read the
table: numpy and pandas now, another one later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasnets.engine.sources import RaggedCodes

NOTHING = -1  # the code of an event that says: a visit, and nothing recorded


@dataclass(frozen=True, eq=False)
class VisitSequences(RaggedCodes):
    """Sequences of visits as code indices, the inputs ``visits`` and ``length`` in waiting.

    Visit ``v`` has the codes ``codes[code_offsets[v]:code_offsets[v + 1]]``, ascending and each
    once; there may be none. Sequence ``i`` has the visits from ``visit_offsets[i]`` to before
    ``visit_offsets[i + 1]``; there is at least one.

    Attributes:
        codes: int32, indices into ``names``.
        code_offsets: int64, shape ``(all visits + 1,)``.
        visit_offsets: int64, shape ``(sequences + 1,)``.
        names: the name of each code.

    Raises:
        ValueError: if a code is negative or has no name, offsets do not fit, or a sequence is
            empty.
    """

    codes: np.ndarray
    code_offsets: np.ndarray
    visit_offsets: np.ndarray
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_offsets("code_offsets", self.code_offsets, len(self.codes), least=0)
        _check_offsets("visit_offsets", self.visit_offsets, len(self.code_offsets) - 1, least=1)
        if len(self.codes) and not 0 <= self.codes.min() <= self.codes.max() < self.features:
            raise ValueError(
                f"Codes must be in [0, {self.features - 1}], one of {self.features} names, got "
                f"min={self.codes.min()} and max={self.codes.max()}."
            )

    @property
    def features(self) -> int:
        """The width of a dense visit."""
        return len(self.names)

    def take(self, rows: Any, length: int | None = None) -> dict[str, np.ndarray]:
        """Some sequences as dense arrays."""
        return self.subset(np.arange(len(self))[rows]).dense(length)

    @property
    def codes_per_visit(self) -> np.ndarray:
        """Codes a visit, of all visits in order."""
        return np.diff(self.code_offsets)

    def subset(self, rows: np.ndarray) -> VisitSequences:
        """Some of the sequences, in the order of ``rows``."""
        visits, visit_offsets = _gather(self.visit_offsets, np.asarray(rows))
        codes, code_offsets = _gather(self.code_offsets, visits)
        return VisitSequences(self.codes[codes], code_offsets, visit_offsets, self.names)

    def encode(self, indices: np.ndarray, names: Sequence[str]) -> VisitSequences:
        """The same visits in another vocabulary.

        Args:
            indices: the new index of each code, shape ``(features,)``. Codes that share one are
                one code from then on.
            names: the names of the new codes.
        """
        visit = np.repeat(np.arange(len(self.code_offsets) - 1), self.codes_per_visit)
        visit, codes = _distinct(visit, indices[self.codes], len(names))
        counts = np.bincount(visit, minlength=len(self.code_offsets) - 1)
        return VisitSequences(codes, _offsets(counts), self.visit_offsets, tuple(names))

    def dense(self, time: int | None = None) -> dict[str, np.ndarray]:
        """Multi-hot rows, padded on the right with zeros.

        Args:
            time: the padded time; that of the longest sequence by default.

        Returns:
            ``visits``, float32 of shape ``(n, time, features)``, and ``length``, int32 of shape
            ``(n,)``.

        Raises:
            ValueError: if a sequence is longer than ``time``.
        """
        lengths = self.lengths
        longest = int(lengths.max(initial=1))
        time = longest if time is None else time
        if longest > time:
            raise ValueError(f"lengths must be in [1, {time}], got max={longest}.")
        visits = np.zeros((len(self), time, self.features), np.float32)
        row, step = self._places()
        of_code = np.repeat(np.arange(len(row)), self.codes_per_visit)
        visits[row[of_code], step[of_code], self.codes] = 1
        return {"visits": visits, "length": lengths}

    def bag(self) -> np.ndarray:
        """How many visits of each sequence have each code, float32, ``(n, features)``."""
        row, _ = self._places()
        cells = np.repeat(row, self.codes_per_visit) * self.features + self.codes
        counts = np.bincount(cells, minlength=len(self) * self.features)
        return counts.reshape(len(self), self.features).astype(np.float32)

    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """The sequence of every visit, and its step there."""
        lengths = self.lengths
        row = np.repeat(np.arange(len(self)), lengths)
        return row, np.arange(len(row)) - np.repeat(self.visit_offsets[:-1], lengths)


def group_events(
    subject: np.ndarray,
    time: np.ndarray,
    code: np.ndarray,
    *,
    subjects: int,
    names: Sequence[str],
) -> VisitSequences:
    """The step from an event table to sequences: what has one subject and time is a visit.

    Args:
        subject: whose event it is, integers from 0 to before ``subjects``.
        time: when it was, integers in any unit; sequences are sorted by it.
        code: what it was, an index into ``names``, or ``NOTHING`` for a visit without a code.
        subjects: how many sequences there are. One without events gets a single empty visit:
            that nothing was recorded is data too.
        names: the name of each code.

    Raises:
        ValueError: if the columns differ in length, or a subject or code is out of range.
    """
    if not subject.shape == time.shape == code.shape or subject.ndim != 1:
        raise ValueError(
            "subject, time and code must be columns of one length, got shapes "
            f"{subject.shape}, {time.shape}, {code.shape}."
        )
    if len(subject) and not 0 <= subject.min() <= subject.max() < subjects:
        raise ValueError(f"Subjects must be in [0, {subjects - 1}], got {_range(subject)}.")
    if len(code) and not code.min() >= NOTHING <= code.max() < len(names):
        raise ValueError(
            f"Codes must be in [0, {len(names) - 1}], or {NOTHING} for none, got {_range(code)}."
        )
    silent = np.flatnonzero(np.bincount(subject, minlength=subjects) == 0)
    subject = np.concatenate([subject, silent]).astype(np.int64)
    time = np.concatenate([time, np.zeros(len(silent), np.int64)])
    code = np.concatenate([code, np.full(len(silent), NOTHING)])

    order = np.lexsort((time, subject))
    subject, time, code = subject[order], time[order], code[order]
    starts = np.ones(len(subject), bool)
    starts[1:] = (subject[1:] != subject[:-1]) | (time[1:] != time[:-1])
    visit = np.cumsum(starts) - 1
    lengths = np.bincount(subject[starts], minlength=subjects)
    recorded = code != NOTHING
    visit_of_code, codes = _distinct(visit[recorded], code[recorded], len(names))
    counts = np.bincount(visit_of_code, minlength=int(starts.sum()))
    return VisitSequences(codes, _offsets(counts), _offsets(lengths), tuple(names))


def _distinct(visit: np.ndarray, code: np.ndarray, features: int) -> tuple[np.ndarray, np.ndarray]:
    """Each pair of visit and code once, sorted."""
    pairs = np.sort(visit.astype(np.int64) * features + code)
    first = np.ones(len(pairs), bool)  # numpy's unique hashes first, which takes ten times as long
    first[1:] = pairs[1:] != pairs[:-1]
    pairs = pairs[first]
    return pairs // max(features, 1), (pairs % max(features, 1)).astype(np.int32)


def _offsets(counts: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _gather(offsets: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the items of some rows stand, and the offsets once only those are left."""
    sizes = np.diff(offsets)[rows]
    ends = _offsets(sizes)
    return np.arange(ends[-1]) + np.repeat(offsets[rows] - ends[:-1], sizes), ends


def _range(values: np.ndarray) -> str:
    return f"min={values.min()} and max={values.max()}"


def _check_offsets(name: str, offsets: np.ndarray, end: int, least: int) -> None:
    sound = offsets.ndim == 1 and len(offsets) > 0 and offsets[0] == 0 and offsets[-1] == end
    if not sound or (np.diff(offsets) < least).any():
        raise ValueError(
            f"{name} must rise from 0 to {end} in steps of {least} or more; "
            f"{'every sequence needs at least one visit' if least else 'got others'}."
        )

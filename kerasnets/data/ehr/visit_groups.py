"""Groups the events of a shard into visits: sorts and counts integers, after any engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kerasnets.data.ehr.code_table import ShardCodes
from kerasnets.data.ehr.event_rules import EventRules
from kerasnets.data.tables.cells import DataError

if TYPE_CHECKING:
    import pyarrow as pa

_HOUR = 3600 * 10**6  # microseconds
_DAY = 24 * _HOUR
_LARGEST = 2**63 - 1
_NO_TIME = np.iinfo(np.int64).min  # how NumPy stores a missing time


@dataclass(frozen=True)
class Visits:
    """The visits of some examples.

    Attributes:
        lengths: visits per example, int32, at least 1.
        codes_per_visit: int32, one per visit.
        codes: int32, ascending within a visit.
    """

    lengths: np.ndarray
    codes_per_visit: np.ndarray
    codes: np.ndarray


def group_visits(rows: pa.Table, examples: int, codes: ShardCodes, rules: EventRules) -> Visits:
    """Group events into visits.

    An event that occurs several times in a visit is used once. Events without a time form a visit
    before all others. An example without events gets one empty visit, because a record without
    events is information too.

    Args:
        rows: see :func:`kerasnets.data.ehr.events.used_events`; the order of the rows does not
            matter.
        examples: number of examples.
        codes: what the numbers of ``rows`` mean.
        rules: how visits are made.
    """
    example = rows["example"].to_numpy()
    visit = _visit_keys(rows, rules)
    cells = _distinct(example, visit, rows["number"].to_numpy(), examples, len(codes))
    lengths = np.bincount(cells.example, minlength=examples)
    counts = np.diff(codes.target_offsets)[cells.number]
    names = _targets(codes, cells.number, counts)
    if (counts <= 1).all() and (np.diff(codes.targets) > 0).all():
        per_visit = np.bincount(cells.visit, counts, len(cells.example))
    else:
        names, per_visit = _distinct_names(
            np.repeat(cells.visit, counts), names, len(cells.example), len(codes.names)
        )
    silent = np.flatnonzero(lengths == 0)
    per_visit = np.insert(per_visit, np.cumsum(lengths)[silent], 0)
    return Visits(
        np.maximum(lengths, 1).astype(np.int32), per_visit.astype(np.int32), names.astype(np.int32)
    )


@dataclass(frozen=True)
class _Cells:
    """Distinct pairs of a visit and a number, sorted.

    Attributes:
        example: the example of each visit.
        visit: the visit of each pair.
        number: the number of each pair.
    """

    example: np.ndarray
    visit: np.ndarray
    number: np.ndarray


def _distinct(
    example: np.ndarray, visit: np.ndarray, number: np.ndarray, examples: int, numbers: int
) -> _Cells:
    """Sort the triples of example, visit and number, as one integer each, and drop duplicates."""
    if not len(example):
        empty = np.zeros(0, np.int64)
        return _Cells(empty, empty, empty)
    first, last = int(visit.min()), int(visit.max())
    if examples * (last - first + 1) * numbers > _LARGEST:
        visit = np.unique(visit, return_inverse=True)[1]
        first, last = 0, int(visit.max())
    visits = last - first + 1
    if examples * visits * numbers > _LARGEST:
        raise DataError("a shard has too many examples, visits and codes; divide it.")
    keys = (example * visits + (visit - first)) * numbers + number
    keys.sort()
    keys = keys[_starts(keys)]
    visit_key, number = np.divmod(keys, numbers)
    starts = _starts(visit_key)
    return _Cells(visit_key[starts] // visits, np.cumsum(starts) - 1, number)


def _targets(codes: ShardCodes, number: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The names of each number, one after the other."""
    if (np.diff(codes.target_offsets) == 1).all():
        return codes.targets[number]
    first = codes.target_offsets[number]
    ends = np.cumsum(counts)
    places = np.arange(ends[-1] if len(ends) else 0)
    return codes.targets[places + np.repeat(first - (ends - counts), counts)]


def _distinct_names(
    visit: np.ndarray, names: np.ndarray, visits: int, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """The sorted, distinct names of each visit, and their number per visit."""
    keys = visit * size + names
    keys.sort()
    keys = keys[_starts(keys)]
    visit, names = np.divmod(keys, size)
    return names, np.bincount(visit, minlength=visits)


def _starts(keys: np.ndarray) -> np.ndarray:
    """Whether each element of a sorted array differs from the one before it."""
    starts = np.ones(len(keys), bool)
    np.not_equal(keys[1:], keys[:-1], out=starts[1:])
    return starts


def _visit_keys(rows: pa.Table, rules: EventRules) -> np.ndarray:
    """An integer per event that is equal within a visit and rises with time."""
    time = rows["time"].to_numpy().astype("datetime64[us]").view(np.int64)
    if rules.visits != "encounter":
        return _without_time_first(time, time // (_HOUR * rules.visit_hours))
    encounter = _ranks(rows["encounter"])
    start = np.where(encounter < 0, time // _DAY * _DAY, time)
    start = _without_time_first(time, start)
    order = np.lexsort((encounter, start))
    starts = np.ones(len(order), bool)
    starts[1:] = (np.diff(start[order]) != 0) | (np.diff(encounter[order]) != 0)
    keys = np.empty(len(order), np.int64)
    keys[order] = np.cumsum(starts)
    return keys


def _without_time_first(time: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """The keys, with those of events without a time just below the smallest of the others."""
    missing = time == _NO_TIME
    if not missing.any():
        return keys
    known = keys[~missing]
    return np.where(missing, known.min() - 1 if len(known) else 0, keys)


def _ranks(column: pa.ChunkedArray) -> np.ndarray:
    """The position of each value among the sorted distinct values; -1 for missing ones."""
    import pyarrow.compute as pc

    encoded = column.combine_chunks().dictionary_encode()
    order = pc.array_sort_indices(encoded.dictionary).to_numpy()
    ranks = np.empty(len(order) + 1, np.int64)
    ranks[order] = np.arange(len(order))
    ranks[-1] = -1
    return ranks[encoded.indices.fill_null(-1).to_numpy()]

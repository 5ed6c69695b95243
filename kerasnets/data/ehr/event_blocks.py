"""Reads shards of events block by block: the part of the work that an engine does."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from kerasnets.data.ehr.code_table import Ancestry, Edges, ShardCodes, number_codes
from kerasnets.data.ehr.event_rules import EventRules
from kerasnets.data.ehr.events import columns_of, distinct_codes, subject_counts, used_events
from kerasnets.data.ehr.frames import FrameEngine
from kerasnets.data.ehr.meds_labels import Examples, Labels
from kerasnets.data.tables.cells import DataError

if TYPE_CHECKING:
    import narwhals as nw
    import pyarrow as pa

MAX_EVENTS = 2**22  # events, once per example, that are processed at a time
Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class Shard:
    """A shard of which the subjects, labels and codes are known.

    Attributes:
        path: the file with the events.
        subjects: all subjects, int64, ascending.
        events: number of events.
        examples: the examples, sorted by subject and time.
        codes: the codes.
    """

    path: Path
    subjects: np.ndarray
    events: int
    examples: Examples
    codes: ShardCodes


@dataclass(frozen=True, eq=False)
class Block:
    """The events of some examples of a shard.

    Attributes:
        shard: the shard.
        examples: number of examples.
        rows: see :func:`kerasnets.data.ehr.events.used_events`; ``None`` if there are no examples.
    """

    shard: Shard
    examples: int
    rows: pa.Table | None


@dataclass(frozen=True)
class ShardReader:
    """Reads shards.

    Attributes:
        engine: runs the expressions.
        labels: the labels of the task.
        rules: how events become visits and codes.
        ancestry: the codes above each code.
        edges: limits between the bins of numeric values.
    """

    engine: FrameEngine
    labels: Labels
    rules: EventRules
    ancestry: Ancestry
    edges: Edges

    def blocks(self, path: Path) -> Iterator[Block]:
        """Yield the events of a shard, at least one block.

        Raises:
            DataError: if an event has no subject or no code, or see :class:`Labels`.
        """
        with self.engine.reading(path):
            events = self.engine.scan(path, columns_of(self.rules))
            subjects, counts = read_subjects(events)
            examples = self.labels.rows_of(subjects)
            codes = number_codes(read_codes(events), self.rules, self.ancestry, self.edges)
            shard = Shard(path, subjects, int(counts.sum()), examples, codes)
            if not len(examples):
                yield Block(shard, 0, None)
            table = self.engine.table(codes.table(self.rules.numeric_bins))
            for few, part in example_blocks(events, subjects, counts, examples):
                numbered = self.engine.table(example_table(few))
                yield Block(shard, len(few), used_events(part, numbered, table, self.rules))


def prefetch(items: Iterator[Item]) -> Iterator[Item]:
    """Yield the items, while a thread makes the next one."""
    end: Any = object()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(next, items, end)
        while (item := future.result()) is not end:
            future = pool.submit(next, items, end)
            yield item


def read_subjects(events: nw.LazyFrame[Any]) -> tuple[np.ndarray, np.ndarray]:
    """The subjects of a shard, ascending, and the number of events of each.

    Raises:
        DataError: if an event has no subject.
    """
    table = subject_counts(events)
    _refuse_missing(table, "subject_id")
    ids, counts = (table[name].to_numpy() for name in ("subject_id", "events"))
    order = np.argsort(ids)
    return ids[order].astype(np.int64), counts[order].astype(np.int64)


def read_codes(events: nw.LazyFrame[Any]) -> list[str]:
    """The codes of a shard.

    Raises:
        DataError: if an event has no code.
    """
    table = distinct_codes(events)
    _refuse_missing(table, "code")
    codes = table["code"].to_pylist()
    if "" in codes:
        raise DataError("there are events with an empty code. Name the code, or remove them.")
    return codes


def example_blocks(
    events: nw.LazyFrame[Any], subjects: np.ndarray, counts: np.ndarray, examples: Examples
) -> Iterator[tuple[Examples, nw.LazyFrame[Any]]]:
    """Divide examples, so that the events of a block, once per example, fit in memory.

    Args:
        events: the events of the shard.
        subjects: its subjects, ascending.
        counts: number of events of each subject.
        examples: examples of some of these subjects, sorted by subject.

    Yields:
        Some examples, and the events of the range of their subjects.
    """
    import narwhals as nw

    total = np.cumsum(counts[np.searchsorted(subjects, examples.subject)])
    block = total // MAX_EVENTS
    bounds = np.flatnonzero(np.diff(block)) + 1
    for rows in np.split(np.arange(len(examples)), bounds):
        if len(rows):
            few = examples.subset(rows)
            first, last = int(few.subject[0]), int(few.subject[-1])
            # Sorted files are then read in part only.
            near = events.filter(nw.col("subject_id").is_between(first, last))
            yield few, near if len(bounds) else events


def example_table(examples: Examples) -> pa.Table:
    """Examples with their numbers, to join with events."""
    import pyarrow as pa

    return pa.table(
        {
            "subject_id": examples.subject,
            "prediction_time": examples.time.astype("datetime64[us]"),
            "example": np.arange(len(examples)),
        }
    )


def _refuse_missing(table: pa.Table, column: str) -> None:
    if table[column].null_count:
        raise DataError(
            f"there are events without a value in {column}, which MEDS does not allow. Remove them."
        )

"""Maps shards of events to visits, one at a time; a mapped shard is stored and not mapped again."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets._files import atomic_write
from kerasnets.data.ehr.code_table import Ancestry, Edges, number_codes
from kerasnets.data.ehr.event_rules import EventRules
from kerasnets.data.ehr.events import columns_of, distinct_codes, subject_counts, used_events
from kerasnets.data.ehr.frames import FrameEngine
from kerasnets.data.ehr.meds_labels import Examples, Labels
from kerasnets.data.ehr.visit_groups import Visits, group_visits
from kerasnets.data.tables.cells import DataError, name_file

if TYPE_CHECKING:
    import narwhals as nw
    import pyarrow as pa

MAX_EVENTS = 2**22  # events, once per example, that are processed at a time
_ARRAYS = ("subject", "time", "y", "lengths", "codes_per_visit", "codes", "subjects")


@dataclass(frozen=True)
class MappedShard:
    """The examples of a shard, and their visits.

    Attributes:
        examples: the examples, sorted by subject and time.
        visits: their visits; the codes are indices into ``names``.
        names: the sorted names that occur.
        subjects: all subjects of the shard, also those without a label; int64, ascending.
        events: number of events of the shard.
    """

    examples: Examples
    visits: Visits
    names: tuple[str, ...]
    subjects: np.ndarray
    events: int

    def save(self, path: Path) -> None:
        """Store the shard; a reader never sees half of it."""
        parts = {**vars(self.examples), **vars(self.visits), "subjects": self.subjects}
        about = json.dumps({"names": self.names, "events": self.events})
        with atomic_write(path) as new, new.open("wb") as file:
            np.savez(file, allow_pickle=False, about=np.array(about), **parts)

    @classmethod
    def load(cls, path: Path) -> MappedShard | None:
        """Read a stored shard, or return ``None`` if there is none, or it is damaged."""
        try:
            with np.load(path) as stored:
                arrays = {name: stored[name] for name in _ARRAYS}
                about = json.loads(str(stored["about"]))
        except (OSError, KeyError, ValueError, zipfile.BadZipFile):
            return None
        examples = Examples(*(arrays[name] for name in _ARRAYS[:3]))
        visits = Visits(*(arrays[name] for name in _ARRAYS[3:6]))
        return cls(examples, visits, tuple(about["names"]), arrays["subjects"], about["events"])


@dataclass(frozen=True)
class ShardMapper:
    """Maps a shard.

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

    def __call__(self, path: Path) -> MappedShard:
        """Map the shard of a file.

        Raises:
            DataError: if an event has no subject or no code, or see :class:`Labels`.
        """
        with name_file(path):
            events = self.engine.scan(path, columns_of(self.rules))
            subjects, counts = read_subjects(events)
            examples = self.labels.rows_of(subjects)
            return self._map(events, subjects, counts, examples)

    def without_events(self, examples: Examples) -> MappedShard:
        """The shard of examples whose subjects have no events."""
        none = np.zeros(0, np.int32)
        ones = np.ones(len(examples), np.int32)
        return MappedShard(examples, Visits(ones, 0 * ones, none), (), none.astype(np.int64), 0)

    def _map(
        self,
        events: nw.LazyFrame[Any],
        subjects: np.ndarray,
        counts: np.ndarray,
        examples: Examples,
    ) -> MappedShard:
        codes = number_codes(read_codes(events), self.rules, self.ancestry, self.edges)
        table = self.engine.table(codes.table(self.rules.numeric_bins))
        mapped = [
            group_visits(
                used_events(part, self.engine.table(example_table(few)), table, self.rules),
                len(few), codes, self.rules,
            )
            for few, part in example_blocks(events, subjects, counts, examples)
        ]  # fmt: skip
        visits = _join(mapped)
        used = np.bincount(visits.codes, minlength=len(codes.names)) > 0
        number = (np.cumsum(used) - 1).astype(np.int32)
        names = tuple(name for name, keep in zip(codes.names, used, strict=True) if keep)
        visits = Visits(visits.lengths, visits.codes_per_visit, number[visits.codes])
        return MappedShard(examples, visits, names, subjects, int(counts.sum()))


def map_shards(paths: tuple[Path, ...], folder: Path, mapper: Callable[[Path], MappedShard],
               progress: Callable[[int], object] = lambda done: None) -> list[Path]:  # fmt: skip
    """Map the shards that are not mapped yet.

    Args:
        paths: the files with the events.
        folder: where to store the mapped shards, one file per shard.
        mapper: maps a shard.
        progress: called with the number of the mapped shards.

    Returns:
        The files of the mapped shards, in the order of ``paths``.
    """
    stored = [folder / f"{number:05}.npz" for number in range(len(paths))]
    for done, (path, target) in enumerate(zip(paths, stored, strict=True)):
        progress(done)
        if MappedShard.load(target) is None:
            mapper(path).save(target)
    progress(len(paths))
    return stored


def read_shards(stored: list[Path]) -> Iterator[MappedShard]:
    """Read mapped shards, one at a time.

    Raises:
        OSError: if a file is damaged.
    """
    for path in stored:
        shard = MappedShard.load(path)
        if shard is None:
            raise OSError(f"{path} is damaged. Remove it, and load the data again.")
        yield shard


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


def _join(blocks: list[Visits]) -> Visits:
    none = np.zeros(0, np.int32)
    names = ("lengths", "codes_per_visit", "codes")
    return Visits(
        *(np.concatenate([none, *(getattr(block, name) for block in blocks)]) for name in names)
    )


def _refuse_missing(table: pa.Table, column: str) -> None:
    if table[column].null_count:
        raise DataError(
            f"there are events without a value in {column}, which MEDS does not allow. Remove them."
        )


def refuse_shared_subjects(stored: list[Path], paths: Mapping[Path, Path]) -> np.ndarray:
    """All subjects, ascending.

    Args:
        stored: mapped shards.
        paths: the file with the events of each mapped shard.

    Raises:
        DataError: if a subject is in two shards.
    """
    parts = [(path, shard.subjects) for path, shard in zip(stored, read_shards(stored),
                                                           strict=True)]  # fmt: skip
    subjects = np.concatenate([part for _, part in parts] or [np.zeros(0, np.int64)])
    subjects.sort()
    twice = subjects[1:][np.diff(subjects) == 0]
    if len(twice):
        files = [str(paths[path]) for path, part in parts if twice[0] in part]
        raise DataError(
            f"Subject {twice[0]} is in {' and '.join(files)}. In MEDS, all events of a subject "
            "are in one file."
        )
    return subjects

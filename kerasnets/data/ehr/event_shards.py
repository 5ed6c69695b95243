"""Maps shards of events to visits, one at a time; a mapped shard is stored and not mapped again."""

from __future__ import annotations

import itertools
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kerasnets._files import atomic_write
from kerasnets.data.ehr.event_blocks import Block, Shard, ShardReader, prefetch
from kerasnets.data.ehr.event_rules import EventRules
from kerasnets.data.ehr.meds_labels import Examples
from kerasnets.data.ehr.visit_groups import Visits, group_visits
from kerasnets.data.tables.cells import DataError, name_file

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
            with path.open("rb") as file, np.load(file) as stored:
                arrays = {name: stored[name] for name in _ARRAYS}
                about = json.loads(str(stored["about"]))
        except (OSError, KeyError, ValueError, zipfile.BadZipFile):
            return None
        examples = Examples(*(arrays[name] for name in _ARRAYS[:3]))
        visits = Visits(*(arrays[name] for name in _ARRAYS[3:6]))
        return cls(examples, visits, tuple(about["names"]), arrays["subjects"], about["events"])


def map_shard(shard: Shard, blocks: Iterable[Block], rules: EventRules) -> MappedShard:
    """Group the events of a shard into visits, and keep only the names that occur.

    Args:
        shard: the shard.
        blocks: its events.
        rules: how visits are made.
    """
    with name_file(shard.path):
        visits = _join([
            group_visits(block.rows, block.examples, shard.codes, rules)
            for block in blocks if block.rows is not None
        ])  # fmt: skip
    used = np.bincount(visits.codes, minlength=len(shard.codes.names)) > 0
    number = (np.cumsum(used) - 1).astype(np.int32)
    names = tuple(name for name, keep in zip(shard.codes.names, used, strict=True) if keep)
    visits = Visits(visits.lengths, visits.codes_per_visit, number[visits.codes])
    return MappedShard(shard.examples, visits, names, shard.subjects, shard.events)


def map_file(reader: ShardReader, path: Path) -> MappedShard:
    """Map one shard, without storing it."""
    blocks = list(reader.blocks(path))
    return map_shard(blocks[0].shard, blocks, reader.rules)


def shard_without_events(examples: Examples) -> MappedShard:
    """The shard of examples whose subjects have no events: each has one empty visit."""
    none, ones = np.zeros(0, np.int32), np.ones(len(examples), np.int32)
    return MappedShard(examples, Visits(ones, 0 * ones, none), (), none.astype(np.int64), 0)


def map_shards(
    paths: tuple[Path, ...],
    folder: Path,
    reader: ShardReader,
    progress: Callable[[int], object] = lambda done: None,
) -> list[Path]:
    """Map the shards that are not mapped yet. A thread reads ahead while a shard is grouped.

    Args:
        paths: the files with the events.
        folder: where to store the mapped shards, one file per shard.
        reader: reads a shard.
        progress: called with the number of the mapped shards.

    Returns:
        The files of the mapped shards, in the order of ``paths``.
    """
    stored = {path: folder / f"{number:05}.npz" for number, path in enumerate(paths)}
    missing = [path for path in paths if MappedShard.load(stored[path]) is None]
    blocks = prefetch(itertools.chain.from_iterable(map(reader.blocks, missing)))
    done = len(paths) - len(missing)
    progress(done)
    for shard, few in itertools.groupby(blocks, lambda block: block.shard):
        map_shard(shard, few, reader.rules).save(stored[shard.path])
        done += 1
        progress(done)
    return list(stored.values())


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


def _join(blocks: list[Visits]) -> Visits:
    none = np.zeros(0, np.int32)
    names = ("lengths", "codes_per_visit", "codes")
    return Visits(
        *(np.concatenate([none, *(getattr(block, name) for block in blocks)]) for name in names)
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

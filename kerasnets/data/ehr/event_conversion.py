"""Converts events to the sequences of a data set, shard by shard, and resumes where it ended."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kerasnets._files import atomic_folder, write_json
from kerasnets._progress import progress_bar
from kerasnets.data.ehr.code_table import Ancestry, Edges
from kerasnets.data.ehr.cohort import UNKNOWN
from kerasnets.data.ehr.event_blocks import (
    ShardReader,
    example_blocks,
    example_table,
    read_subjects,
)
from kerasnets.data.ehr.event_shards import (
    MappedShard,
    map_shards,
    read_shards,
    refuse_shared_subjects,
    shard_without_events,
)
from kerasnets.data.ehr.event_task import EventTask
from kerasnets.data.ehr.events import columns_of, training_values
from kerasnets.data.ehr.frames import FrameEngine
from kerasnets.data.ehr.meds_labels import Examples, Labels
from kerasnets.data.ehr.meds_splits import OTHER, PARTS, Persons, choose_splitter
from kerasnets.data.ehr.numeric_bins import ValueCounts
from kerasnets.data.ehr.sequence_files import sequence_writers
from kerasnets.data.tables.cells import DataError

ABOUT = "about.json"
_EDGES = "bins.json"
_TRAIN = PARTS.index("train")


class Conversion:
    """Converts the events of a task in a folder, and continues where an earlier one ended."""

    def __init__(self, task: EventTask, frames: FrameEngine, work: Path) -> None:
        """Open the labels, and choose the split.

        Args:
            task: the task.
            frames: runs the expressions on events.
            work: folder of the mapped shards.

        Raises:
            DataError: if the labels or splits are invalid.
        """
        files = task.files
        self.task, self.frames, self.work = task, frames, work
        self.labels = Labels(files.labels, task.label_column)
        self.persons = Persons(files.persons)
        self.splitter = choose_splitter(
            files, self.labels, split=task.split, seed=task.seed, folds=task.folds, fold=task.fold
        )

    def write(self, folder: Path, *, flush: bool) -> None:
        """Write the splits.

        Args:
            folder: folder to create.
            flush: whether to flush it to the disk, so that it survives a power failure.

        Raises:
            DataError: if a file is not as MEDS requires, or there is nothing to learn.
        """
        stored = self._map()
        names, counts = self._count(stored)
        vocabulary = self._vocabulary(names, counts)
        if not flush:
            folder.mkdir()
            self._write(folder, stored, names, vocabulary)
            return
        with atomic_folder(folder) as new:
            self._write(new, stored, names, vocabulary)

    def _map(self) -> list[Path]:
        """Map all shards, and the examples without events as one more shard."""
        files, folder = self.task.files, self.work / "shards"
        ancestry = Ancestry.read(files.codes)
        reader = ShardReader(self.frames, self.labels, self.task.rules, ancestry, self._edges())
        with _progress(len(files.shards), "events") as progress:
            stored = map_shards(files.shards, folder, reader, progress)
        subjects = refuse_shared_subjects(stored, dict(zip(stored, files.shards, strict=True)))
        last = folder / f"{len(stored):05}.npz"
        shard_without_events(self._examples_without_events(subjects)).save(last)
        return [*stored, last]

    def _examples_without_events(self, subjects: np.ndarray) -> Examples:
        """The examples whose subjects are in no shard.

        Args:
            subjects: the subjects of all shards, ascending.
        """
        absent = [np.setdiff1d(block.subject, subjects) for block in self.labels.blocks()]
        return self.labels.rows_of(np.unique(np.concatenate(absent)))

    def _edges(self) -> Edges:
        """The limits between the bins of numeric values, from the training split."""
        rules, path = self.task.rules, self.work / _EDGES
        if not rules.numeric_bins:
            return {}
        if not path.exists():
            values = ValueCounts()
            with _progress(len(self.task.files.shards), "values") as progress:
                for number, shard in enumerate(self.task.files.shards):
                    progress(number)
                    self._add_values(values, shard)
            write_json(path, values.edges(rules.numeric_bins))
        edges: Edges = json.loads(path.read_text(encoding="utf-8"))
        return edges

    def _add_values(self, values: ValueCounts, shard: Path) -> None:
        with self.frames.reading(shard):
            events = self.frames.scan(shard, columns_of(self.task.rules))
            subjects, counts = read_subjects(events)
            examples = self.labels.rows_of(subjects)
            train = examples.subset(self.splitter.parts_of(examples.subject) == _TRAIN)
            for few, part in example_blocks(events, subjects, counts, train):
                table = self.frames.table(example_table(few))
                values.add(training_values(part, table, self.task.rules))

    def _count(self, stored: list[Path]) -> tuple[list[str], Counter[str]]:
        """The sorted names of all shards, and in how many training visits each occurs."""
        counts: Counter[str] = Counter()
        names: set[str] = set()
        classes: set[int] = set()
        for shard in read_shards(stored):
            train = self.splitter.parts_of(shard.examples.subject) == _TRAIN
            visits = np.repeat(train, shard.visits.lengths)
            codes = shard.visits.codes[np.repeat(visits, shard.visits.codes_per_visit)]
            number = np.bincount(codes, minlength=len(shard.names)).tolist()
            counts.update(dict(zip(shard.names, number, strict=True)))
            names.update(shard.names)
            classes.update(np.unique(shard.examples.y[train]).tolist())
        if not self.task.vocabulary:  # nothing is learned then
            self._check_classes(classes)
        return sorted(names), counts

    def _check_classes(self, classes: set[int]) -> None:
        if len(classes) < 2:
            found = [self.labels.class_names[index] for index in classes]
            raise DataError(
                f"{self.task.files.labels[0]}: the labels of the training split are "
                f"{', '.join(found) or 'none'}; a classifier needs two classes."
            )

    def _vocabulary(self, names: list[str], counts: Counter[str]) -> tuple[str, ...]:
        if self.task.vocabulary:
            return self.task.vocabulary
        kept = [name for name in names if counts[name] >= self.task.min_count]
        if not kept:
            raise DataError(
                f"{self.task.files.folder}: no code is in min_count={self.task.min_count} visits "
                f"of the training split; the most frequent is in {max(counts.values(), default=0)}."
                " Lower min_count, or use more records."
            )
        return UNKNOWN, *kept

    def _write(
        self, folder: Path, stored: list[Path], names: list[str], vocabulary: tuple[str, ...]
    ) -> None:
        """Write the sequences of each split, and what the data set says about them."""
        number = {name: place for place, name in enumerate(names)}
        index = {name: place for place, name in enumerate(vocabulary)}
        totals: Counter[str] = Counter()
        digests = [hashlib.sha256() for _ in range(6)]
        with sequence_writers(folder, PARTS) as writers:
            for shard in read_shards(stored):
                self._add_counts(totals, shard)
                groups = self.persons.of(shard.examples.subject)
                numbers = np.array([number[name] for name in shard.names], np.int32)
                self._digest(digests, shard, groups, numbers)
                indices = np.array([index.get(name, 0) for name in shard.names], np.int32)
                parts = self.splitter.parts_of(shard.examples.subject)
                totals["labels in other splits, left out"] += int((parts == OTHER).sum())
                for part, writer in enumerate(writers):
                    writer.append(shard, parts == part, groups, indices)
        digest = hashlib.sha256(json.dumps(names).encode())
        for array in digests:
            digest.update(array.digest())
        about = {
            "names": vocabulary,
            "class_names": self.labels.class_names,
            "split": self.splitter.name,
            "checksum": digest.hexdigest(),
            "counts": totals,
        }
        write_json(folder / ABOUT, about)

    @staticmethod
    def _add_counts(totals: Counter[str], shard: MappedShard) -> None:
        lengths, counts = shard.visits.lengths, shard.visits.codes_per_visit
        first = np.cumsum(lengths) - lengths
        empty = (lengths == 1) & (counts[first] == 0)
        known = np.isin(shard.examples.subject, shard.subjects)
        totals["events"] += shard.events
        totals["subjects"] += len(shard.subjects)
        totals["labels"] += len(shard.examples)
        totals["labels of subjects without events"] += int((~known).sum())
        totals["labels with one visit without codes"] += int(empty.sum())
        totals["visits"] += len(counts)
        totals["codes of visits"] += len(shard.visits.codes)

    @staticmethod
    def _digest(
        digests: list[Any], shard: MappedShard, groups: np.ndarray, numbers: np.ndarray
    ) -> None:
        """Add a shard to one hash per array, so that the size of the shards does not matter."""
        visits, examples = shard.visits, shard.examples
        arrays = (
            visits.lengths, visits.codes_per_visit, numbers[visits.codes],
            examples.y, examples.time, groups,
        )  # fmt: skip
        for digest, array in zip(digests, arrays, strict=True):
            digest.update(np.ascontiguousarray(array))


@contextlib.contextmanager
def _progress(total: int, what: str) -> Iterator[Any]:
    """Yield a function that shows how many shards are done; silent for a few shards."""
    with progress_bar(total, f"Reading {what}", "shard", show=total > 1, lines=False) as bar:
        yield lambda done: bar.update(done - bar.n)

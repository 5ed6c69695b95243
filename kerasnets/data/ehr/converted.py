"""Loads a data set that is converted to MEDS first: one reader of events for all."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from kerasnets._files import read_json
from kerasnets._temporary import locked
from kerasnets.data.dataset import Dataset
from kerasnets.data.ehr.cohort import CLASS_NAMES, check_cohort
from kerasnets.data.ehr.event_rules import EventRules
from kerasnets.data.ehr.event_task import EventTask
from kerasnets.data.ehr.events_dataset import load_events
from kerasnets.data.ehr.meds_files import MedsFiles, find_meds, fingerprint
from kerasnets.data.ehr.meds_writer import COUNTS, LABELS, write_meds
from kerasnets.data.ehr.to_meds import CONVERTERS
from kerasnets.data.locate import cache_dir
from kerasnets.data.tables.cells import DataError

_SILENT = "labels with one visit without codes"
_SMALL = 2**22  # bytes of tables that are converted each time they are loaded


def load_converted(
    name: str,
    files: Mapping[str, Path],
    option: int,
    rules: EventRules,
    *,
    seed: int,
    folds: int,
    fold: int,
    min_count: int,
    vocabulary: Sequence[str],
    source: str,
) -> Dataset:
    """Convert a data set to MEDS, and load the task of its converter.

    Large tables and their sequences are stored in the user's cache, so the next load takes no time.

    Args:
        name: name of the data set.
        files: its tables.
        option: value of the option of its converter.
        rules: how events become visits and codes.
        seed: seed of the split by patient.
        folds: number of folds of a cross-validation, or 0.
        fold: number of the test fold.
        min_count: number of visits of the training split in which a code must occur.
        vocabulary: see :func:`kerasnets.data.ehr.meds.load_meds`.
        source: where the records came from.

    Raises:
        DataError: if a table is invalid, the cohort is empty or has only one class, or no code
            occurs often enough.
        ValueError: if an option is out of range.
    """
    tables = next(iter(files.values())).parent
    with converted(name, files, option) as folder, _named(folder, tables):
        task = EventTask(
            name,
            find_meds(folder, LABELS),
            rules,
            class_names=CLASS_NAMES,
            split="patient",
            seed=seed,
            folds=folds,
            fold=fold,
            min_count=min_count,
            vocabulary=tuple(vocabulary),
        )
        counts = read_json(folder / COUNTS)
        check_cohort(read_died(task.files), counts)
        data = load_events(task, cache_dir=None if _are_small(files) else _cache())
        silent = {_SILENT: data.counts[_SILENT]}
        return replace(data, counts={**counts, **silent}, source=source)


@contextlib.contextmanager
def converted(name: str, files: Mapping[str, Path], option: int) -> Iterator[Path]:
    """Convert a data set to MEDS in order to load it.

    Large tables are converted once, into the user's cache; small ones each time, into a temporary
    folder.

    Args:
        name: name of the data set.
        files: its tables.
        option: value of the option of the converter.

    Yields:
        The folder.

    Raises:
        DataError: if a table is invalid.
        OSError: if a file cannot be read or written.
    """
    converter = CONVERTERS[name]
    if _are_small(files):
        with tempfile.TemporaryDirectory(prefix=f"kerasnets-{name}-") as temporary:
            folder = Path(temporary, name)
            write_meds(converter.source(files, option), folder, flush=False)
            yield folder
        return
    cache = _cache()
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"{name}-{fingerprint(tuple(files.values()), [converter.option, option])}"
    with locked(cache, wait=True):  # for another process that loads the same tables
        if not folder.is_dir():
            write_meds(converter.source(files, option), folder)
    yield folder


def _are_small(files: Mapping[str, Path]) -> bool:
    return sum(path.stat().st_size for path in files.values()) < _SMALL


def _cache() -> Path:
    return cache_dir() / "meds"


def read_died(files: MedsFiles) -> np.ndarray:
    """The labels of a converted data set, boolean, shape ``(n,)``."""
    import pyarrow.parquet as pq

    table = pq.read_table(files.labels[0], columns=["boolean_value"], partitioning=None)
    return table["boolean_value"].to_numpy()


@contextlib.contextmanager
def _named(folder: Path, tables: Path) -> Iterator[None]:
    """Name the folder of the tables in errors about the data that were made of them."""
    try:
        yield
    except ValueError as error:
        text = str(error).replace(str(folder.resolve()), str(tables))
        raise DataError(text if str(tables) in text else f"{tables}: {text}") from None

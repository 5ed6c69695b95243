"""Loads a data set from events: converts them to sequences, or opens stored sequences."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kerasnets._temporary import locked
from kerasnets.data.dataset import Dataset
from kerasnets.data.ehr.event_conversion import ABOUT, Conversion
from kerasnets.data.ehr.event_task import EventTask
from kerasnets.data.ehr.frames import open_engine
from kerasnets.data.ehr.meds_splits import PARTS
from kerasnets.data.ehr.sequence_files import open_sequences
from kerasnets.data.locate import cache_dir as user_cache

SMALL = 64 * 2**20  # bytes of shards up to which nothing is kept on the disk


def load_events(
    task: EventTask, *, engine: str = "polars", cache_dir: str | Path | None = None
) -> Dataset:
    """Make the data set of a task, or open its stored sequences.

    Args:
        task: the task.
        engine: the library that runs the expressions on events.
        cache_dir: folder for the sequences. By default, those of small data are not stored, and
            those of large data are below the user's cache folder.

    Raises:
        DataError: if a file is not as MEDS requires, or there is nothing to learn.
        OSError: if a file cannot be read or written.
    """
    size = sum(path.stat().st_size for path in task.files.shards)
    stored = cache_dir is not None or size > SMALL
    with _work_folder(task, cache_dir, stored=stored) as work:
        folder = work / f"splits-{task.split_key}"
        if not (folder / ABOUT).exists():
            # Another process that loads the same data waits, and then opens what this one made.
            with locked(work, wait=True):
                if not (folder / ABOUT).exists():
                    with open_engine(engine) as frames:
                        Conversion(task, frames, work).write(folder, flush=stored)
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        names = tuple(about["names"])
        train, validation, test = (
            open_sequences(folder / part, names, memory_mapped=stored) for part in PARTS
        )
    return Dataset(
        name=task.name,
        train=train,
        validation=validation,
        test=test,
        class_names=_class_names(task, tuple(about["class_names"])),
        split=about["split"],
        seed=task.seed,
        source=f"{task.files.folder}, labels {_name_labels(task)}",
        checksum=about["checksum"],
        units="codes",
        counts=about["counts"],
    )


@contextlib.contextmanager
def _work_folder(task: EventTask, cache_dir: str | Path | None, *, stored: bool) -> Iterator[Path]:
    if not stored:
        with tempfile.TemporaryDirectory() as temporary:
            yield Path(temporary)
        return
    parent = user_cache() / "meds" if cache_dir is None else Path(cache_dir).expanduser()
    folder = parent / task.mapping_key
    parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)  # like a run folder, for its owner only
    yield folder


def _name_labels(task: EventTask) -> Path:
    first = task.files.labels[0]
    return first if len(task.files.labels) == 1 else first.parent


def _class_names(task: EventTask, found: tuple[str, ...]) -> tuple[str, ...]:
    names = task.class_names or found
    if len(names) != len(found):
        raise ValueError(
            f"class_names has {len(names)} names; the labels have the classes {', '.join(found)}."
        )
    return names

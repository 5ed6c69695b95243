"""Writes a data set in MEDS's form: its tables block by block, then its events shard by shard.

Every block of a table becomes a part: the events of its rows, sorted by subject. A shard has the
events of some subjects, which it takes from all parts. So no table is ever whole in memory, and an
interrupted conversion continues with the first part or shard that is missing.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets._files import name_full_disk, publish_folder
from kerasnets._modes import owner_only
from kerasnets._temporary import locked, remove
from kerasnets.data.ehr.meds_files import PERSONS, fingerprint
from kerasnets.data.ehr.meds_source import Events, MedsSource, as_table
from kerasnets.data.ehr.records import record_blocks

if TYPE_CHECKING:
    import pyarrow as pa

SHARD_ROWS = 2**20  # events per shard, about
LABELS = "labels"  # folder of the tasks
COUNTS = Path("metadata", "counts.json")
_COUNTS = b"counts"
_IDENTITY = "source.json"


def write_meds(
    source: MedsSource,
    folder: Path,
    splits: dict[str, np.ndarray] | None = None,
    *,
    flush: bool = True,
) -> int:
    """Write a data set in MEDS's form.

    Besides the files of MEDS, the folder has ``labels/TASK.parquet``, ``metadata/subjects.parquet``
    with the person of each subject, and ``metadata/counts.json``. The same tables give the same
    bytes. Only its owner may read the folder.

    Args:
        source: the data set.
        folder: folder to create. Until it is complete, its parts and shards are in a hidden folder
            beside it, from which an interrupted conversion resumes.
        splits: subjects of ``train``, ``tuning`` and ``held_out``, to be written to
            ``metadata/subject_splits.parquet``; not written by default.
        flush: whether to flush the files to the disk, so that they survive a power failure.

    Returns:
        The number of events.

    Raises:
        FileExistsError: if ``folder`` exists.
        BlockingIOError: if another process is converting to this folder.
        DataError: if a table is damaged or has an invalid cell.
        OSError: if a file cannot be read or written.
    """
    check_new(folder)
    work = folder.with_name(f".{folder.name}-unfinished")
    work.mkdir(parents=True, exist_ok=True)
    owner_only(work)
    with name_full_disk(folder), locked(work):
        _keep_same_source(work, fingerprint(source.files, [source.name, dict(source.options)]))
        parts = _write_parts(source, work)
        new = work / "meds"
        new.mkdir(mode=0o700, exist_ok=True)  # like a run folder, for its owner only
        rows = _write_shards(parts, source.subjects, new / "data")
        _write_metadata(source, parts, new, splits)
        publish_folder(new, folder, flush=flush)
        remove(work)
    return rows


def check_new(folder: Path) -> None:
    """Check that a folder can be created.

    Raises:
        FileExistsError: if it exists.
    """
    if os.path.lexists(folder):
        raise FileExistsError(f"{folder} exists. Remove it, or choose another folder.")


def _keep_same_source(work: Path, identity: str) -> None:
    """Remove what another conversion has left, and record which conversion this one is."""
    path = work / _IDENTITY
    with contextlib.suppress(OSError, ValueError):
        if json.loads(path.read_text(encoding="utf-8")) == identity:
            return
    for entry in sorted(work.iterdir()):
        remove(entry)
    _write_json(path, identity)


def _write_parts(source: MedsSource, work: Path) -> list[Path]:
    """Convert what is not converted yet; return all parts, in a fixed order."""
    parts = [work / "records.arrow"]
    _write_part(parts[0], source, lambda: (source.events, {}))
    for name, table in source.tables.items():
        blocks = record_blocks(table.path, table.columns, table.numbers)
        for number, read in enumerate(blocks):
            parts.append(work / f"{name}-{number:06}.arrow")
            _write_part(parts[-1], source, lambda table=table, read=read: table.convert(read()))
    return parts


def _write_part(
    path: Path, source: MedsSource, convert: Callable[..., tuple[Events, dict[str, int]]]
) -> None:
    import pyarrow as pa

    with contextlib.suppress(OSError, pa.ArrowException):
        _open_part(path)
        return
    events, counts = convert()
    table = as_table(events, source.encounter_column)
    schema = table.schema.with_metadata({_COUNTS: json.dumps(counts)})
    new = path.with_suffix(".new")
    # Not flushed to the disk: a part that a power failure has damaged is written again.
    with pa.OSFile(str(new), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        writer.write_table(table)
    new.replace(path)


def _open_part(path: Path) -> pa.Table:
    """The events of a part, memory-mapped."""
    import pyarrow as pa

    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def _write_shards(parts: Sequence[Path], subjects: np.ndarray, folder: Path) -> int:
    """Write the shards that are missing: consecutive subjects, sorted by subject and time.

    Returns:
        The number of events of all shards.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = sum(len(_open_part(part)) for part in parts)
    count = max(1, min(len(subjects), -(-rows // SHARD_ROWS)))
    first = [subjects[len(subjects) * number // count] for number in range(1, count)]
    ends = [_bounds(part, first) for part in parts]
    for number in range(count):
        path = folder / f"{number}.parquet"
        if not path.exists():
            # Opened for each shard, so that pages of other shards do not stay in memory.
            pieces = [
                _open_part(part).slice(end[number], end[number + 1] - end[number])
                for part, end in zip(parts, ends, strict=True)
            ]
            _write_shard(pieces, path)
    return rows


def _bounds(part: Path, first: Sequence[int]) -> list[int]:
    """Where the rows of each shard begin in a part, and its length."""
    subject = _open_part(part)["subject_id"].to_numpy()
    return [0, *np.searchsorted(subject, first), len(subject)]


def _write_shard(pieces: Sequence[pa.Table], path: Path) -> None:
    import pyarrow as pa
    from meds import schema as meds

    table = pa.concat_tables(pieces, promote_options="default").unify_dictionaries()
    subject, time = (table[name].to_numpy() for name in ("subject_id", "time"))
    table = table.take(np.lexsort((time, subject)))
    place = table.schema.get_field_index("code")
    table = table.set_column(place, "code", table["code"].cast(pa.string()))
    _write_parquet(table, path, meds.DataSchema)


def _write_metadata(
    source: MedsSource,
    parts: Sequence[Path],
    folder: Path,
    splits: dict[str, np.ndarray] | None,
) -> None:
    import pyarrow as pa
    from meds import schema as meds

    metadata = folder / "metadata"
    metadata.mkdir(exist_ok=True)
    _write_parquet(
        _code_table(parts, source.parent),
        folder / meds.code_metadata_filepath,
        meds.CodeMetadataSchema,
    )
    _write_parquet(
        pa.table({"subject_id": source.subjects, "patient": source.patients}), folder / PERSONS
    )
    if splits is not None:
        _write_parquet(
            _split_table(splits), folder / meds.subject_splits_filepath, meds.SubjectSplitSchema
        )
    labels = pa.table(
        {
            "subject_id": source.labels.subject,
            "prediction_time": source.labels.time,
            "boolean_value": source.labels.value,
        }
    )
    (folder / LABELS).mkdir(exist_ok=True)
    _write_parquet(labels, folder / LABELS / f"{source.task}.parquet", meds.LabelSchema)
    _write_json(folder / COUNTS, _sum_counts(source, parts))
    _write_json(folder / meds.dataset_metadata_filepath, _about(source))


def _code_table(parts: Sequence[Path], parent: Callable[[str], str | None]) -> pa.Table:
    """Every code and every code above it, with its parent."""
    import pyarrow as pa

    chunks = itertools.chain.from_iterable(_open_part(part)["code"].chunks for part in parts)
    open_codes = {name for chunk in chunks for name in chunk.dictionary.to_pylist()}
    parents: dict[str, str | None] = {}
    while open_codes:
        parents |= {code: parent(code) for code in open_codes}
        open_codes = {above for above in parents.values() if above is not None} - parents.keys()
    codes = sorted(parents)
    above = [[found] if (found := parents[code]) is not None else None for code in codes]
    return pa.table(
        {
            "code": pa.array(codes, pa.string()),
            "description": pa.nulls(len(codes), pa.string()),
            "parent_codes": pa.array(above, pa.list_(pa.string())),
        }
    )


def _split_table(splits: dict[str, np.ndarray]) -> pa.Table:
    import pyarrow as pa

    subjects = np.concatenate(list(splits.values()))
    names = np.repeat(list(splits), [len(part) for part in splits.values()])
    order = np.argsort(subjects, kind="stable")
    return pa.table(
        {"subject_id": subjects[order], "split": pa.array(names[order].tolist(), pa.string())}
    )


def _sum_counts(source: MedsSource, parts: Sequence[Path]) -> dict[str, int]:
    counts = dict(source.counts)
    for part in parts:
        for what, count in json.loads(_open_part(part).schema.metadata[_COUNTS]).items():
            counts[what] = counts.get(what, 0) + count
    return counts


def _about(source: MedsSource) -> dict[str, Any]:
    from importlib.metadata import version

    columns = [source.encounter_column] if source.encounter_column else []
    return {
        "dataset_name": source.name,
        "etl_name": "kerasnets",
        "etl_version": version("kerasnets"),
        "meds_version": version("meds"),
        "raw_source_id_columns": columns,
    }


def _write_parquet(table: pa.Table, path: Path, schema: Any = None) -> None:
    """Check a table against its schema, and write it; a reader never sees half of it."""
    import pyarrow.parquet as pq

    if schema is not None:
        schema.validate(table)
    new = path.with_suffix(".new")
    pq.write_table(table, new, compression="zstd")
    new.replace(path)


def _write_json(path: Path, value: Any) -> None:
    """Write JSON without flushing it: the whole folder is flushed when it is complete."""
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")

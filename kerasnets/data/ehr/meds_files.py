"""The files of a MEDS data set: where they are, and whether they have MEDS's columns."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerasnets.data.locate import not_found, places
from kerasnets.data.tables.cells import DataError

if TYPE_CHECKING:
    import pyarrow as pa

PERSONS = Path("metadata", "subjects.parquet")  # of our own converters: subject_id, patient
_ORIGIN = "one with a converter to MEDS (there are some for MIMIC-IV, eICU, OMOP, FHIR and others)"


@dataclass(frozen=True)
class MedsFiles:
    """The files of a MEDS data set and of one task.

    Attributes:
        folder: the folder of the data set.
        shards: files with the events, in natural order of their names (2 before 10).
        labels: files with the labels of the task.
        codes: the table of codes, if it exists.
        splits: the table of splits, if it exists.
        persons: the table with the person of each subject, if it exists.
        id_columns: columns of the events that MEDS's ``dataset.json`` names as ids.
    """

    folder: Path
    shards: tuple[Path, ...]
    labels: tuple[Path, ...]
    codes: Path | None
    splits: Path | None
    persons: Path | None
    id_columns: tuple[str, ...]

    @property
    def all(self) -> tuple[Path, ...]:
        """All files on which the sequences depend."""
        metadata = (self.codes, self.splits, self.persons)
        return (*self.shards, *self.labels, *(path for path in metadata if path is not None))


def find_meds(data_dir: str | Path | None, labels: str | Path) -> MedsFiles:
    """Find the files of a data set, and check their columns.

    Args:
        data_dir: as for :func:`kerasnets.data.load_data`; the folder of the data set, with the
            folder ``data``.
        labels: a Parquet file or a folder of them, absolute or relative to the data set.

    Raises:
        FileNotFoundError: if the data set, or the labels, do not exist.
        DataError: if a file is damaged, or its columns are not those of MEDS.
    """
    import meds

    folder = _find_folder(data_dir)
    shards = _parquet_files(folder / meds.data_subdirectory)
    label_files = _find_labels(folder, labels)
    codes, splits = (
        path if (path := folder / name).is_file() else None
        for name in (meds.code_metadata_filepath, meds.subject_splits_filepath)
    )
    persons = folder / PERSONS
    for paths, schema in (
        (shards, meds.DataSchema),
        (label_files, meds.LabelSchema),
        ((codes,), meds.CodeMetadataSchema),
        ((splits,), meds.SubjectSplitSchema),
    ):
        for path in paths:
            if path is not None:
                _check_schema(path, schema)
    return MedsFiles(
        folder, shards, label_files, codes, splits, persons if persons.is_file() else None,
        _id_columns(folder / meds.dataset_metadata_filepath),
    )  # fmt: skip


def read_schema(path: Path) -> pa.Schema:
    """The columns of a Parquet file.

    Raises:
        DataError: if it is not a complete Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_schema(path)
    except (pa.ArrowException, ValueError) as error:
        first = str(error).partition("\n")[0]
        raise DataError(f"{path}: not a complete Parquet file ({first}).") from None


def fingerprint(paths: Sequence[Path], about: Any) -> str:
    """A hash that changes with the files, the options and the version of this package.

    It contains the path, size and time of the last change of each file, not its content.

    Args:
        paths: the files.
        about: options, as values of JSON.
    """
    from importlib.metadata import version

    digest = hashlib.sha256(json.dumps([version("kerasnets"), about], sort_keys=True).encode())
    for path in paths:
        status = path.stat()
        digest.update(json.dumps([str(path), status.st_size, status.st_mtime_ns]).encode())
    return digest.hexdigest()[:32]


def _find_folder(data_dir: str | Path | None) -> Path:
    import meds

    searched = []
    for place in places(data_dir):
        for folder in (place, place / "meds"):
            searched.append(str(folder))
            if (folder / meds.data_subdirectory).is_dir():
                return folder.resolve()
    files = f"a folder {meds.data_subdirectory!r} with .parquet files"
    raise not_found("meds", searched, files, "mortality-simulated", _ORIGIN)


def _find_labels(folder: Path, labels: str | Path) -> tuple[Path, ...]:
    path = folder / Path(labels).expanduser()
    if path.is_dir():
        return _parquet_files(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"The labels {path} do not exist. Give labels= (--data-option labels=…) as a .parquet "
            "file, or a folder of them, with MEDS's columns subject_id, prediction_time and "
            "boolean_value, integer_value or categorical_value. A relative path starts at the "
            "data set."
        )
    return (path,)


def _parquet_files(folder: Path) -> tuple[Path, ...]:
    paths = [path for path in folder.rglob("*.parquet") if path.is_file()]
    paths = [
        path for path in paths
        if not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    ]  # fmt: skip
    if not paths:
        raise FileNotFoundError(f"{folder} has no .parquet files.")
    return tuple(sorted(paths, key=lambda path: _natural(str(path.relative_to(folder)))))


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts numbers in names by their value."""
    return [(int(part or 0), text) for text, part in re.findall(r"([^0-9]*)([0-9]*)", name)]


def _check_schema(path: Path, schema: Any) -> None:
    """Check the columns of a file with a schema of the package ``meds``."""
    from flexible_schema import SchemaValidationError

    found = read_schema(path)
    for field in found:
        if getattr(field.type, "tz", None) is not None:
            raise DataError(
                f"{path}: the column {field.name} has the time zone {field.type.tz}. Times of MEDS "
                "have none: convert them to local times without a time zone, in microseconds."
            )
    try:
        schema.validate(_plain(found).empty_table())
    except SchemaValidationError as error:
        raise DataError(
            f"{path}: not the columns of MEDS's {schema.__name__}. {error}. "
            f"The file has {', '.join(f'{field.name} ({field.type})' for field in found)}."
        ) from None


def _plain(schema: pa.Schema) -> pa.Schema:
    """The schema with one type for all ways to store text, because each library has its own."""
    import pyarrow as pa

    def plain(kind: pa.DataType) -> pa.DataType:
        if pa.types.is_dictionary(kind):
            return plain(kind.value_type)
        if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            return pa.string()
        if pa.types.is_large_list(kind) or pa.types.is_list(kind):
            return pa.list_(plain(kind.value_type))
        return kind

    fields = []
    for field in schema:
        kind = plain(field.type)
        if field.name == "text_value" and kind == pa.string():
            kind = pa.large_string()
        fields.append(pa.field(field.name, kind))
    return pa.schema(fields)


def _id_columns(path: Path) -> tuple[str, ...]:
    """The columns with ids, as far as ``dataset.json`` has them."""
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    except ValueError as error:
        raise DataError(f"{path}: not valid JSON ({error}).") from None
    columns = about.get("raw_source_id_columns") if isinstance(about, dict) else None
    return tuple(columns) if isinstance(columns, list) else ()

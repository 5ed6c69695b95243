"""Reads the rows of some subjects from tables of labels, splits or persons, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets.data.tables.cells import DataError, name_file

if TYPE_CHECKING:
    import pyarrow as pa


class SubjectTable:
    """Parquet files with a column ``subject_id``, of which some subjects are read at a time.

    Only those row groups are read that can contain the subjects. So a table whose rows are sorted
    by subject, or divided into the same shards as the events, is read once; of any other order,
    once per shard. The last row group is kept.
    """

    def __init__(self, paths: Sequence[Path], columns: Sequence[str]) -> None:
        """Read how the files are divided into row groups.

        Args:
            paths: the files.
            columns: the columns to read, beside ``subject_id``.
        """
        self.paths, self.columns = paths, ["subject_id", *columns]
        self._groups = list(self._find_groups())
        self._last: tuple[tuple[Path, int], pa.Table] | None = None

    def __len__(self) -> int:
        return sum(rows for *_, rows in self._groups)

    def rows_of(self, subjects: np.ndarray) -> pa.Table:
        """The rows of some subjects.

        Args:
            subjects: ids, int64, ascending.

        Raises:
            DataError: if a row has no subject or a missing value.
        """
        import pyarrow as pa

        found = [self._take(key, subjects) for key in self._keys(subjects)]
        return pa.concat_tables(found) if found else self._empty()

    def blocks(self) -> Iterator[pa.Table]:
        """All rows, one row group after the other."""
        for path, group, *_ in self._groups:
            yield self._read((path, group))

    def _keys(self, subjects: np.ndarray) -> Iterator[tuple[Path, int]]:
        for path, group, low, high, _ in self._groups:
            if len(subjects) and low <= subjects[-1] and high >= subjects[0]:
                yield path, group

    def _take(self, key: tuple[Path, int], subjects: np.ndarray) -> pa.Table:
        table = self._read(key)
        ids = table["subject_id"].to_numpy()
        return table.filter(np.isin(ids, subjects))

    def _read(self, key: tuple[Path, int]) -> pa.Table:
        import pyarrow.parquet as pq

        if self._last is None or self._last[0] != key:
            path, group = key
            with name_file(path), pq.ParquetFile(path) as file:
                table = _plain_text(file.read_row_group(group, columns=self.columns))
            _refuse_nulls(table, path)
            self._last = key, table
        return self._last[1]

    def _empty(self) -> pa.Table:
        import pyarrow.parquet as pq

        return _plain_text(pq.read_schema(self.paths[0]).empty_table().select(self.columns))

    def _find_groups(self) -> Iterator[tuple[Path, int, int, int, int]]:
        """The file, number, least and greatest subject, and number of rows of each row group."""
        import pyarrow.parquet as pq

        smallest, largest = np.iinfo(np.int64).min, np.iinfo(np.int64).max
        for path in self.paths:
            metadata = pq.read_metadata(path)
            names = [metadata.schema.column(at).path for at in range(metadata.num_columns)]
            column = names.index("subject_id")
            for group in range(metadata.num_row_groups):
                about: Any = metadata.row_group(group)
                statistics = about.column(column).statistics
                known = statistics is not None and statistics.has_min_max
                low, high = (statistics.min, statistics.max) if known else (smallest, largest)
                if about.num_rows:
                    yield path, group, low, high, about.num_rows


def _plain_text(table: pa.Table) -> pa.Table:
    """The table with one type for all ways to store text."""
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type) or pa.types.is_large_string(field.type):
            table = table.set_column(place, field.name, table[field.name].cast(pa.string()))
    return table


def _refuse_nulls(table: pa.Table, path: Path) -> None:
    for name in table.column_names:
        if table[name].null_count:
            row = int(np.argmax(table[name].is_null().to_numpy()))
            subject = table["subject_id"][row].as_py()
            raise DataError(
                f"{path}: {name} is missing in {table[name].null_count:,} rows, first for subject "
                f"{subject}. Remove these rows, or give them a value."
            )

"""Reads a CSV file whole or refuses it: every line is one row with as many cells as the header.

pandas reads damaged files too: a stray quote joins the lines up to the next one, a short line is
filled with missing cells, and ``usecols`` switches off the check for long lines. Here the bytes are
checked first (:mod:`kerasnets.data.tables.csv_lines`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets.data.content import read_text_blocks, read_text_content
from kerasnets.data.tables.cells import DataError
from kerasnets.data.tables.csv_lines import check_rows, check_text

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class CsvText:
    """The checked content of a CSV file.

    Attributes:
        path: the file.
        content: UTF-8 text from the header on, with LF at the end of each line.
        header: name of each column, without spaces around it; only the first may be empty.
        lines: line of each row in the file, counted from 1, int64, shape ``(rows,)``.
    """

    path: Path
    content: bytes
    header: tuple[str, ...]
    lines: np.ndarray

    def frame(
        self,
        columns: Sequence[int] | None = None,
        dtype: Mapping[int, Any] | type | None = str,
        **options: Any,
    ) -> pd.DataFrame:
        """Parse some columns.

        Args:
            columns: positions of the columns, in ascending order; all by default.
            dtype: type of the cells, or one per position; ``None`` to infer it from the cells.
            options: more options of ``pandas.read_csv``.

        Returns:
            A table with the positions as names of its columns, and the lines of the file as index.

        Raises:
            ValueError: if a cell does not have the type of its column.
            DataError: if pandas reads another number of rows than there are in the file.
        """
        import pandas as pd

        with np.errstate(invalid="ignore"):  # pandas casts to integers and then compares
            try:
                frame = pd.read_csv(
                    io.BytesIO(self.content), header=0, names=list(range(len(self.header))),
                    usecols=None if columns is None else list(columns), index_col=False,
                    dtype=dtype, low_memory=False, **options,
                )  # fmt: skip
            except OverflowError as error:
                raise ValueError(f"a number is too large ({error})") from None
        if len(frame) != len(self.lines):
            raise DataError(
                f"{self.path}: {len(frame):,} of {len(self.lines):,} rows could be read. Rewrite "
                "the file, such as with pandas.DataFrame.to_csv(index=False)."
            )
        return frame.set_axis(pd.Index(self.lines, name="row"), axis=0)


def read_csv_text(
    path: Path,
    rows: int | None = None,
    check_header: Callable[[str, tuple[str, ...]], object] | None = None,
) -> CsvText:
    """Read a CSV file and check its structure.

    Args:
        path: a file in UTF-8, plain or gzip, with cells separated by commas. Cells may be quoted
            but may not contain line breaks. Blank lines are skipped.
        rows: number of rows to read; all by default.
        check_header: called with the place of the header, for error messages, and its names before
            the rows are checked. It raises if they are wrong.

    Raises:
        DataError: if the file is not such a table or is damaged; the message contains the line.
        OSError: if the file cannot be read.
    """
    content = read_text_content(path, rows and rows + 1)
    return next(_check_blocks(path, [content], check_header))


def read_csv_blocks(
    path: Path, size: int, check_header: Callable[[str, tuple[str, ...]], object] | None = None
) -> Iterator[CsvText]:
    """Read a CSV file in blocks of rows, each checked before the next one is read.

    Args:
        path: a file as for :func:`read_csv_text`, of any size.
        size: bytes per block.
        check_header: see :func:`read_csv_text`.

    Yields:
        Some of the rows, at least one block. Its content begins with the header.

    Raises:
        DataError: see :func:`read_csv_text`.
        OSError: if the file cannot be read.
    """
    return _check_blocks(path, read_text_blocks(path, size), check_header)


def _check_blocks(
    path: Path,
    blocks: Iterable[bytes],
    check_header: Callable[[str, tuple[str, ...]], object] | None,
) -> Iterator[CsvText]:
    """Check the structure of blocks of lines, which are the whole file when put together."""
    header: tuple[str, ...] = ()
    first_line, above = b"", 0
    for block in blocks:
        content = check_text(path, block, above)
        lines = content.count(b"\n")
        if not header:
            start = _start_of_text(content)
            if start is None:
                above += lines
                continue
            skipped = content.count(b"\n", 0, start)  # blank lines
            content = content[start:]
            first_line = content[: content.index(b"\n") + 1]
            header = _read_header(path, first_line[:-1], above + skipped + 1)
            if check_header is not None:
                check_header(f"{path}, row {above + skipped + 1}", header)
            rows = check_rows(path, content, len(header), above + skipped)[1:]
        else:
            rows = check_rows(path, content, len(header), above)
            content = first_line + content
        above += lines
        yield CsvText(path, content, header, rows)
    if not header:
        raise DataError(f"{path}: the file is empty. Expected a header and rows.")


def _start_of_text(content: bytes) -> int | None:
    """Where the first line that is not blank begins; ``None`` if all are blank."""
    text = content.lstrip(b" \t\n")
    return content.rfind(b"\n", 0, len(content) - len(text)) + 1 if text else None


def _read_header(path: Path, line: bytes, row: int) -> tuple[str, ...]:
    where = f"{path}, row {row}"
    try:
        (cells,) = csv.reader([line.decode()], strict=True)
    except (csv.Error, ValueError) as error:
        raise DataError(f"{where}: not a header of a CSV file ({error}).") from None
    names = tuple(cell.strip() for cell in cells)
    for place, name in enumerate(names[1:], 1):
        if not name:
            raise DataError(
                f"{where}: column {place + 1} has no name. Only the first column, which may hold "
                "row numbers, needs none. Name it, or remove it."
            )
        if name in names[:place]:
            raise DataError(
                f"{where}: column {place + 1}, {name!r}, is a duplicate. Rename or remove one."
            )
    return names

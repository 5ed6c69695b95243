"""Reads a CSV file whole or refuses it: every line is one row with as many cells as the header.

pandas reads damaged files too: a stray quote joins the lines up to the next one, a short line is
filled with missing cells, and ``usecols`` switches off the check for long lines. Here the bytes are
checked first, with NumPy, so that the check takes a fraction of the time of parsing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasnets.data.content import read_text_content
from kerasnets.data.tables.cells import DataError

if TYPE_CHECKING:
    import pandas as pd

_BOM = b"\xef\xbb\xbf"
_NEWLINE, _QUOTE, _COMMA = b'\n",'
_BLOCK = 2**22  # bytes that are checked at a time


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
    content = check_text(path, read_text_content(path, rows and rows + 1))
    start = _start_of_text(content)
    if start is None:
        raise DataError(f"{path}: the file is empty. Expected a header and rows.")
    above = content.count(b"\n", 0, start)  # blank lines
    content = content[start:]
    header = _read_header(path, content[: content.index(b"\n")], above + 1)
    if check_header is not None:
        check_header(f"{path}, row {above + 1}", header)
    checked = [
        _check_block(path, block, len(header), above + lines_before)
        for block, lines_before in _blocks(content)
    ]
    return CsvText(path, content, header, np.concatenate(checked)[1:])


def check_text(path: Path, content: bytes) -> bytes:
    """Check that a file is text in UTF-8 whose last line is complete.

    Returns:
        The text without byte-order mark, with LF at the end of each line.

    Raises:
        DataError: if it is not.
    """
    if not content.isascii():
        try:
            content.decode()
        except UnicodeDecodeError as error:
            row = content.count(b"\n", 0, error.start) + 1
            raise DataError(
                f"{path}, row {row}: a binary file, or not UTF-8. Expected text, plain or gzip."
            ) from None
    content = content.removeprefix(_BOM)
    if content.startswith(_BOM):
        raise DataError(f"{path}, row 1: two byte-order marks. Save the file as plain UTF-8.")
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n")
        if (place := content.find(b"\r")) >= 0:
            row = content.count(b"\n", 0, place) + 1
            raise DataError(
                f"{path}, row {row}: a carriage return (\\r) that "
                "does not end the line. Save the file with the line ends of Linux or Windows."
            )
    if content and not content.endswith(b"\n"):
        row = content.count(b"\n") + 1
        raise DataError(
            f"{path}, row {row}: the last line does not end with a line "
            "break, so the file may have been cut. Download it again, or if it is complete, add a "
            "line break."
        )
    return content


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


def _blocks(content: bytes) -> Iterator[tuple[bytes, int]]:
    """Blocks of complete lines, each with the number of lines before it."""
    start, lines = 0, 0
    while start < len(content):
        end = content.find(b"\n", min(start + _BLOCK, len(content)) - 1) + 1
        block = content[start:end]
        yield block, lines
        start, lines = end, lines + block.count(b"\n")


def _check_block(path: Path, block: bytes, columns: int, lines_before: int) -> np.ndarray:
    """The line of each row of a block that is not blank, counted from 1."""
    text = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(text == _NEWLINE)
    commas = text == _COMMA
    if b'"' in block:
        fault, quoted = _check_quotes(text, ends)
        if fault is not None:
            line, why = fault
            raise DataError(f"{path}, row {lines_before + line + 1}: {why}")
        commas &= ~quoted
    cells = 1 + np.diff(np.searchsorted(np.flatnonzero(commas), ends), prepend=0)
    starts = np.concatenate([[0], ends[:-1] + 1])
    blank = starts == ends
    for place in np.flatnonzero((cells == 1) & ~blank) if columns > 1 else ():
        blank[place] = not block[starts[place] : ends[place]].strip(b" \t")
    wrong = np.flatnonzero((cells != columns) & ~blank)
    if len(wrong):
        count = int(cells[wrong[0]])
        few = "few" if count < columns else "many"
        raise DataError(
            f"{path}, row {lines_before + wrong[0] + 1}: {count} cells, too {few}; the header has "
            f"{columns} columns. Correct the line: the cells after it may be shifted."
        )
    return lines_before + 1 + np.flatnonzero(~blank)


def _check_quotes(text: np.ndarray, ends: np.ndarray) -> tuple[tuple[int, str] | None, np.ndarray]:
    """The first line with an invalid quote and the reason, and which bytes are quoted.

    Of the quotes of a line, every odd one opens a cell or continues it after a doubled quote, and
    every even one closes it or begins a doubled quote.
    """
    quotes = np.flatnonzero(text == _QUOTE)
    quoted = (np.cumsum(text == _QUOTE, dtype=np.uint8) & 1).astype(bool)
    faults = []
    unclosed = np.flatnonzero(quoted[ends])
    if len(unclosed):
        why = (
            "a quoted cell does not end on this line. Remove the stray quote; line breaks within "
            "a cell are not allowed, because a stray quote looks the same."
        )
        faults.append((int(unclosed[0]), why))
    opening, closing = quotes[::2], quotes[1::2]
    # The byte before the first one is the last one, a line break.
    before, after = text[opening - 1], text[closing + 1]
    stray = np.concatenate(
        [
            opening[~np.isin(before, (_COMMA, _NEWLINE, _QUOTE))],
            closing[~np.isin(after, (_COMMA, _NEWLINE, _QUOTE))],
        ]
    )
    if len(stray):
        why = (
            "a quote in the middle of a cell. Quote the whole cell and double the quotes within "
            'it: "a ""b"" c".'
        )
        faults.append((int(np.searchsorted(ends, stray.min())), why))
    return min(faults, default=None), quoted

"""Checks the lines of a CSV file: UTF-8, complete, quotes in pairs, as many cells as the header.

The bytes are checked with NumPy, so that the check takes a fraction of the time of parsing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kerasnets.data.tables.cells import DataError

_BOM = b"\xef\xbb\xbf"
_NEWLINE, _QUOTE, _COMMA = b'\n",'
_BLOCK = 2**22  # bytes that are checked at a time


def check_text(path: Path, content: bytes, above: int = 0) -> bytes:
    """Check that a file is text in UTF-8 whose last line is complete.

    Args:
        path: the file, for error messages.
        content: the file, or a part of it that begins with a line.
        above: number of lines before the part.

    Returns:
        The text without byte-order mark, with LF at the end of each line.

    Raises:
        DataError: if it is not.
    """
    if not content.isascii():
        try:
            content.decode()
        except UnicodeDecodeError as error:
            row = above + content.count(b"\n", 0, error.start) + 1
            raise DataError(
                f"{path}, row {row}: a binary file, or not UTF-8. Expected text, plain or gzip."
            ) from None
    if not above:
        content = content.removeprefix(_BOM)
    if not above and content.startswith(_BOM):
        raise DataError(f"{path}, row 1: two byte-order marks. Save the file as plain UTF-8.")
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n")
        if (place := content.find(b"\r")) >= 0:
            row = above + content.count(b"\n", 0, place) + 1
            raise DataError(
                f"{path}, row {row}: a carriage return (\\r) that "
                "does not end the line. Save the file with the line ends of Linux or Windows."
            )
    if content and not content.endswith(b"\n"):
        row = above + content.count(b"\n") + 1
        raise DataError(
            f"{path}, row {row}: the last line does not end with a line "
            "break, so the file may have been cut. Download it again, or if it is complete, add a "
            "line break."
        )
    return content


def check_rows(path: Path, content: bytes, columns: int, above: int) -> np.ndarray:
    """Check that every line has as many cells as the header, and that its quotes are in pairs.

    Args:
        path: the file, for error messages.
        content: complete lines, from :func:`check_text`.
        columns: number of columns of the header.
        above: number of lines before the content.

    Returns:
        The line of each row in the file, counted from 1, without blank lines.

    Raises:
        DataError: if a line is invalid; the message contains its number.
    """
    checked = [
        _check_block(path, block, columns, above + lines_before)
        for block, lines_before in _blocks(content)
    ]
    return np.concatenate(checked)


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

"""Tables as plain text and as Markdown, and lines that fit the terminal."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import IO

_ALIGNMENTS = frozenset("lr")
_MIN_WIDTH = 6  # of a column that is shortened


def terminal_width(stream: IO[str] | None = None) -> int | None:
    """The columns that printed lines may have: ``$COLUMNS``, or the width of the terminal.

    Args:
        stream: where the lines are printed. Default: standard output.

    Returns:
        ``None`` without a limit, because the output goes to a file or a pipe.
    """
    stream = stream or sys.stdout
    if not os.environ.get("COLUMNS", "").isdecimal() and not stream.isatty():
        return None
    return shutil.get_terminal_size().columns


def wrapped(text: str, indent: str = "", stream: IO[str] | None = None) -> str:
    """The text in lines that fit the terminal.

    Args:
        text: one or several lines. A line that fits stays as it is.
        indent: start of every line that continues another one.
        stream: where the text is printed. Default: standard output.
    """
    width = terminal_width(stream)
    if width is None:
        return text
    return "\n".join(
        line
        if len(line) <= width
        else textwrap.fill(
            line, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
        )
        for line in text.split("\n")
    )


def percent(share: float, decimals: int = 1) -> str:
    """Format a share as ``"75.6 %"``, the form of all percentages in text and figures."""
    return f"{100 * share:.{decimals}f} %"


def text_table(
    headers: Sequence[str],
    rows: Iterable[Sequence[object]],
    align: str = "",
    *,
    box: bool = True,
    width: int | None = None,
) -> str:
    """Format rows as a plain-text table.

    Args:
        headers: the column names.
        rows: one sequence of cells per row; each cell is converted with ``str``.
        align: one letter per column, ``"l"`` (left) or ``"r"`` (right), such as ``"lrr"``.
            Default: every column is left-aligned.
        box: draw the box lines of ``model.summary()``. Without them, two spaces separate the
            columns.
        width: the columns of text that the lines may have. A wider table has no box lines. If
            this is not enough, left-aligned cells are shortened. Numbers are always complete.

    Returns:
        The lines of the table, without a newline at the end.

    Raises:
        ValueError: a row or ``align`` does not have one entry per column.
    """
    body = _cells(headers, rows)
    align = _check_align(headers, align)
    widths = [max(map(len, column)) for column in zip(headers, *body, strict=True)]
    if box and (width is None or sum(widths) + 3 * len(widths) + 1 <= width):
        return _box(headers, body, align, widths)
    if width is not None:
        widths = _shrink(widths, align, width)
    return "\n".join(
        "  ".join(_padded(cells, align, widths)).rstrip() for cells in (headers, *body)
    )


def _box(
    headers: Sequence[str], body: Sequence[Sequence[str]], align: str, widths: Sequence[int]
) -> str:
    def rule(left: str, middle: str, right: str, fill: str) -> str:
        return left + middle.join(fill * (width + 2) for width in widths) + right

    return "\n".join(
        [
            rule("┏", "┳", "┓", "━"),
            f"┃ {' ┃ '.join(_padded(headers, align, widths))} ┃",
            rule("┡", "╇", "┩", "━"),
            *(f"│ {' │ '.join(_padded(cells, align, widths))} │" for cells in body),
            rule("└", "┴", "┘", "─"),
        ]
    )


def _padded(cells: Sequence[str], align: str, widths: Sequence[int]) -> list[str]:
    return [
        cell.rjust(width) if side == "r" else _shortened(cell, width).ljust(width)
        for cell, width, side in zip(cells, widths, align, strict=True)
    ]


def _shortened(cell: str, width: int) -> str:
    """Cut a sentence at its end; of a name leave out the middle, because names differ at ends."""
    if len(cell) <= width:
        return cell
    start = width - 1 if " " in cell else width // 2
    return f"{cell[:start]}…{cell[len(cell) - (width - 1 - start) :]}"


def _shrink(widths: Sequence[int], align: str, width: int) -> list[int]:
    """Narrow the widest left-aligned columns until the table has the width, if possible."""
    widths = list(widths)
    left = [column for column, side in enumerate(align) if side == "l"]
    while left and sum(widths) + 2 * (len(widths) - 1) > width:
        widest = max(left, key=lambda column: widths[column])
        if widths[widest] <= _MIN_WIDTH:
            break
        widths[widest] -= 1
    return widths


def markdown_table(
    headers: Sequence[str], rows: Iterable[Sequence[object]], align: str = ""
) -> str:
    """Format rows as a Markdown table.

    Args:
        headers: the column names.
        rows: one sequence of cells per row; each cell is converted with ``str``. A ``|`` is
            escaped, a newline becomes a space.
        align: one letter per column, ``"l"`` (left) or ``"r"`` (right), such as ``"lrr"``.
            Default: every column is left-aligned.

    Returns:
        The lines of the table, without a newline at the end.

    Raises:
        ValueError: a row or ``align`` does not have one entry per column.
    """
    body = _cells(headers, rows)
    rule = ["---:" if side == "r" else "---" for side in _check_align(headers, align)]
    lines = [f"| {' | '.join(map(_escape, cells))} |" for cells in (headers, *body)]
    return "\n".join([lines[0], f"|{'|'.join(rule)}|", *lines[1:]])


def _cells(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> list[list[str]]:
    body = [[str(cell) for cell in row] for row in rows]
    for row in body:
        if len(row) != len(headers):
            raise ValueError(
                f"Each row must have one cell per column, {len(headers)}; got {len(row)}: {row}."
            )
    return body


def _check_align(headers: Sequence[str], align: str) -> str:
    align = align or "l" * len(headers)
    if len(align) != len(headers) or not _ALIGNMENTS.issuperset(align):
        raise ValueError(
            f"align must have one letter per column ({len(headers)}), 'l' or 'r'; got {align!r}."
        )
    return align


def _escape(cell: str) -> str:
    return " ".join(cell.replace("|", "\\|").splitlines())

"""Tables as plain text and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_ALIGNMENTS = frozenset("lr")


def text_table(
    headers: Sequence[str],
    rows: Iterable[Sequence[object]],
    align: str = "",
    *,
    box: bool = True,
) -> str:
    """Format rows as a plain-text table.

    Args:
        headers: the column names.
        rows: one sequence of cells per row; each cell is converted with ``str``.
        align: one letter per column, ``"l"`` (left) or ``"r"`` (right), such as ``"lrr"``.
            Default: every column is left-aligned.
        box: draw the box lines of ``model.summary()``. Without them, two spaces separate the
            columns.

    Returns:
        The lines of the table, without a newline at the end.

    Raises:
        ValueError: a row or ``align`` does not have one entry per column.
    """
    body = _cells(headers, rows)
    align = _check_align(headers, align)
    widths = [max(map(len, column)) for column in zip(headers, *body, strict=True)]

    def line(cells: Sequence[str], separator: str) -> str:
        padded = [
            cell.rjust(width) if side == "r" else cell.ljust(width)
            for cell, width, side in zip(cells, widths, align, strict=True)
        ]
        return separator.join(padded)

    if not box:
        return "\n".join(line(cells, "  ").rstrip() for cells in (headers, *body))

    def rule(left: str, middle: str, right: str, fill: str) -> str:
        return left + middle.join(fill * (width + 2) for width in widths) + right

    return "\n".join(
        [
            rule("┏", "┳", "┓", "━"),
            f"┃ {line(headers, ' ┃ ')} ┃",
            rule("┡", "╇", "┩", "━"),
            *(f"│ {line(cells, ' │ ')} │" for cells in body),
            rule("└", "┴", "┘", "─"),
        ]
    )


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

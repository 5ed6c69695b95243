"""Objects as HTML for notebooks: a heading, facts, and a table. It needs no pandas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape


def html_block(
    title: str,
    facts: Mapping[str, object] | None = None,
    headers: Sequence[str] = (),
    rows: Iterable[Sequence[object]] = (),
    align: str = "",
    notes: Iterable[str] = (),
) -> str:
    """Format an object as HTML. All text is escaped.

    Args:
        title: the caption.
        facts: values by name, in a first table.
        headers: the column names of a second table.
        rows: one sequence of cells per row of the second table.
        align: one letter per column, ``"l"`` (left) or ``"r"`` (right). Default: all left.
        notes: lines below the tables.
    """
    parts = [f"<p><strong>{escape(title)}</strong></p>"]
    if facts:
        parts.append(_table((), list(facts.items()), "ll"))
    if headers:
        parts.append(_table(headers, rows, align or "l" * len(headers)))
    if lines := [escape(note) for note in notes]:
        parts.append(f"<p>{'<br>'.join(lines)}</p>")
    return "\n".join(parts)


def _table(headers: Sequence[str], rows: Iterable[Sequence[object]], align: str) -> str:
    head = f"<thead>{_row(headers, 'th', align)}</thead>\n" if headers else ""
    body = "\n".join(_row(cells, "td", align) for cells in rows)
    return f"<table>\n{head}<tbody>\n{body}\n</tbody>\n</table>"


def _row(cells: Sequence[object], tag: str, align: str) -> str:
    sides = {"l": "left", "r": "right"}
    columns = (
        f'<{tag} style="text-align: {sides[side]}">{escape(str(cell))}</{tag}>'
        for cell, side in zip(cells, align, strict=True)
    )
    return f"<tr>{''.join(columns)}</tr>"

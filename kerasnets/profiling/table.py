"""The profile as a table, in the look of ``model.summary()``."""

from __future__ import annotations

from collections.abc import Container, Sequence
from html import escape

from kerasnets.profiling.profile import LayerProfile, Profile
from kerasnets.profiling.sizes import Shape, Size, number

HEADER = ("Layer", "Type", "Output shape", "Params", "MACs", "FLOPs", "Share")
_RIGHT = frozenset({"Params", "MACs", "FLOPs", "Share"})
_RIGHT_STYLE = ' style="text-align: right"'


def rows(profile: Profile) -> list[tuple[str, ...]]:
    """One row a call, the numbers written out."""
    return [_row(layer, profile.flops) for layer in profile.layers]


def _row(layer: LayerProfile, flops: Size) -> tuple[str, ...]:
    at_least = "" if layer.supported else "≥ "
    return (
        layer.path,
        layer.type,
        ", ".join(map(shape, layer.output_shapes)),
        number(layer.params),
        at_least + number(layer.macs),
        at_least + number(layer.flops),
        share(layer.flops, flops),
    )


def shape(sides: Shape) -> str:
    """A shape as ``(174, 6)``; a single axis as ``(16,)``."""
    return f"({', '.join(map(str, sides))}{',' if len(sides) == 1 else ''})"


def share(part: Size, whole: Size) -> str:
    """How much of the whole a part is, ``"97.2 %"``; empty where that depends on a symbol."""
    if whole == 0 or not isinstance(part, int) or not isinstance(whole, int):
        return ""
    return f"{100 * part / whole:.1f} %"


def totals(profile: Profile) -> list[str]:
    """The lines under the table."""
    at_least = "≥ " if profile.unsupported else ""
    stored = sum(profile.param_bytes.values())
    lines = [
        f"Parameters: {profile.params:,} ({size(stored)}), {profile.trainable_params:,} trainable",
        f"MACs: {at_least}{number(profile.macs)}",
        f"FLOPs ({profile.convention}): {at_least}{number(profile.flops)}",
        f"Activations: {size(profile.peak_bytes)} alive at peak",
    ]
    if profile.mode == "training":
        parts = (f"{phase} {number(cost)}" for phase, cost in profile.phases.items())
        lines.insert(3, f"of which {', '.join(parts)}")
    if (sequences := profile.sequences) is not None:
        count, time = f"{sequences.samples:,} sequences", sequences.time
        lines += [
            f"One step of all recurrent layers: {number(sequences.per_step)} FLOPs",
            f"{count} padded to {time}: {at_least}{number(sequences.padded)} FLOPs",
            f"{count} at their lengths: {at_least}{number(sequences.true)} FLOPs",
        ]
    return lines + [f"Not counted: {line}" for line in profile.unsupported]


def size(count: Size) -> str:
    """Bytes as ``11.5 KB``, of 1,024 bytes as in ``model.summary()``."""
    if not isinstance(count, int):
        return f"{count} B"
    value, unit = float(count), "B"
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1024 or unit == "GB":
            break
        value /= 1024
    return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"


def text(profile: Profile) -> str:
    """The table in plain text with box lines."""
    return "\n".join([title(profile), boxed(HEADER, rows(profile), _RIGHT), *totals(profile)])


def boxed(header: Sequence[str], body: Sequence[Sequence[str]], right: Container[str]) -> str:
    """Rows in the box lines of ``model.summary()``.

    Args:
        header: the names of the columns.
        body: the cells.
        right: the names of the columns aligned to the right.
    """
    widths = [max(map(len, column)) for column in zip(header, *body, strict=True)]

    def line(left: str, middle: str, right: str, fill: str) -> str:
        return left + middle.join(fill * (width + 2) for width in widths) + right

    def cells(row: Sequence[str], edge: str) -> str:
        padded = [
            f" {cell:>{width}} " if name in right else f" {cell:<{width}} "
            for name, cell, width in zip(header, row, widths, strict=True)
        ]
        return edge + edge.join(padded) + edge

    return "\n".join(
        [
            line("┏", "┳", "┓", "━"),
            cells(header, "┃"),
            line("┡", "╇", "┩", "━"),
            *(cells(row, "│") for row in body),
            line("└", "┴", "┘", "─"),
        ]
    )


def markdown(profile: Profile) -> str:
    """The table in Markdown, the totals under it."""
    rule = ["---:" if name in _RIGHT else "---" for name in HEADER]
    body = [[cell.replace("|", "\\|") for cell in row] for row in rows(profile)]
    table = [f"| {' | '.join(cells)} |" for cells in (HEADER, rule, *body)]
    return "\n".join([f"**{title(profile)}**", "", *table, "", "  \n".join(totals(profile)), ""])


def html(profile: Profile) -> str:
    """The table in HTML, the totals under it; every text escaped."""

    def row(cells: Sequence[str], tag: str) -> str:
        styled = (
            f"<{tag}{_RIGHT_STYLE if name in _RIGHT else ''}>{escape(cell)}</{tag}>"
            for name, cell in zip(HEADER, cells, strict=True)
        )
        return f"<tr>{''.join(styled)}</tr>"

    body = "\n".join(row(cells, "td") for cells in rows(profile))
    return (
        f"<table>\n<caption>{escape(title(profile))}</caption>\n"
        f"<thead>{row(HEADER, 'th')}</thead>\n<tbody>\n{body}\n</tbody>\n</table>\n"
        f"<p>{'<br>'.join(map(escape, totals(profile)))}</p>\n"
    )


def title(profile: Profile) -> str:
    """What the table is of."""
    return f"{profile.name}, {profile.mode} on one sample, convention {profile.convention}"

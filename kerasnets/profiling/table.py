"""The profile as a table, in the look of ``model.summary()``."""

from __future__ import annotations

from collections.abc import Sequence
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
    lines = [
        f"Parameters: {profile.params:,} ({profile.trainable_params:,} trainable)",
        f"MACs: {at_least}{number(profile.macs)}",
        f"FLOPs ({profile.convention}): {at_least}{number(profile.flops)}",
    ]
    if (sequences := profile.sequences) is not None:
        lines += [
            f"One step of all recurrent layers: {number(sequences.per_step)} FLOPs",
            (
                f"{sequences.samples:,} sequences padded to {sequences.time}: "
                f"{at_least}{number(sequences.padded)} FLOPs"
            ),
            (
                f"{sequences.samples:,} sequences at their lengths: "
                f"{at_least}{number(sequences.true)} FLOPs"
            ),
        ]
    return lines + [f"Not counted: {line}" for line in profile.unsupported]


def text(profile: Profile) -> str:
    """The table in plain text with box lines."""
    body = rows(profile)
    widths = [max(map(len, column)) for column in zip(HEADER, *body, strict=True)]

    def line(left: str, middle: str, right: str, fill: str) -> str:
        return left + middle.join(fill * (width + 2) for width in widths) + right

    def cells(row: Sequence[str], edge: str) -> str:
        padded = [
            f" {cell:>{width}} " if name in _RIGHT else f" {cell:<{width}} "
            for name, cell, width in zip(HEADER, row, widths, strict=True)
        ]
        return edge + edge.join(padded) + edge

    return "\n".join(
        [
            _title(profile),
            line("┏", "┳", "┓", "━"),
            cells(HEADER, "┃"),
            line("┡", "╇", "┩", "━"),
            *(cells(row, "│") for row in body),
            line("└", "┴", "┘", "─"),
            *totals(profile),
        ]
    )


def markdown(profile: Profile) -> str:
    """The table in Markdown, the totals under it."""
    rule = ["---:" if name in _RIGHT else "---" for name in HEADER]
    table = [f"| {' | '.join(cells)} |" for cells in (HEADER, rule, *rows(profile))]
    return "\n".join([f"**{_title(profile)}**", "", *table, "", "  \n".join(totals(profile)), ""])


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
        f"<table>\n<caption>{escape(_title(profile))}</caption>\n"
        f"<thead>{row(HEADER, 'th')}</thead>\n<tbody>\n{body}\n</tbody>\n</table>\n"
        f"<p>{'<br>'.join(map(escape, totals(profile)))}</p>\n"
    )


def _title(profile: Profile) -> str:
    return f"{profile.name}, one sample, convention {profile.convention}"

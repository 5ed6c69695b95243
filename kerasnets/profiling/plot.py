"""A bar chart of the FLOPs and parameters of a network, layer by layer."""

from __future__ import annotations

from matplotlib.figure import Figure

from kerasnets._style import COLORS, new_figure, style
from kerasnets.profiling.sizes import format_size
from kerasnets.profiling.table import title
from kerasnets.profiling.totals import ProfileTotals

_BAR_HEIGHT = 0.36
_MAX_ROWS = 24


def plot(profile: ProfileTotals) -> Figure:
    """Draw two horizontal bars per call: its share of the FLOPs and of the parameters.

    Raises:
        ValueError: a size is unknown, or the model has neither parameters nor operations.
    """
    if profile.symbols:
        name = profile.symbols[0]
        raise ValueError(
            f"{profile.name!r} has unknown sizes {', '.join(profile.symbols)}, so the lengths of "
            f"its bars are unknown; set the sizes first: profile.at({name}=178).plot()."
        )
    rows = _rows(profile)
    if not rows:
        raise ValueError(f"{profile.name!r} has no parameters and no operations to draw.")
    names, flops, params = zip(*rows, strict=True)
    at_least = "≥ " if profile.unsupported else ""
    series = [
        (f"{at_least}{format_size(profile.flops)} FLOPs", flops, profile.flops),
        (f"{format_size(profile.params)} parameters", params, profile.params),
    ]
    with style():
        figure = new_figure(8, 1.0 + 0.45 * len(rows), title(profile))
        axes = figure.subplots()
        for index, (label, values, sum_of_values) in enumerate(series):
            positions = [row + (index - 0.5) * _BAR_HEIGHT for row in range(len(rows))]
            shares = [100 * value / sum_of_values if sum_of_values else 0 for value in values]
            bars = axes.barh(positions, shares, _BAR_HEIGHT, color=COLORS[index], label=label)
            texts = [format_size(value) if value else "" for value in values]
            axes.bar_label(bars, texts, padding=3, fontsize=8)
        axes.set_yticks(range(len(rows)), names)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlim(0, 118)
        axes.set_xticks(range(0, 101, 20))
        axes.set_xlabel("share of the total [%]")
        figure.legend(loc="outside lower center", ncols=2)
    return figure


def _rows(profile: ProfileTotals) -> list[tuple[str, int, int]]:
    """Name, FLOPs and parameters of each call that has any, in the order of execution.

    If there are more than ``_MAX_ROWS`` calls, those with the smallest shares become one row.
    """
    rows = [(x.path, x.flops, x.params) for x in profile.layers if x.flops or x.params]

    def share(row: tuple[str, int, int]) -> float:
        return row[1] / max(profile.flops, 1) + row[2] / max(profile.params, 1)

    if len(rows) <= _MAX_ROWS:
        return rows
    by_share = sorted(range(len(rows)), key=lambda index: -share(rows[index]))
    largest = sorted(by_share[: _MAX_ROWS - 1])
    rest = [row for index, row in enumerate(rows) if index not in largest]
    others = (f"{len(rest)} others", sum(r[1] for r in rest), sum(r[2] for r in rest))
    return [*(rows[index] for index in largest), others]

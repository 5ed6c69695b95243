"""The picture of a search: which values were tried, and how the best grew (S4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from kerasnets._style import COLORS, INK, new_figure, style
from kerasnets.studies.search import Search
from kerasnets.studies.space import Axis

if TYPE_CHECKING:
    import pandas as pd

_PANEL = 3.1  # inches
_LETTERS = 14  # of a choice on an axis
_ROOM = 0.06  # of a range, beyond its ends


def search_figure(found: Search) -> Figure:
    """A panel a sampler over the two axes that matter most, and the best score by trial.

    With the same budget a grid tries few values of the axis that matters, the others many: they
    are marked along it, above each panel.
    """
    axes_ = sorted(found.axes, key=lambda axis: -found.importance[axis.name])
    table, samplers = found.table, list(dict.fromkeys(found.table["sampler"]))
    data = found.best.data
    simulated = " — simulated, not measured" if data.endswith("-simulated") else ""
    shares = ", ".join(f"{axis.name} {100 * found.importance[axis.name]:.0f} %" for axis in axes_)
    note = f"Score: best {found.monitor} of a training. Importance (fANOVA): {shares}"
    with style():
        figure = new_figure(
            _PANEL * (len(samplers) + 1.1), _PANEL + 0.5,
            f"Search of {found.best.net} on {data}{simulated}", note,
        )  # fmt: skip
        panels = figure.subplots(1, len(samplers) + 1)
        limits = np.nanmin(table["score"]), np.nanmax(table["score"])
        for panel, sampler in zip(panels, samplers, strict=False):
            rows = table[table["sampler"] == sampler]
            _values(panel, rows, axes_, sampler, limits, found.higher_is_better)
        _best_so_far(panels[-1], found, samplers)
    return figure


def _values(
    panel: Axes, rows: pd.DataFrame, axes: Sequence[Axis], sampler: str,
    limits: tuple[float, float], higher_is_better: bool,
) -> None:  # fmt: skip
    first = axes[0]
    x = _places(first, rows)
    y = _places(axes[1], rows) if len(axes) > 1 else rows["score"].to_numpy()
    panel.scatter(
        x, y, c=rows["score"], cmap="viridis" if higher_is_better else "viridis_r", s=38,
        vmin=limits[0], vmax=limits[1], edgecolors=INK, linewidths=0.4,
    )  # fmt: skip
    different = len(set(x.tolist()))
    panel.plot(
        x, np.full(len(x), 1.03), "|", transform=panel.get_xaxis_transform(), color=INK,
        clip_on=False, markersize=8,
    )  # fmt: skip
    panel.set_title(f"{sampler}: {different} values of {first.name}", loc="left", size=9.5, pad=14)
    _scale(panel, first, "x")
    if len(axes) > 1:
        _scale(panel, axes[1], "y")
    else:
        panel.set_ylabel("Score")


def _places(axis: Axis, rows: pd.DataFrame) -> np.ndarray:
    """Where the values lie: numbers of a range, positions of choices."""
    values = rows[axis.name].tolist()
    if axis.choices:
        return np.array([list(axis.choices).index(value) for value in values], dtype=float)
    return np.array(values, dtype=float)


def _scale(panel: Axes, axis: Axis, side: str) -> None:
    """Label a side and give it the whole range, so that the panels can be compared."""
    line = panel.xaxis if side == "x" else panel.yaxis
    line.set_label_text(axis.name)
    if axis.choices:
        line.set_ticks(range(len(axis.choices)), [str(c)[:_LETTERS] for c in axis.choices])
        low, high = -0.5, len(axis.choices) - 0.5
    elif axis.log:
        (panel.set_xscale if side == "x" else panel.set_yscale)("log")
        line.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        line.set_minor_formatter(NullFormatter())
        room = (axis.high / axis.low) ** _ROOM
        low, high = axis.low / room, axis.high * room
    else:
        room = (axis.high - axis.low) * _ROOM
        low, high = axis.low - room, axis.high + room
    (panel.set_xlim if side == "x" else panel.set_ylim)(low, high)


def _best_so_far(panel: Axes, found: Search, samplers: Sequence[str]) -> None:
    best = np.fmax if found.higher_is_better else np.fmin
    for sampler, color in zip(samplers, COLORS, strict=False):
        scores = found.table.loc[found.table["sampler"] == sampler, "score"].to_numpy()
        panel.step(
            np.arange(1, len(scores) + 1), best.accumulate(scores), where="post", color=color,
            label=sampler,
        )  # fmt: skip
        panel.plot(np.arange(1, len(scores) + 1), scores, ".", color=color, alpha=0.4)
    panel.set(xlabel="Trial", ylabel=f"Best {found.monitor} so far")
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.legend(loc="best")

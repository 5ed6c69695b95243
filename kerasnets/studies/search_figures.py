"""The figure of a search: the values that were tried, and the best score so far (S4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from kerasnets._style import COLORS, INK, new_figure, style
from kerasnets.studies.search import SearchResult
from kerasnets.studies.space import Hyperparameter

if TYPE_CHECKING:
    import pandas as pd

_PANEL = 3.1  # inches
_MAX_LETTERS = 14  # of a choice as a tick label
_MARGIN = 0.06  # beyond both ends of a range, relative to its width


def search_figure(found: SearchResult) -> Figure:
    """Plot one panel per sampler for the two most important hyperparameters, and the best scores.

    Marks above each panel show the values of the most important hyperparameter. With the same
    budget, a grid tries only a few different values, the other samplers many.
    """
    space = sorted(found.space, key=lambda entry: -found.importance[entry.name])
    table, samplers = found.table, list(dict.fromkeys(found.table["sampler"]))
    data = found.best.data
    simulated = " — simulated, not measured" if data.endswith("-simulated") else ""
    importance = ", ".join(
        f"{entry.name} {100 * found.importance[entry.name]:.0f} %" for entry in space
    )
    with style():
        figure = new_figure(
            _PANEL * (len(samplers) + 1.1),
            _PANEL + 0.5,
            f"Search of {found.best.net} on {data}{simulated}",
            f"Score: best {found.monitor} of a training. Importance (fANOVA): {importance}",
        )
        panels = figure.subplots(1, len(samplers) + 1)
        colors = {
            "cmap": "viridis" if found.higher_is_better else "viridis_r",
            "vmin": np.nanmin(table["score"]),
            "vmax": np.nanmax(table["score"]),
        }
        for panel, sampler in zip(panels, samplers, strict=False):
            rows = table[table["sampler"] == sampler]
            _draw_trials(panel, sampler, rows, space, colors)
        _draw_best_scores(panels[-1], found, samplers)
    return figure


def _draw_trials(
    panel: Axes,
    sampler: str,
    rows: pd.DataFrame,
    space: Sequence[Hyperparameter],
    colors: dict[str, Any],
) -> None:
    first = space[0]
    x = _positions(first, rows)
    y = _positions(space[1], rows) if len(space) > 1 else rows["score"].to_numpy()
    panel.scatter(x, y, c=rows["score"], s=38, edgecolors=INK, linewidths=0.4, **colors)
    panel.plot(
        x, np.full(len(x), 1.03), "|", transform=panel.get_xaxis_transform(), color=INK,
        clip_on=False, markersize=8,
    )  # fmt: skip
    different = len(set(x.tolist()))
    panel.set_title(f"{sampler}: {different} values of {first.name}", loc="left", size=9.5, pad=14)
    _set_scale(panel, first, "x")
    if len(space) > 1:
        _set_scale(panel, space[1], "y")
    else:
        panel.set_ylabel("Score")


def _positions(hyperparameter: Hyperparameter, rows: pd.DataFrame) -> np.ndarray:
    """Positions on the plot: the values of a range, or the indices of the choices."""
    values = rows[hyperparameter.name].tolist()
    if hyperparameter.choices:
        choices = list(hyperparameter.choices)
        return np.array([choices.index(value) for value in values], dtype=float)
    return np.array(values, dtype=float)


def _set_scale(panel: Axes, hyperparameter: Hyperparameter, side: str) -> None:
    """Label an axis and show the full range on it, so that the panels can be compared."""
    axis = panel.xaxis if side == "x" else panel.yaxis
    axis.set_label_text(hyperparameter.name)
    low, high, choices = hyperparameter.low, hyperparameter.high, hyperparameter.choices
    if choices:
        axis.set_ticks(range(len(choices)), [str(choice)[:_MAX_LETTERS] for choice in choices])
        low, high = -0.5, len(choices) - 0.5
    elif hyperparameter.log:
        (panel.set_xscale if side == "x" else panel.set_yscale)("log")
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
        margin = (high / low) ** _MARGIN
        low, high = low / margin, high * margin
    else:
        margin = (high - low) * _MARGIN
        low, high = low - margin, high + margin
    (panel.set_xlim if side == "x" else panel.set_ylim)(low, high)


def _draw_best_scores(panel: Axes, found: SearchResult, samplers: Sequence[str]) -> None:
    best = np.fmax if found.higher_is_better else np.fmin
    for sampler, color in zip(samplers, COLORS, strict=False):
        scores = found.table.loc[found.table["sampler"] == sampler, "score"].to_numpy()
        trials = np.arange(1, len(scores) + 1)
        panel.step(trials, best.accumulate(scores), where="post", color=color, label=sampler)
        panel.plot(trials, scores, ".", color=color, alpha=0.4)
    panel.set(xlabel="Trial", ylabel=f"Best {found.monitor} so far")
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.legend(loc="best")

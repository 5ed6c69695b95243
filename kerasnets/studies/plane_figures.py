"""Decision boundaries of small nets on points in the plane, with their curves of loss (S4)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from kerasnets._style import COLORS, MUTED, new_figure, style
from kerasnets.studies.planes import Lesson

_CELLS = 200  # a side of the grid on which a boundary is found
_MARGIN = 0.15  # of the width of the points
_GROUNDS = ListedColormap(["#D6E6F2", "#FBE3D2"])  # pale COLORS[0] and COLORS[1]
_PANEL = 2.45  # inches

Decide = Callable[[np.ndarray], np.ndarray]


def lessons_figure(
    lessons: Sequence[Lesson], title: str, subtitle: str | None = None, columns: int = 4
) -> Figure:
    """The boundary of each lesson with its training points, and below them all losses.

    Above each panel: the share of the test points that are right, and the dead units of all.

    Args:
        lessons: in the order of the panels.
        title: the header.
        subtitle: the line below it.
        columns: panels beside each other.
    """
    rows = math.ceil(len(lessons) / columns)
    with style():
        figure = new_figure(columns * _PANEL, rows * (_PANEL + 0.35) + 2.5, title, subtitle)
        parts = np.asarray(figure.subfigures(2, 1, height_ratios=(rows * (_PANEL + 0.35), 2.5)))
        above, below = parts.tolist()
        grid = above.subplots(rows, columns, squeeze=False)
        for number, axes in enumerate(grid.flat):
            if number >= len(lessons):
                axes.set_axis_off()
                continue
            lesson = lessons[number]
            train = lesson.data.train
            _draw(axes, _decide(lesson.model), np.asarray(train.x), train.y, 7.0)
            right = f"{100 * lesson.accuracy:.0f} % right"
            dead = f"{lesson.dead} of {lesson.units} dead"
            axes.set_title(f"{lesson.label}\n{right}, {dead}", loc="left", size=9)
        curves = below.subplots()
        for number, lesson in enumerate(lessons):
            curves.plot(
                np.arange(1, len(lesson.losses) + 1), lesson.losses, linewidth=1.3,
                color=COLORS[number % columns], label=lesson.label,
                linestyle="-" if number < columns else (0, (4, 1.5)),
            )  # fmt: skip
        curves.set(xscale="log", xlabel="Epoch", ylabel="Loss (cross-entropy)")
        curves.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        curves.xaxis.set_minor_formatter(NullFormatter())
        curves.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return figure


def xor_figure(boundaries: Mapping[str, Decide], shares: Mapping[int, float], seeds: int) -> Figure:
    """Boundaries of nets that compute XOR, and the share of seeds that learn to.

    Args:
        boundaries: from points of shape ``(n, 2)`` to whether they are positive, by what to
            call it.
        shares: of the seeds that end exact, by the number of hidden units.
        seeds: how many there were.
    """
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
    with style():
        figure = new_figure(
            (len(boundaries) + 1.2) * _PANEL, _PANEL + 0.6, "XOR with ReLU units",
            "Exact: every output within 0.01 of 0 or 1",
        )  # fmt: skip
        panels = figure.subplots(
            1, len(boundaries) + 1, width_ratios=[1.0] * len(boundaries) + [1.2]
        )
        for axes, (label, decide) in zip(panels, boundaries.items(), strict=False):
            _draw(axes, decide, corners, np.array([0, 1, 1, 0]), 45.0)
            axes.set_title(label, loc="left", size=9)
        bars = panels[-1].bar(
            [str(units) for units in shares], [100 * s for s in shares.values()], color=COLORS[2]
        )
        panels[-1].bar_label(bars, fmt="%.0f %%", size=8.5, padding=2)
        panels[-1].set(ylim=(0, 112), xlabel="Hidden ReLU units", yticks=(0, 50, 100))
        panels[-1].set_title(f"Exact after training, of {seeds} seeds", loc="left", size=9)
        panels[-1].grid(visible=False, axis="x")
    return figure


def _draw(axes: Axes, decide: Decide, x: np.ndarray, y: np.ndarray, size: float) -> None:
    low, high = x.min(axis=0), x.max(axis=0)
    low, high = low - _MARGIN * (high - low), high + _MARGIN * (high - low)
    sides = [np.linspace(low[axis], high[axis], _CELLS, dtype=np.float32) for axis in (0, 1)]
    points = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    positive = decide(points).reshape(_CELLS, _CELLS)
    extent = (float(low[0]), float(high[0]), float(low[1]), float(high[1]))
    axes.imshow(positive, cmap=_GROUNDS, vmin=0, vmax=1, origin="lower", extent=extent)
    for label, color in enumerate(COLORS[:2]):
        points = x[y == label]
        axes.scatter(points[:, 0], points[:, 1], s=size, color=color, linewidths=0)
    axes.set(xticks=(), yticks=(), aspect="auto")
    axes.spines[:].set(visible=True, color=MUTED, linewidth=0.6)
    axes.grid(visible=False)


def _decide(net: Callable[[np.ndarray], object]) -> Decide:
    return lambda x: np.asarray(net(x)).argmax(axis=1)

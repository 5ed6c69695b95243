"""Figures of small nets on points in the plane: decision boundaries and losses (S4)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from kerasnets._style import COLORS, MUTED, new_figure, style
from kerasnets._tables import percent
from kerasnets.studies.planes import PlaneStudy

_CELLS = 200  # grid points per side, where the class is computed
_MARGIN = 0.15  # relative to the width of the points
_BACKGROUND = ListedColormap(["#D6E6F2", "#FBE3D2"])  # pale COLORS[0] and COLORS[1]
_PANEL = 2.45  # inches

Classifier = Callable[[np.ndarray], np.ndarray]


def boundaries_figure(
    studies: Sequence[PlaneStudy], title: str, subtitle: str | None = None, columns: int = 4
) -> Figure:
    """Plot the decision boundary of each net with its training points, and all losses below.

    The title of each panel has the test accuracy and the number of dead units.

    Args:
        studies: the trained nets, in the order of the panels.
        title: title of the figure.
        subtitle: line below the title.
        columns: number of panels per row.
    """
    rows = math.ceil(len(studies) / columns)
    with style():
        figure = new_figure(columns * _PANEL, rows * (_PANEL + 0.35) + 2.5, title, subtitle)
        parts = np.asarray(figure.subfigures(2, 1, height_ratios=(rows * (_PANEL + 0.35), 2.5)))
        above, below = parts.tolist()
        grid = above.subplots(rows, columns, squeeze=False)
        for number, axes in enumerate(grid.flat):
            if number >= len(studies):
                axes.set_axis_off()
                continue
            study = studies[number]
            train = study.data.train
            _draw_boundary(axes, _classifier(study.model), np.asarray(train.x), train.y, 7.0)
            accuracy = f"test accuracy {percent(study.accuracy, 0)}"
            dead = f"{study.dead} of {study.units} dead"
            axes.set_title(f"{study.label}\n{accuracy}, {dead}", loc="left", size=9)
        _draw_losses(below.subplots(), studies, columns)
    return figure


def xor_figure(
    classifiers: Mapping[str, Classifier], shares: Mapping[int, float], seeds: int
) -> Figure:
    """Plot decision boundaries of XOR nets, and the share of seeds that learn XOR.

    Args:
        classifiers: functions from points of shape ``(n, 2)`` to booleans, by panel title.
        shares: share of the seeds whose net is exact after training, by number of hidden units.
        seeds: number of seeds.
    """
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
    with style():
        figure = new_figure(
            (len(classifiers) + 1.2) * _PANEL, _PANEL + 0.6, "XOR with ReLU units",
            "Exact: every output within 0.01 of 0 or 1",
        )  # fmt: skip
        panels = figure.subplots(
            1, len(classifiers) + 1, width_ratios=[1.0] * len(classifiers) + [1.2]
        )
        for axes, (label, classify) in zip(panels, classifiers.items(), strict=False):
            _draw_boundary(axes, classify, corners, np.array([0, 1, 1, 0]), 45.0)
            axes.set_title(label, loc="left", size=9)
        bars = panels[-1].bar(
            [str(units) for units in shares], [100 * s for s in shares.values()], color=COLORS[2]
        )
        panels[-1].bar_label(bars, fmt="%.0f %%", size=8.5, padding=2)
        panels[-1].set(ylim=(0, 112), xlabel="Hidden ReLU units", yticks=(0, 50, 100))
        panels[-1].set_title(f"Exact after training, of {seeds} seeds", loc="left", size=9)
        panels[-1].grid(visible=False, axis="x")
    return figure


def _draw_boundary(
    axes: Axes, classify: Classifier, x: np.ndarray, y: np.ndarray, size: float
) -> None:
    low, high = x.min(axis=0), x.max(axis=0)
    low, high = low - _MARGIN * (high - low), high + _MARGIN * (high - low)
    sides = [np.linspace(low[axis], high[axis], _CELLS, dtype=np.float32) for axis in (0, 1)]
    points = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    positive = classify(points).reshape(_CELLS, _CELLS)
    extent = (float(low[0]), float(high[0]), float(low[1]), float(high[1]))
    axes.imshow(positive, cmap=_BACKGROUND, vmin=0, vmax=1, origin="lower", extent=extent)
    for label, color in enumerate(COLORS[:2]):
        points = x[y == label]
        axes.scatter(points[:, 0], points[:, 1], s=size, color=color, linewidths=0)
    axes.set(xticks=(), yticks=(), aspect="auto")
    axes.spines[:].set(visible=True, color=MUTED, linewidth=0.6)
    axes.grid(visible=False)


def _draw_losses(axes: Axes, studies: Sequence[PlaneStudy], columns: int) -> None:
    for number, study in enumerate(studies):
        axes.plot(
            np.arange(1, len(study.losses) + 1), study.losses, linewidth=1.3,
            color=COLORS[number % columns], label=study.label,
            linestyle="-" if number < columns else (0, (4, 1.5)),
        )  # fmt: skip
    axes.set(xscale="log", xlabel="Epoch", ylabel="Training loss (cross-entropy)")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))


def _classifier(net: Callable[[np.ndarray], object]) -> Classifier:
    return lambda x: np.asarray(net(x)).argmax(axis=1)

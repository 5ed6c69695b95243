"""The figures of the decision trees: AUC and nodes over the depth, and heat maps (S3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from kerasnets._style import COLORS, INK, MUTED, new_figure, style
from kerasnets.studies.trees import Trees

if TYPE_CHECKING:
    import pandas as pd

_CELL = (0.62, 0.42)  # inches


def depth_curves(trees: Trees, min_leaves: tuple[int, int] | None = None) -> Figure:
    """AUC of training and validation, and nodes, over the depth, at two min leaves.

    Args:
        trees: the grown trees; the min parent is the first of the grid.
        min_leaves: the two to compare; by default the first of the grid and 4, S3's second, or
            the next if the grid has no 4.

    Raises:
        ValueError: if the grid does not have them.
    """
    table = trees.table
    present = list(dict.fromkeys(table["min_leaf"]))
    wanted = min_leaves or (present[0], *([4] if 4 in present[1:] else present[1:2]))
    if not set(wanted) <= set(present):
        raise ValueError(f"min_leaves must be of {present}, got {list(wanted)}.")
    min_parent = table["min_parent"].iloc[0]
    with style():
        figure = new_figure(
            9.6, 3.9, _title(trees, "Trees of growing depth"), f"Min parent {min_parent}; entropy"
        )
        left, right = figure.subplots(1, 2)
        for min_leaf, line in zip(wanted, ("-", (0, (4, 1.5))), strict=False):
            chosen = (table["min_parent"] == min_parent) & (table["min_leaf"] == min_leaf)
            rows = table[chosen].sort_values("depth")
            for part, color in (("train", COLORS[0]), ("validation", COLORS[1])):
                left.plot(
                    rows["depth"], rows[f"{part}_auc"], color=color, linestyle=line, marker="o",
                    markersize=3.5, label=f"{part}, min leaf {min_leaf}",
                )  # fmt: skip
            right.plot(
                rows["depth"], rows["nodes"], color=COLORS[2], linestyle=line, marker="o",
                markersize=3.5, label=f"min leaf {min_leaf}",
            )  # fmt: skip
        left.set(xlabel="Max depth", ylabel="AUC")
        right.set(xlabel="Max depth", ylabel="Nodes", yscale="log")
        right.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        for axes in (left, right):
            axes.set_xticks(sorted(set(table["depth"])))
            axes.legend(loc="best", handlelength=3)
    return figure


def heat_maps(trees: Trees, depth: int | None = None) -> Figure:
    """AUC of training and validation over min parent and min leaf, each cell its own tree.

    Where the min parent is less than twice the min leaf it has no effect.

    Args:
        trees: the grown trees.
        depth: the max depth; by default 10, S3's, or the first of the grid if it has no 10.

    Raises:
        ValueError: if the grid does not have it.
    """
    depths = list(dict.fromkeys(trees.table["depth"]))
    depth = depth or (10 if 10 in depths else depths[0])
    if depth not in depths:
        raise ValueError(f"depth must be one of {depths}, got {depth}.")
    rows = trees.table[trees.table["depth"] == depth]
    shape = rows["min_parent"].nunique(), rows["min_leaf"].nunique()
    with style():
        figure = new_figure(
            2 * max(shape[1] * _CELL[0] + 1.0, 3.2), max(shape[0] * _CELL[1], 1.2) + 0.9,
            _title(trees, f"Trees of max depth {depth}"), "AUC",
        )  # fmt: skip
        for axes, part in zip(figure.subplots(1, 2), ("train", "validation"), strict=True):
            _heat_map(axes, rows, part)
    return figure


def _heat_map(axes: Axes, rows: pd.DataFrame, part: str) -> None:
    grid = rows.pivot_table(f"{part}_auc", "min_parent", "min_leaf", sort=False)
    values = grid.to_numpy()
    low, high = values.min(), values.max()
    axes.imshow(values, cmap="viridis", aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        bright = high > low and (value - low) / (high - low) > 0.6
        axes.text(
            column, row, f"{value:.3f}", ha="center", va="center", size=8,
            color=INK if bright else "white",
        )  # fmt: skip
    axes.set_title(part.capitalize(), loc="left", size=10, weight="bold")
    axes.set_xticks(range(values.shape[1]), [f"{leaf}" for leaf in grid.columns])
    axes.set_yticks(range(values.shape[0]), [f"{parent}" for parent in grid.index])
    axes.set(xlabel="Min leaf", ylabel="Min parent")
    axes.grid(visible=False)
    axes.tick_params(length=0, colors=MUTED)
    axes.spines[:].set_visible(False)


def _title(trees: Trees, text: str) -> str:
    title = f"{text} on {trees.data.name}"
    return f"{title} — simulated, not measured" if trees.data.simulated else title

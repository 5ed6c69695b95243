"""Figures of the decision trees: AUC and nodes by depth, and heat maps (S3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from kerasnets._deprecation import renamed_arguments
from kerasnets._style import COLORS, INK, MUTED, new_figure, style
from kerasnets.studies.trees import Trees

if TYPE_CHECKING:
    import pandas as pd

_CELL = (0.62, 0.42)  # width and height in inches
_S3_DEPTH, _S3_LEAF = 10, 4  # the settings that S3 shows in its figures


def depth_curves(trees: Trees, min_samples_leaf: tuple[int, int] | None = None) -> Figure:
    """Plot training AUC, validation AUC and number of nodes by depth, for two leaf sizes.

    Args:
        trees: the trees. The figure shows those with the first ``min_samples_split`` of the grid.
        min_samples_leaf: the two values to compare. Default: the first of the grid, and 4 as in
            S3 or, if the grid has no 4, the second of the grid.

    Raises:
        ValueError: if the grid does not contain these values.
    """
    table = trees.table
    present = list(dict.fromkeys(table["min_samples_leaf"]))
    second = [_S3_LEAF] if _S3_LEAF in present[1:] else present[1:2]
    shown = min_samples_leaf or (present[0], *second)
    if not set(shown) <= set(present):
        raise ValueError(f"min_samples_leaf must be two of {present}, got {list(shown)}.")
    min_samples_split = table["min_samples_split"].iloc[0]
    with style():
        figure = new_figure(
            9.6,
            3.9,
            _title(trees, "Decision trees by depth"),
            f"min_samples_split {min_samples_split}; splits by entropy",
        )
        left, right = figure.subplots(1, 2)
        for leaf, line in zip(shown, ("-", (0, (4, 1.5))), strict=False):
            chosen = table["min_samples_split"] == min_samples_split
            chosen &= table["min_samples_leaf"] == leaf
            rows = table[chosen].sort_values("max_depth")
            for part, color in (("train", COLORS[0]), ("validation", COLORS[1])):
                left.plot(
                    rows["max_depth"], rows[f"{part}_auc"], color=color, linestyle=line,
                    marker="o", markersize=3.5, label=f"{part}, min_samples_leaf {leaf}",
                )  # fmt: skip
            right.plot(
                rows["max_depth"], rows["nodes"], color=COLORS[2], linestyle=line, marker="o",
                markersize=3.5, label=f"min_samples_leaf {leaf}",
            )  # fmt: skip
        left.set(xlabel="max_depth", ylabel="AUC")
        right.set(xlabel="max_depth", ylabel="Nodes", yscale="log")
        right.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        for axes in (left, right):
            axes.set_xticks(sorted(set(table["max_depth"])))
            axes.legend(loc="best", handlelength=3)
    return figure


@renamed_arguments(depth="max_depth")
def heat_maps(trees: Trees, max_depth: int | None = None) -> Figure:
    """Plot training and validation AUC by ``min_samples_split`` and ``min_samples_leaf``.

    Every cell is a separate tree. A ``min_samples_split`` below twice the ``min_samples_leaf``
    has no effect.

    Args:
        trees: the trees.
        max_depth: the depth to show. Default: 10 as in S3 or, if the grid has no 10, the first of
            the grid.

    Raises:
        ValueError: if the grid does not contain this depth.
    """
    depths = list(dict.fromkeys(trees.table["max_depth"]))
    max_depth = max_depth or (_S3_DEPTH if _S3_DEPTH in depths else depths[0])
    if max_depth not in depths:
        raise ValueError(f"max_depth must be one of {depths}, got {max_depth}.")
    rows = trees.table[trees.table["max_depth"] == max_depth]
    height, width = rows["min_samples_split"].nunique(), rows["min_samples_leaf"].nunique()
    with style():
        figure = new_figure(
            2 * max(width * _CELL[0] + 1.0, 3.2),
            max(height * _CELL[1], 1.2) + 0.9,
            _title(trees, f"Decision trees with max_depth {max_depth}"),
            "AUC",
        )
        for axes, part in zip(figure.subplots(1, 2), ("train", "validation"), strict=True):
            _draw_heat_map(axes, rows, part)
    return figure


def _draw_heat_map(axes: Axes, rows: pd.DataFrame, part: str) -> None:
    grid = rows.pivot_table(f"{part}_auc", "min_samples_split", "min_samples_leaf", sort=False)
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
    axes.set_yticks(range(values.shape[0]), [f"{split}" for split in grid.index])
    axes.set(xlabel="min_samples_leaf", ylabel="min_samples_split")
    axes.grid(visible=False)
    axes.tick_params(length=0, colors=MUTED)
    axes.spines[:].set_visible(False)


def _title(trees: Trees, text: str) -> str:
    title = f"{text} on {trees.data.name}"
    return f"{title} — simulated, not measured" if trees.data.simulated else title

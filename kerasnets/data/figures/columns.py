"""The columns of a table, class by class."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from kerasnets._style import COLORS, new_figure, style
from kerasnets.data.dataset import Dataset

_ACROSS = 4
_BINS = 30


def column_histograms(dataset: Dataset) -> Figure:
    """The distribution of every column over the training split, a line a class.

    Each class is a whole of its own, so that a rare one can be compared. A column of few values,
    such as codes of categories, has a bin for each.

    Args:
        dataset: a table: a data set with names of its features.

    Raises:
        ValueError: if the data set is no table.
    """
    x, names = dataset.train.x, dataset.feature_names
    if not names or not isinstance(x, np.ndarray):
        raise ValueError(f"{dataset.name} is no table: its features have no names.")
    across = min(_ACROSS, len(names))
    rows = math.ceil(len(names) / across)
    title = f"Columns of {dataset.name}"
    if dataset.simulated:
        title += " — simulated, not measured"
    with style():
        figure = new_figure(
            max(2.6 * across, 5.6), 1.8 * rows + 0.5, title, "Training split; share of each class"
        )
        grid = figure.subplots(rows, across, squeeze=False)
        for column, axes in enumerate(grid.flat):
            if column >= len(names):
                axes.set_axis_off()
                continue
            values = x[:, column]
            edges = _edges(values)
            for label, color in zip(range(len(dataset.class_names)), COLORS, strict=False):
                of_class = values[dataset.train.y == label]
                shares = np.histogram(of_class, edges)[0] / max(len(of_class), 1)
                axes.stairs(100 * shares, edges, color=color, linewidth=1.4)
            axes.set_title(names[column], loc="left", size=9)
            axes.yaxis.set_major_formatter("{x:g} %")
        lines = grid.flat[0].patches
        figure.legend(lines, dataset.class_names, loc="outside lower left", ncols=len(lines))
    return figure


def _edges(values: np.ndarray) -> np.ndarray:
    different = np.unique(values)
    if len(different) <= _BINS and np.array_equal(different, np.rint(different)):
        return np.arange(different[0], different[-1] + 2) - 0.5
    return np.linspace(different[0], different[-1], _BINS + 1)

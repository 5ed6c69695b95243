"""Histograms of the columns of a table."""

from __future__ import annotations

import itertools
import math

import numpy as np
from matplotlib.figure import Figure

from kerasnets._style import COLORS, new_figure, style
from kerasnets.data.dataset import Dataset

_PER_ROW = 4  # panels
_BINS = 30
_MAX_PANELS = 40  # a wider table is cut off


def column_histograms(dataset: Dataset) -> Figure:
    """The distribution of every column over the training split, with one line per class.

    Each class adds up to 100 %, so that a rare class can be compared with a frequent one. Without
    classes there is one line. An integer column with few values, such as codes of categories, has
    one bin per value.

    Args:
        dataset: a table: a data set with feature names. At most the first 40 columns are drawn.

    Raises:
        ValueError: if the data set is not a table.
    """
    x, names = dataset.train.x, dataset.feature_names[:_MAX_PANELS]
    if not names or not isinstance(x, np.ndarray):
        raise ValueError(f"{dataset.name} is not a table: its features have no names.")
    lines = _lines(dataset)
    per_row = min(_PER_ROW, len(names))
    rows = math.ceil(len(names) / per_row)
    title = f"Columns of {dataset.name}"
    if dataset.simulated:
        title += " — simulated, not measured"
    share = "share of each class" if dataset.class_names else "share of the rows"
    with style():
        size = max(2.6 * per_row, 5.6), 1.8 * rows + 0.5
        figure = new_figure(*size, title, f"Training split; {share}")
        grid = figure.subplots(rows, per_row, squeeze=False)
        for column, axes in enumerate(grid.flat):
            if column >= len(names):
                axes.set_axis_off()
                continue
            values = x[:, column]
            edges = _edges(values)
            for chosen, color in zip(lines.values(), itertools.cycle(COLORS), strict=False):
                of_class = values[chosen]
                shares = np.histogram(of_class, edges)[0] / max(len(of_class), 1)
                axes.stairs(100 * shares, edges, color=color, linewidth=1.4)
            axes.set_title(names[column], loc="left", size=9)
            axes.yaxis.set_major_formatter("{x:g} %")
        drawn = grid.flat[0].patches
        if dataset.class_names:
            figure.legend(drawn, list(lines), loc="outside lower left", ncols=len(drawn))
    return figure


def _lines(dataset: Dataset) -> dict[str, np.ndarray]:
    """The rows of each line, boolean, by class or label; all rows without classes."""
    y, names = dataset.train.y, dataset.class_names
    if not names:
        return {"": np.ones(len(y), bool)}
    if dataset.task == "multilabel":
        return {name: y[:, label] == 1 for label, name in enumerate(names)}
    return {name: y == label for label, name in enumerate(names)}


def _edges(values: np.ndarray) -> np.ndarray:
    different = np.unique(values)
    if np.ptp(different) <= _BINS and np.array_equal(different, np.rint(different)):
        return np.arange(different[0], different[-1] + 2) - 0.5
    return np.linspace(different[0], different[-1], _BINS + 1)

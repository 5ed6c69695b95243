"""The first images of a data set with their labels."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from kerasnets._style import new_figure, style, text_width
from kerasnets.data.dataset import Dataset
from kerasnets.data.split import describe_shapes

_CELL = 0.74  # inches per side
_NAME_SIZE = 8.5
_LABEL = 0.22  # inches above an image


def example_images(dataset: Dataset, count: int = 50, columns: int = 10) -> Figure:
    """The first images of the training split, each below the name of its class.

    Dark pixels have high values, on one scale for all images.

    Args:
        dataset: a data set whose inputs have the shape ``(n, rows, columns, 1)``.
        count: number of images; fewer if the split has fewer.
        columns: images per row.

    Raises:
        ValueError: if the inputs are not such images, or a number is less than 1.
    """
    x = dataset.train.x
    if not isinstance(x, np.ndarray) or x.ndim != 4 or x.shape[-1] != 1:
        raise ValueError(
            f"Images need inputs of shape (n, rows, columns, 1), got {describe_shapes(x)}."
        )
    if min(count, columns) < 1:
        raise ValueError(f"count and columns must be 1 or more, got {count} and {columns}.")
    count = min(count, len(x))
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    names = dataset.class_names
    cell = max(_CELL, *(text_width(name, _NAME_SIZE) + 0.08 for name in names))
    largest = float(x[:count].max())
    with style():
        title = f"First images of {dataset.name}"
        note = f"Training split, {count} of {len(x):,}; {dataset.units}"
        width = max(columns * cell, text_width(note)) + 0.4
        figure = new_figure(width, rows * (cell + _LABEL) + 0.2, title, note)
        grid = figure.subplots(rows, columns, squeeze=False)
        for number, axes in enumerate(grid.flat):
            axes.set_axis_off()
            if number < count:
                axes.imshow(x[number, ..., 0], cmap="gray_r", vmin=0, vmax=largest)
                name = names[dataset.train.y[number]]
                axes.set_title(name, size=_NAME_SIZE, pad=2)
    return figure

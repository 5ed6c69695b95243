"""The figure that shows what a data set holds, whatever its kind."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from kerasnets.data.dataset import Dataset
from kerasnets.data.figures.columns import column_histograms
from kerasnets.data.figures.images import example_images
from kerasnets.data.figures.traces import example_traces


def draw_examples(dataset: Dataset) -> tuple[str, Figure]:
    """Images of a data set of images, columns of a table, traces of anything else.

    Returns:
        What is shown, ``"images"``, ``"columns"`` or ``"traces"``, and the figure.

    Raises:
        ValueError: if the inputs are of another kind, such as visits.
    """
    x = dataset.train.x
    if isinstance(x, np.ndarray) and x.ndim == 4:
        return "images", example_images(dataset)
    if dataset.feature_names:
        return "columns", column_histograms(dataset)
    return "traces", example_traces(dataset)

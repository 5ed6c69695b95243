"""The figure of examples of a data set, by its type of inputs."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from kerasnets.data.dataset import Dataset
from kerasnets.data.figures.columns import column_histograms
from kerasnets.data.figures.images import example_images
from kerasnets.data.figures.traces import example_traces


def draw_examples(dataset: Dataset) -> tuple[str, Figure] | None:
    """Draw images, the columns of a table, or traces of signals.

    Returns:
        ``"images"``, ``"columns"`` or ``"traces"``, and the figure; ``None`` for other inputs,
        such as visits, and for images and signals without classes.
    """
    x, classes = dataset.train.x, dataset.task in ("classification", "binary")
    if not isinstance(x, np.ndarray):
        return None
    if dataset.feature_names:
        return "columns", column_histograms(dataset)
    if classes and x.ndim == 4 and x.shape[-1] == 1:
        return "images", example_images(dataset)
    if classes and x.ndim == 2:
        return "traces", example_traces(dataset)
    return None

"""Example traces of a data set of signals."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kerasnets._style import COLORS, MUTED, new_figure, style
from kerasnets.data.dataset import Dataset
from kerasnets.data.eeg.bonn import RATE
from kerasnets.data.split import describe_shapes

_OWN_SCALE = 2.5  # a class this many times larger than the median class gets its own scale


def example_traces(dataset: Dataset, per_class: int = 3, rate: float = RATE) -> Figure:
    """Traces of the training split, class by class, from low to high amplitude.

    The traces are taken at even steps of the standard deviation within their class, so they are
    typical and the same every time. Classes share one scale, except a class that is so large that
    the others would look flat.

    Args:
        dataset: a data set whose inputs have the shape ``(n, samples)``.
        per_class: traces per class.
        rate: samples per second.

    Raises:
        ValueError: if the inputs are not signals, or ``per_class`` is less than 1 or larger than
            the smallest class.
    """
    traces = _choose(dataset, per_class)
    limits = _limits(traces)
    seconds = np.arange(traces.shape[-1]) / rate
    with style():
        figure = new_figure(9.2, 1.25 * len(traces) + 0.4, *_header(dataset, limits))
        grid = figure.subplots(len(traces), per_class, sharex=True, sharey="row", squeeze=False)
        for label, panels in enumerate(grid):
            for axes, trace in zip(panels, traces[label], strict=True):
                axes.plot(seconds, trace, color=COLORS[label % len(COLORS)], linewidth=1.1)
            panels[0].set_ylim(-limits[label], limits[label])
            _name_row(panels[0], dataset.class_names[label], dataset.units)
        for axes in grid[-1]:
            axes.set_xlabel("Time (s)")
        axes.set_xlim(0, seconds[-1])
    return figure


def _choose(dataset: Dataset, per_class: int) -> np.ndarray:
    """Traces of shape ``(classes, per_class, samples)``."""
    x, y = dataset.train.x, dataset.train.y
    if not isinstance(x, np.ndarray) or x.ndim != 2:
        raise ValueError(f"Traces need inputs of shape (n, samples), got {describe_shapes(x)}.")
    smallest = int(np.bincount(y, minlength=len(dataset.class_names)).min())
    if not 1 <= per_class <= smallest:
        raise ValueError(
            f"per_class must be from 1 to {smallest}, the rows of the smallest class; "
            f"got {per_class}."
        )
    chosen = []
    for label in range(len(dataset.class_names)):
        rows = np.flatnonzero(y == label)
        rows = rows[np.argsort(x[rows].std(axis=1), kind="stable")]
        steps = (np.arange(per_class) + 0.5) / per_class * len(rows)
        chosen.append(x[rows[steps.astype(int)]])
    return np.stack(chosen)


def _limits(traces: np.ndarray) -> np.ndarray:
    """The limit of the axis of each class."""
    largest = np.abs(traces).max(axis=(1, 2))
    own = largest > _OWN_SCALE * np.median(largest)
    shared = largest[~own].max()
    return 1.08 * np.where(own, largest, shared)


def _header(dataset: Dataset, limits: np.ndarray) -> tuple[str, str]:
    title = f"Example rows of {dataset.name}"
    if dataset.simulated:
        title += " — simulated, not measured"
    shared = limits.min()
    own = [dataset.class_names[label] for label in np.flatnonzero(limits > shared)]
    scale = f"; own scale for {' and '.join(own)}" if own else ""
    return title, f"Training split, from low to high amplitude{scale}"


def _name_row(axes: Axes, name: str, units: str) -> None:
    axes.set_ylabel(units, color=MUTED)
    axes.set_title(name.capitalize(), loc="left", size=10, weight="bold", pad=3)

"""The confusion matrix as a figure."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from kerasnets._style import FAINT, MUTED, new_figure, style, text_width

_SHARES = LinearSegmentedColormap.from_list(
    "shares", [(0, "#FFFFFF"), (0.5, "#A9CFE6"), (0.8, "#1F7FB8"), (1, "#004B78")]
)
_NAME_WIDTH = 13  # letters per line of a class name
_ROTATION = math.radians(40)  # of class names that are wider than their cells


def confusion_matrix_figure(
    matrix: Sequence[Sequence[int]] | np.ndarray,
    class_names: Sequence[str],
    title: str | None = None,
    subtitle: str | None = None,
) -> Figure:
    """Draw a confusion matrix with the count and its share of the row in every cell.

    Args:
        matrix: counts, with the true class in rows and the predicted class in columns.
        class_names: one name per class.
        title: title of the figure.
        subtitle: line below the title.

    Raises:
        ValueError: if the matrix does not have one row and one column per name, or if a count is
            negative.
    """
    counts = np.asarray(matrix)
    classes = len(class_names)
    if counts.shape != (classes, classes) or counts.min(initial=0) < 0:
        raise ValueError(
            f"A confusion matrix of {classes} classes has shape ({classes}, {classes}) and no "
            f"negative counts, got shape {counts.shape}."
        )
    names = [textwrap.fill(name, _NAME_WIDTH) for name in class_names]
    widest = max(map(text_width, names))
    lines = 1 + max(name.count("\n") for name in names)
    cell = max(3.0 / classes, 0.95 if classes <= 5 else 0.72)
    rotated = widest > 0.95 * cell
    below = 0.16 * lines + (math.sin(_ROTATION) * widest if rotated else 0)
    with style():
        # The names and the axis labels need this much space around the cells, in inches.
        figure = new_figure(
            classes * cell + widest + 0.62, classes * cell + below + 0.56, title, subtitle
        )
        axes = figure.subplots()
        _draw_cells(axes, counts)
        axes.set_xticks(range(classes), names)
        axes.set_yticks(range(classes), names)
        if rotated:
            for label in axes.get_xticklabels():
                label.set(rotation=math.degrees(_ROTATION), ha="right", rotation_mode="anchor")
        axes.set(xlabel="Predicted class", ylabel="True class (rows sum to 100 %)", anchor="NW")
    return figure


def _draw_cells(axes: Axes, counts: np.ndarray) -> None:
    support = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(support, 1)
    axes.imshow(shares, cmap=_SHARES, vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        percent = f"{100 * share:.1f} %" if support[row] else "–"
        color = _readable_on(_SHARES(share)) if count else MUTED
        # Offsets in points keep the share just below the count, whatever the size of the cell.
        for text, size, shift, va in ((f"{count:,}", 11, 0, "bottom"), (percent, 8.5, -3, "top")):
            axes.annotate(
                text, (column, row), xytext=(0, shift), textcoords="offset points",
                ha="center", va=va, color=color, size=size,
            )  # fmt: skip
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for line in np.arange(len(counts) + 1) - 0.5:
        axes.axhline(line, color=FAINT, linewidth=1)
        axes.axvline(line, color=FAINT, linewidth=1)


def _readable_on(color: tuple[float, float, float, float]) -> str:
    """Return black or white, whichever has more contrast (relative luminance of WCAG 2)."""
    rgb = np.array(color[:3])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = linear @ (0.2126, 0.7152, 0.0722)
    return "black" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "white"

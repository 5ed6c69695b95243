"""Pictures of the weight matrices of small nets on tables (S4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kerasnets._lazy import keras
from kerasnets._style import INK, new_figure, style, text_width

_CELL = (0.62, 0.3)  # inches
_NUMBERS_UP_TO = 200  # cells of a matrix in which the weights are written too
_UNITS_UP_TO = 40


def fits_a_picture(model: keras.Model) -> bool:
    """Whether a model is a stack of dense layers narrow enough for :func:`weight_matrices`."""
    kept = keras.layers.InputLayer, keras.layers.Normalization, keras.layers.Dropout
    layers = [layer for layer in model.layers if not isinstance(layer, kept)]
    return all(
        isinstance(layer, keras.layers.Dense) and max(layer.kernel.shape) <= _UNITS_UP_TO
        for layer in layers
    )


def weight_matrices(
    model: keras.Model,
    feature_names: Sequence[str],
    class_names: Sequence[str],
    title: str | None = None,
    subtitle: str | None = None,
) -> Figure:
    """The weights of each dense layer, inputs in rows, units in columns; red adds, blue takes away.

    Weights of the first layer are those of the standardised columns where the model begins by
    standardising them, so they can be compared.

    Args:
        model: a model of dense layers one after the other.
        feature_names: one name an input.
        class_names: one name a logit.
        title: the header.
        subtitle: the line below it.

    Raises:
        ValueError: if there is no dense layer, or the names do not fit its matrices.
    """
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    matrices = [np.asarray(layer.kernel) for layer in layers]
    given = (len(feature_names), len(class_names))
    if not matrices or (matrices[0].shape[0], matrices[-1].shape[1]) != given:
        raise ValueError(
            f"{given[0]} features and {given[1]} classes do not fit the dense layers of "
            f"{model.name}, with matrices of {[matrix.shape for matrix in matrices]}."
        )
    widths = [max(matrix.shape[1] * _CELL[0], 1.2) for matrix in matrices]
    beside = max(map(text_width, feature_names)) + 0.5 * len(layers)
    height = max(matrix.shape[0] for matrix in matrices) * _CELL[1]
    with style():
        figure = new_figure(sum(widths) + beside + 0.8, height + 1.2, title, subtitle)
        panels = figure.subplots(1, len(layers), squeeze=False, width_ratios=widths)[0]
        rows = list(feature_names)
        for number, (axes, layer, matrix) in enumerate(zip(panels, layers, matrices, strict=True)):
            last = number == len(layers) - 1
            columns = list(class_names) if last else list(map(str, range(1, 1 + matrix.shape[1])))
            _draw(axes, matrix, rows, columns)
            axes.set_title(layer.name, loc="left", size=10, weight="bold")
            rows = columns
    return figure


def _draw(axes: Axes, matrix: np.ndarray, rows: list[str], columns: list[str]) -> None:
    largest = float(np.abs(matrix).max()) or 1.0
    axes.imshow(matrix, cmap="RdBu_r", vmin=-largest, vmax=largest, aspect="auto")
    if matrix.size <= _NUMBERS_UP_TO:
        for (row, column), weight in np.ndenumerate(matrix):
            color = "white" if abs(weight) > 0.6 * largest else INK
            axes.text(column, row, f"{weight:.2f}", ha="center", va="center", size=7.5, color=color)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)

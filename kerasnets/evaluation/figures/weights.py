"""Figures of the weight matrices of small dense networks on tables, as in course report S4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kerasnets._lazy import keras
from kerasnets._style import INK, new_figure, style, text_width
from kerasnets.evaluation.dense_kernels import dense_kernels

_CELL = (0.62, 0.3)  # inches
_MAX_CELLS_WITH_NUMBERS = 200  # larger matrices are drawn without numbers in their cells


def weight_matrices(
    model: keras.Model | Mapping[str, np.ndarray],
    feature_names: Sequence[str],
    output_names: Sequence[str],
    title: str | None = None,
    subtitle: str | None = None,
) -> Figure:
    """Draw the weights of each dense layer, with inputs in rows and units in columns.

    Positive weights are red, negative weights are blue. If the model starts by standardising its
    inputs, the weights of the first layer belong to the standardised inputs and can be compared.

    Args:
        model: a stack of dense layers, or the result of :func:`dense_kernels`.
        feature_names: one name per input.
        output_names: one name per output.
        title: title of the figure.
        subtitle: line below the title.

    Raises:
        ValueError: if there is no dense layer, or if the names do not match the shapes of the
            weight matrices.
    """
    kernels = model if isinstance(model, Mapping) else dense_kernels(model)
    matrices = list(kernels.values())
    sizes = (len(feature_names), len(output_names))
    if not matrices or (matrices[0].shape[0], matrices[-1].shape[1]) != sizes:
        raise ValueError(
            f"{sizes[0]} features and {sizes[1]} outputs do not match the dense layers, "
            f"whose matrices have the shapes {[matrix.shape for matrix in matrices]}."
        )
    widths = [max(matrix.shape[1] * _CELL[0], 1.2) for matrix in matrices]
    beside = max(map(text_width, feature_names)) + 0.5 * len(kernels)
    height = max(matrix.shape[0] for matrix in matrices) * _CELL[1]
    with style():
        figure = new_figure(sum(widths) + beside + 0.8, height + 1.2, title, subtitle)
        panels = figure.subplots(1, len(kernels), squeeze=False, width_ratios=widths)[0]
        rows = list(feature_names)
        for number, (axes, (layer, matrix)) in enumerate(zip(panels, kernels.items(), strict=True)):
            last = number == len(kernels) - 1
            columns = list(output_names) if last else list(map(str, range(1, 1 + matrix.shape[1])))
            _draw(axes, matrix, rows, columns)
            axes.set_title(layer, loc="left", size=10, weight="bold")
            rows = columns
    return figure


def _draw(axes: Axes, matrix: np.ndarray, rows: list[str], columns: list[str]) -> None:
    largest = float(np.abs(matrix).max()) or 1.0
    axes.imshow(matrix, cmap="RdBu_r", vmin=-largest, vmax=largest, aspect="auto")
    if matrix.size <= _MAX_CELLS_WITH_NUMBERS:
        for (row, column), weight in np.ndenumerate(matrix):
            color = "white" if abs(weight) > 0.6 * largest else INK
            axes.text(column, row, f"{weight:.2f}", ha="center", va="center", size=7.5, color=color)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)

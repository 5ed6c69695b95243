"""Figures of regression: predicted against true values, and residuals."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kerasnets._style import COLORS, INK, MUTED, TEXT_SIZE, new_figure, short_number, style
from kerasnets.evaluation.regression import check_predictions, regression_metrics

_PANELS_PER_ROW = 3
_MAX_PANELS = 9
_BINS = 30  # of the histogram of residuals


def prediction_figure(
    y_true: np.ndarray,
    predictions: np.ndarray,
    target_names: Sequence[str],
    unit: str = "",
    title: str | None = None,
    subtitle: str | None = None,
) -> Figure:
    """Draw predicted against true values, one panel per target.

    Only the first 9 targets are drawn.

    Args:
        y_true: true values, shape ``(n,)`` or ``(n, targets)``.
        predictions: predicted values, same shape.
        target_names: one name per target.
        unit: the physical unit of the targets.
        title: title of the figure.
        subtitle: line below the title.

    Raises:
        ValueError: if true values, predictions and names do not match.
    """
    metrics = regression_metrics(y_true, predictions, target_names, resamples=0)["per_target"]
    true, predicted = check_predictions(y_true, predictions, target_names)
    names = list(target_names)[:_MAX_PANELS]
    with style():
        figure, panels = _panels(len(names), 4.2 if len(names) == 1 else 3.7, title, subtitle)
        for number, (axes, name) in enumerate(zip(panels, names, strict=True)):
            _scatter(axes, true[:, number], predicted[:, number])
            low, high = _limits(np.stack([true[:, number], predicted[:, number]]))
            axes.plot([low, high], [low, high], color=MUTED, linewidth=1, linestyle=(0, (1, 3)))
            axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
            axes.set(xlabel=f"True {_axis_name(name, unit)}", ylabel="Predicted")
            r2, mae = metrics[name]["r2"], metrics[name]["mae"]
            shown = "undefined" if r2 is None else short_number(r2)
            _set_panel_title(axes, f"R² {shown}, MAE {short_number(mae)}")
    return figure


def residual_figure(
    y_true: np.ndarray,
    predictions: np.ndarray,
    target_names: Sequence[str],
    unit: str = "",
    title: str | None = None,
    subtitle: str | None = None,
) -> Figure:
    """Draw residuals (predicted minus true values) against predicted values, and their histogram.

    Only the first 9 targets are drawn.

    Args:
        y_true: true values, shape ``(n,)`` or ``(n, targets)``.
        predictions: predicted values, same shape.
        target_names: one name per target.
        unit: the physical unit of the targets.
        title: title of the figure.
        subtitle: line below the title.

    Raises:
        ValueError: if true values, predictions and names do not match.
    """
    true, predicted = check_predictions(y_true, predictions, target_names)
    residuals = predicted - true
    names = list(target_names)[:_MAX_PANELS]
    with style():
        figure, panels = _panels(len(names), 3.4, title, subtitle)
        for number, (axes, name) in enumerate(zip(panels, names, strict=True)):
            column = residuals[:, number]
            _scatter(axes, predicted[:, number], column)
            low, high = np.quantile(column, [0.05, 0.95])
            for value, dashes in ((0, (1, 3)), (low, (4, 2)), (high, (4, 2))):
                axes.axhline(value, color=MUTED, linewidth=1, linestyle=(0, dashes), zorder=3)
            axes.set(xlabel=f"Predicted {_axis_name(name, unit)}", ylabel="Predicted − true")
            _set_panel_title(axes, f"90 % between {short_number(low)} and {short_number(high)}")
            beside = axes.inset_axes((1.02, 0, 0.2, 1), sharey=axes)
            beside.hist(column, _BINS, orientation="horizontal", color=COLORS[0], alpha=0.6)
            beside.set_axis_off()
    return figure


def _panels(
    count: int, height: float, title: str | None, subtitle: str | None
) -> tuple[Figure, list[Axes]]:
    """Create a figure with one panel per target. The height of a panel is in inches."""
    columns = min(count, _PANELS_PER_ROW)
    rows = math.ceil(count / columns)
    figure = new_figure(5.0 if columns == 1 else 4.0 * columns, rows * height, title, subtitle)
    panels = figure.subplots(rows, columns, squeeze=False).flatten()
    for axes in panels[count:]:
        axes.set_axis_off()
    return figure, list(panels[:count])


def _scatter(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    # With more points, each one is more transparent. So dense regions stay readable.
    alpha = float(np.clip(300 / len(x), 0.05, 0.7))
    axes.scatter(x, y, s=14, color=COLORS[0], alpha=alpha, linewidths=0, rasterized=True, zorder=2)


def _set_panel_title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", size=TEXT_SIZE, color=INK)


def _limits(values: np.ndarray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = 0.04 * (high - low) or 0.5
    return low - margin, high + margin


def _axis_name(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name

"""Learning curves: the metrics of a training history by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kerasnets._style import COLORS, FAINT, INK, MUTED, new_figure, short_number, style

_COLOR_OF = {"training": COLORS[0], "validation": COLORS[1]}
_PANELS_PER_ROW = 2
_PANEL_SIZE = (4.6, 3.9)  # inches
# More markers make the curve hard to read. A single epoch is only visible with its marker.
_MAX_EPOCHS_WITH_MARKERS = 30
# The learning rate is not a result. Callers that need the log loss pass it as the loss.
_NOT_DRAWN = ("learning_rate", "log_loss")
_LABELS = {"mae": "Mean absolute error", "mse": "Mean squared error", "auc": "AUC"}


def learning_curves(
    history: Mapping[str, Sequence[float]],
    best_epoch: int | None = None,
    title: str | None = None,
    subtitle: str | None = None,
    labels: Mapping[str, str] | None = None,
) -> Figure:
    """Draw each metric of training and validation by epoch, one panel per metric.

    Values that are not finite are not drawn. The first epoch with such a value is marked.

    Args:
        history: values by name of metric, one per epoch: ``loss`` and any others. Metrics on
            validation data have the prefix ``val_``.
            ``learning_rate`` and ``log_loss`` are not drawn.
        best_epoch: the epoch to mark, counted from 1.
        title: title of the figure.
        subtitle: line below the title.
        labels: axis labels by name of metric. By default they are derived from the names.

    Raises:
        ValueError: if there is no ``loss`` or no epoch, if lengths differ, or if the best epoch is
            not one of the epochs.
    """
    curves = _check_history(history, best_epoch)
    names = list(dict.fromkeys(name.removeprefix("val_") for name in curves))
    columns = min(len(names), _PANELS_PER_ROW)
    rows = math.ceil(len(names) / columns)
    with style():
        figure = new_figure(columns * _PANEL_SIZE[0], rows * _PANEL_SIZE[1], title, subtitle)
        panels = figure.subplots(rows, columns, squeeze=False).flatten()
        for axes, name in zip(panels, names, strict=False):
            parts = {
                "training": curves.get(name),
                "validation": curves.get(f"val_{name}"),
            }
            drawn = {part: values for part, values in parts.items() if values is not None}
            label = (labels or {}).get(name) or _LABELS.get(name) or _in_words(name)
            _draw_panel(axes, drawn, label)
            if best_epoch is not None:
                part = "validation" if "validation" in drawn else "training"
                _mark_best(axes, best_epoch, drawn[part], _COLOR_OF[part])
        for axes in panels[len(names) :]:
            axes.set_axis_off()
        panels[0].legend(loc="best")
    return figure


def _check_history(
    history: Mapping[str, Sequence[float]], best_epoch: int | None
) -> dict[str, np.ndarray]:
    """Check the history, and return the curves to draw, with the loss first."""
    if "loss" not in history:
        raise ValueError(f"The history has no 'loss'; it has {list(history)}.")
    selected = {
        name: values
        for name, values in {"loss": history["loss"], **history}.items()
        if name.removeprefix("val_") not in _NOT_DRAWN
    }
    lengths = {name: len(values) for name, values in selected.items()}
    epochs = lengths["loss"]
    if not epochs or set(lengths.values()) != {epochs}:
        raise ValueError(
            f"A history needs one value per epoch for each name, and at least one epoch; it has "
            f"{lengths} values."
        )
    if best_epoch is not None and not 1 <= best_epoch <= epochs:
        raise ValueError(f"best_epoch must be in 1…{epochs}, got {best_epoch}.")
    return {name: np.asarray(values, dtype=np.float64) for name, values in selected.items()}


def _draw_panel(axes: Axes, curves: Mapping[str, np.ndarray], label: str) -> None:
    values = np.array(list(curves.values()))
    epochs = np.arange(1, values.shape[1] + 1)
    marker = "o" if len(epochs) <= _MAX_EPOCHS_WITH_MARKERS else ""
    for part, curve in curves.items():
        shown = np.where(np.isfinite(curve), curve, np.nan)
        axes.plot(epochs, shown, label=part, color=_COLOR_OF[part], marker=marker, markersize=3.5)
    axes.set(xlim=(0.5, 0.5 + 1.01 * len(epochs)), xlabel="Epoch", ylabel=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    finite = np.isfinite(values)
    if not finite.any():
        axes.set_yticks([])
    elif values[finite].max() <= 1:  # metrics such as accuracy need no space above 1
        axes.set_ylim(top=min(1.01, axes.get_ylim()[1]))
    if not finite.all():
        _mark_not_finite(axes, int(finite.all(axis=0).argmin()) + 1)


def _mark_best(axes: Axes, epoch: int, values: np.ndarray, color: str) -> None:
    value = values[epoch - 1]
    axes.axvline(epoch, color=MUTED, linewidth=1, linestyle=(0, (4, 2)), zorder=1)
    if not math.isfinite(value):
        _label_above(axes, epoch, f"best epoch {epoch}")
        return
    number = f"{value:.3f}" if 0.01 <= abs(value) < 10 else short_number(value)
    _label_above(axes, epoch, f"best epoch {epoch}: {number}")
    axes.plot(
        [epoch], [value], "o", color="white", markeredgecolor=color, markeredgewidth=1.8,
        markersize=7, zorder=4,
    )  # fmt: skip


def _label_above(axes: Axes, epoch: int, text: str) -> None:
    low, high = axes.get_xlim()
    position = (epoch - low) / (high - low)
    # Near an end of the axis, a centred label would not fit above the panel.
    side = "left" if position < 0.2 else "right" if position > 0.8 else "center"
    axes.annotate(
        text, (epoch, 1), xycoords=axes.get_xaxis_transform(), xytext=(0, 4),
        textcoords="offset points", ha=side, va="bottom", color=INK,
    )  # fmt: skip


def _mark_not_finite(axes: Axes, epoch: int) -> None:
    axes.axvspan(epoch - 0.5, axes.get_xlim()[1], color=FAINT, alpha=0.5, zorder=0, linewidth=0)
    axes.annotate(
        f"not finite\nfrom epoch {epoch}", (epoch - 0.5, 0.03),
        xycoords=axes.get_xaxis_transform(), xytext=(5, 0), textcoords="offset points",
        color=MUTED,
    )  # fmt: skip


def _in_words(name: str) -> str:
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]

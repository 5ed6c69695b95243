"""Figures of training and evaluation: learning curves, confusion matrix, ROC curves.

Each function returns a ``matplotlib.figure.Figure``; ``save_figure`` writes it. Title and subtitle
are the caller's, who knows net, data set and split; simulated data must be called so there.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import roc_curve

from kerasnets._style import COLORS, FAINT, INK, MUTED, new_figure, style, text_width
from kerasnets._style import save_figure as save_figure
from kerasnets.evaluation.metrics import auroc_per_class, check_predictions

_TRAIN, _VALIDATION = COLORS[0], COLORS[1]
_SHARES = LinearSegmentedColormap.from_list(
    "shares", [(0, "#FFFFFF"), (0.5, "#A9CFE6"), (0.8, "#1F7FB8"), (1, "#004B78")]
)
_NAME_WIDTH = 13  # letters before a class name goes on in the next line
_SLANT = math.radians(40)  # of class names wider than their cells
_MARKERS_UP_TO = 30  # epochs: more dots than that are noise, and a single one needs its dot


def learning_curves(
    history: Mapping[str, Sequence[float]],
    best_epoch: int | None = None,
    title: str | None = None,
    subtitle: str | None = None,
) -> Figure:
    """Loss and accuracy of training and validation by epoch, in two panels.

    Values that are not finite are left out, and the first epoch that has one is marked.

    Args:
        history: ``loss``, ``val_loss``, ``accuracy`` and ``val_accuracy``, one value an epoch;
            other keys are passed over.
        best_epoch: the epoch to mark, counted from 1.
        title: the header.
        subtitle: the line below it.

    Raises:
        ValueError: a missing key, no epochs, unequal lengths, or a best epoch outside them.
    """
    curves = _check_history(history, best_epoch)
    finite = np.isfinite(list(curves.values())).all(axis=0)
    with style():
        figure = new_figure(9.2, 3.9, title, subtitle)
        panels = figure.subplots(1, 2)
        for axes, key, label in zip(
            panels, ("loss", "accuracy"), ("Loss (cross-entropy)", "Accuracy"), strict=True
        ):
            train, validation = curves[key], curves[f"val_{key}"]
            _curve_panel(axes, train, validation, label)
            if best_epoch is not None:
                _mark_best(axes, best_epoch, validation)
            if not finite.all():
                _mark_not_finite(axes, int(finite.argmin()) + 1)
        panels[1].set_ylim(top=min(1.01, panels[1].get_ylim()[1]))
        panels[0].legend(loc="best")
    return figure


def confusion_matrix_figure(
    matrix: Sequence[Sequence[int]] | np.ndarray,
    class_names: Sequence[str],
    title: str | None = None,
    subtitle: str | None = None,
) -> Figure:
    """A confusion matrix with count and share of the row in every cell, coloured by the share.

    Args:
        matrix: counts, the true class in rows, the predicted one in columns.
        class_names: one name a class.
        title: the header.
        subtitle: the line below it.

    Raises:
        ValueError: a matrix that is not square, of another size than the names, or negative.
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
    slanted = widest > 0.95 * cell
    below = 0.16 * lines + (math.sin(_SLANT) * widest if slanted else 0)
    with style():
        # Around the cells, in inches: the names and the axis labels.
        figure = new_figure(
            classes * cell + widest + 0.62, classes * cell + below + 0.56, title, subtitle
        )
        axes = figure.subplots()
        _draw_cells(axes, counts)
        axes.set_xticks(range(classes), names)
        axes.set_yticks(range(classes), names)
        if slanted:
            for label in axes.get_xticklabels():
                label.set(rotation=math.degrees(_SLANT), ha="right", rotation_mode="anchor")
        axes.set(xlabel="Predicted class", ylabel="True class (each row 100 %)", anchor="NW")
    return figure


def roc_curves(
    y_true: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str],
    title: str | None = None,
    subtitle: str | None = None,
) -> Figure:
    """ROC curves of each class against the rest, with their AUROC.

    A class of which there are no or only examples has no curve; the legend says so.

    Args:
        y_true: class labels, integers from 0, shape ``(n,)``.
        probabilities: shape ``(n, classes)``.
        class_names: one name a class.
        title: the header.
        subtitle: the line below it.

    Raises:
        ValueError: as ``classification_metrics`` does.
    """
    y_true, probabilities = check_predictions(y_true, probabilities, class_names)
    areas = auroc_per_class(y_true, probabilities)
    names = [name if len(name) <= 40 else f"{name[:39]}…" for name in class_names]
    beside = max(text_width(_roc_label(*pair)) for pair in zip(names, areas, strict=True))
    with style():
        # Beside the square axes, in inches: axis label, legend keys, legend text.
        figure = new_figure(5.2 + max(1.4, beside), 4.6, title, subtitle)
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (1, 3)))
        for label, (name, area) in enumerate(zip(names, areas, strict=True)):
            _roc_curve(axes, y_true == label, probabilities[:, label], label, name, area)
        axes.set(
            xlim=(-0.01, 1.01),
            ylim=(-0.01, 1.01),
            aspect="equal",
            anchor="NW",
            xlabel="False positive rate",
            ylabel="True positive rate",
        )
        defined = [area for area in areas if area is not None]
        legend = axes.legend(
            loc="center left",
            bbox_to_anchor=(1.02, 0.5),
            title="AUROC, class against rest"
            + (f"\nmean {np.mean(defined):.3f}" if defined else ""),
            alignment="left",
        )
        legend.get_title().set_color(MUTED)
    return figure


def _check_history(
    history: Mapping[str, Sequence[float]], best_epoch: int | None
) -> dict[str, np.ndarray]:
    keys = ("loss", "val_loss", "accuracy", "val_accuracy")
    missing = [key for key in keys if key not in history]
    if missing:
        raise ValueError(f"The history lacks {missing}; it has {list(history)}.")
    lengths = {key: len(history[key]) for key in keys}
    epochs = lengths["loss"]
    if not epochs or set(lengths.values()) != {epochs}:
        raise ValueError(
            f"A history needs equally many values a key and one at least, got {lengths}."
        )
    if best_epoch is not None and not 1 <= best_epoch <= epochs:
        raise ValueError(f"best_epoch must be in 1…{epochs}, got {best_epoch}.")
    return {key: np.asarray(history[key], dtype=np.float64) for key in keys}


def _curve_panel(axes: Axes, train: np.ndarray, validation: np.ndarray, label: str) -> None:
    epochs = np.arange(1, len(train) + 1)
    marker = "o" if len(epochs) <= _MARKERS_UP_TO else ""
    for values, name, color in (
        (train, "training", _TRAIN),
        (validation, "validation", _VALIDATION),
    ):
        shown = np.where(np.isfinite(values), values, np.nan)
        axes.plot(epochs, shown, label=name, color=color, marker=marker, markersize=3.5)
    axes.set(xlim=(0.5, 0.5 + 1.01 * len(epochs)), xlabel="Epoch", ylabel=label)
    if not np.isfinite([train, validation]).any():
        axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))


def _mark_best(axes: Axes, epoch: int, validation: np.ndarray) -> None:
    value = validation[epoch - 1]
    axes.axvline(epoch, color=MUTED, linewidth=1, linestyle=(0, (4, 2)), zorder=1)
    if not math.isfinite(value):
        _label_above(axes, epoch, f"best epoch {epoch}")
        return
    _label_above(axes, epoch, f"best epoch {epoch}: {value:.3f}")
    axes.plot(
        [epoch], [value], "o", color="white", markeredgecolor=_VALIDATION, markeredgewidth=1.8,
        markersize=7, zorder=4,
    )  # fmt: skip


def _label_above(axes: Axes, epoch: int, text: str) -> None:
    low, high = axes.get_xlim()
    across = (epoch - low) / (high - low)
    # A centred label would reach over the panel's edge near its ends.
    side = "left" if across < 0.2 else "right" if across > 0.8 else "center"
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


def _roc_label(name: str, area: float | None) -> str:
    return f"{'undefined' if area is None else f'{area:.3f}'}  {name}"


def _roc_curve(
    axes: Axes, positive: np.ndarray, scores: np.ndarray, label: int, name: str, area: float | None
) -> None:
    if area is None:
        axes.plot([], [], linestyle="none", label=_roc_label(name, area))
        return
    false_rate, true_rate, _ = roc_curve(positive, scores)
    axes.plot(
        false_rate,
        true_rate,
        color=COLORS[label % len(COLORS)],
        linestyle="-" if label < len(COLORS) else (0, (4, 1.5)),
        label=_roc_label(name, area),
    )


def _draw_cells(axes: Axes, counts: np.ndarray) -> None:
    support = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(support, 1)
    axes.imshow(shares, cmap=_SHARES, vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        percent = f"{100 * share:.1f} %" if support[row] else "–"
        color = _readable_on(_SHARES(share)) if count else MUTED
        # The share stands a few points below the count whatever the size of the cell.
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
    """Black or white, whichever has more contrast (relative luminance of WCAG 2)."""
    rgb = np.array(color[:3])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = linear @ (0.2126, 0.7152, 0.0722)
    return "black" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "white"

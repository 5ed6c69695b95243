"""ROC curves: each class against the rest, or each label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from kerasnets._style import COLORS, MUTED, new_figure, style, text_width
from kerasnets.evaluation.metrics import check_predictions, column_aurocs, mean_of_defined

_NAME_LENGTH = 40  # letters; longer names are cut


def roc_curves(
    y_true: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str],
    title: str | None = None,
    subtitle: str | None = None,
) -> Figure:
    """Draw the ROC curve of each class against the rest, with its AUROC.

    If no rows, or all rows, belong to a class, it has no curve, and the legend shows "undefined".

    Args:
        y_true: class labels, integers from 0, shape ``(n,)``.
        probabilities: shape ``(n, classes)``.
        class_names: one name per class.
        title: title of the figure.
        subtitle: line below the title.

    Raises:
        ValueError: if labels, probabilities and names do not match.
    """
    y_true, probabilities = check_predictions(y_true, probabilities, class_names)
    indicators = y_true[:, None] == np.arange(len(class_names))
    legend = "AUROC, class against rest"
    return _draw(indicators, probabilities, class_names, legend, title, subtitle)


def label_roc_curves(
    y_true: np.ndarray,
    probabilities: np.ndarray,
    label_names: Sequence[str],
    title: str | None = None,
    subtitle: str | None = None,
) -> Figure:
    """Draw the ROC curve of each label, with its AUROC.

    If no rows, or all rows, have a label, it has no curve, and the legend shows "undefined".

    Args:
        y_true: 1 where a row has a label, otherwise 0; shape ``(n, labels)``.
        probabilities: the probability of each label, shape ``(n, labels)``.
        label_names: one name per label.
        title: title of the figure.
        subtitle: line below the title.
    """
    indicators = np.asarray(y_true) == 1
    return _draw(indicators, probabilities, label_names, "AUROC by label", title, subtitle)


def _draw(
    positive: np.ndarray,
    scores: np.ndarray,
    names: Sequence[str],
    legend_title: str,
    title: str | None,
    subtitle: str | None,
) -> Figure:
    """Draw one curve per column of ``positive``, booleans of shape ``(n, curves)``."""
    areas = column_aurocs(positive, scores)
    labels = [_label(*pair) for pair in zip(names, areas, strict=True)]
    mean = mean_of_defined(areas)
    with style():
        # The legend is beside the square axes; 5.2 inches are for axes and legend keys.
        beside = max(1.4, *map(text_width, [*labels, legend_title]))
        figure = new_figure(5.2 + beside, 4.6, title, subtitle)
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (1, 3)))
        for number, (label, area) in enumerate(zip(labels, areas, strict=True)):
            _curve(axes, positive[:, number], scores[:, number], number, label, area)
        axes.set(
            xlim=(-0.01, 1.01),
            ylim=(-0.01, 1.01),
            aspect="equal",
            anchor="NW",
            xlabel="False positive rate",
            ylabel="True positive rate",
        )
        legend = axes.legend(
            loc="center left",
            bbox_to_anchor=(1.02, 0.5),
            title=legend_title + ("" if mean is None else f"\nmean {mean:.3f}"),
            alignment="left",
        )
        legend.get_title().set_color(MUTED)
    return figure


def _label(name: str, area: float | None) -> str:
    shown = name if len(name) <= _NAME_LENGTH else f"{name[: _NAME_LENGTH - 1]}…"
    return f"{'undefined' if area is None else f'{area:.3f}'}  {shown}"


def _curve(
    axes: Axes,
    positive: np.ndarray,
    scores: np.ndarray,
    number: int,
    label: str,
    area: float | None,
) -> None:
    if area is None:
        axes.plot([], [], linestyle="none", label=label)
        return
    false_rate, true_rate, _ = roc_curve(positive, scores)
    axes.plot(
        false_rate,
        true_rate,
        color=COLORS[number % len(COLORS)],
        linestyle="-" if number < len(COLORS) else (0, (4, 1.5)),
        label=label,
    )

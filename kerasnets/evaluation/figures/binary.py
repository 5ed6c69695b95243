"""Figures of two classes: precision and recall, calibration, and the effect of a threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve, roc_curve

from kerasnets._style import COLORS, INK, MUTED, new_figure, style
from kerasnets.evaluation.binary import auroc, average_precision
from kerasnets.evaluation.calibration import calibration_curve
from kerasnets.evaluation.metrics import expected_calibration_error


def precision_recall_figure(
    y_true: np.ndarray,
    scores: np.ndarray,
    threshold: float = 0.5,
    title: str | None = None,
    subtitle: str | None = None,
) -> Figure:
    """Draw precision against recall of the second class, and mark threshold and prevalence.

    Args:
        y_true: labels 0 and 1, shape ``(n,)``.
        scores: the probability of label 1, shape ``(n,)``.
        threshold: the decision threshold to mark.
        title: title of the figure.
        subtitle: line below the title.
    """
    with style():
        figure = new_figure(5.4, 4.6, title, subtitle)
        axes = figure.subplots()
        prevalence = float(y_true.mean())
        axes.axhline(prevalence, color=MUTED, linewidth=1, linestyle=(0, (1, 3)))
        axes.annotate(f"prevalence {prevalence:.3f}", (0, prevalence), xytext=(3, -11),
                      textcoords="offset points", color=MUTED)  # fmt: skip
        if 0 < prevalence < 1:
            precision, recall, _ = precision_recall_curve(y_true, scores)
            area = average_precision(y_true, scores, np.ones(len(y_true)))
            label = f"average precision {area:.3f}"
            axes.step(recall, precision, where="post", color=COLORS[0], label=label)
            _mark_threshold(axes, y_true, scores, threshold)
            axes.legend(loc="upper right")
        axes.set(xlim=(-0.01, 1.01), ylim=(0, 1.02), xlabel="Recall (sensitivity)",
                 ylabel="Precision")  # fmt: skip
    return figure


def reliability_figure(
    y_true: np.ndarray,
    scores: np.ndarray,
    class_names: Sequence[str],
    title: str | None = None,
    subtitle: str | None = None,
) -> Figure:
    """Draw a calibration curve: share of the second class against predicted probability.

    Rows are sorted by probability and divided into bins of equal size. Bars are 95 % Wilson
    intervals of the shares. The panel below is a histogram of the probabilities by true class.

    Args:
        y_true: labels 0 and 1, shape ``(n,)``.
        scores: the probability of label 1, shape ``(n,)``.
        class_names: names of the two classes.
        title: title of the figure.
        subtitle: line below the title.
    """
    positive = class_names[1]
    curve = calibration_curve(y_true, scores)
    ece = expected_calibration_error(y_true, np.stack([1 - scores, scores], axis=1))
    limit = min(1.0, 1.08 * max(curve.high.max(), curve.predicted.max()))
    with style():
        figure = new_figure(5.4, 5.6, title, subtitle)
        top, below = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
        top.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (1, 3)))
        bars = np.stack([curve.share - curve.low, curve.high - curve.share])
        top.errorbar(curve.predicted, curve.share, bars, fmt="o", color=COLORS[0], markersize=4.5,
                     linewidth=1.1, label=f"ECE {ece:.3f} (15 bins)")  # fmt: skip
        top.set(xlim=(0, limit), ylim=(0, limit), ylabel=f"Share of {positive!r}")
        top.legend(loc="upper left")
        edges = np.linspace(0, limit, 41)
        for label, name in enumerate(class_names):
            below.hist(scores[y_true == label], edges, histtype="step", color=COLORS[label],
                       linewidth=1.3, label=name)  # fmt: skip
        below.set_yscale("log")
        below.yaxis.set_major_formatter("{x:,.0f}")
        below.set(xlabel=f"Predicted probability of {positive!r}", ylabel="Rows")
        below.legend(loc="upper right")
    return figure


def soft_hard_figure(
    y_true: np.ndarray,
    scores: np.ndarray,
    threshold: float = 0.5,
    title: str | None = None,
    subtitle: str | None = None,
) -> Figure:
    """Draw the ROC curves of the probabilities and of the labels predicted from them.

    Course report S5 shows how much smaller the AUROC is if it is computed from predicted labels.

    Args:
        y_true: labels 0 and 1, both present, shape ``(n,)``.
        scores: the probability of label 1, shape ``(n,)``.
        threshold: lowest probability at which label 1 is predicted.
        title: title of the figure.
        subtitle: line below the title.
    """
    predicted = (scores >= threshold).astype(float)
    ones = np.ones(len(y_true))
    with style():
        figure = new_figure(5.4, 4.6, title, subtitle)
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (1, 3)))
        curves = {"probabilities": scores, f"labels at threshold {threshold:.2g}": predicted}
        for (name, values), color in zip(curves.items(), COLORS, strict=False):
            false_rate, true_rate, _ = roc_curve(y_true, values)
            label = f"{name}: AUROC {auroc(y_true, values, ones):.3f}"
            axes.plot(false_rate, true_rate, color=color, label=label)
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel="False positive rate",
                 ylabel="True positive rate")  # fmt: skip
        axes.legend(loc="lower right")
    return figure


def _mark_threshold(axes: Axes, y_true: np.ndarray, scores: np.ndarray, threshold: float) -> None:
    positive = scores >= threshold
    if not positive.any():
        return
    recall, precision = positive[y_true == 1].mean(), y_true[positive].mean()
    axes.plot([recall], [precision], "o", color="white", markeredgecolor=COLORS[0],
              markeredgewidth=1.8, markersize=7, zorder=4)  # fmt: skip
    axes.annotate(f"threshold {threshold:.2g}", (recall, precision), xytext=(7, 5),
                  textcoords="offset points", color=INK)  # fmt: skip

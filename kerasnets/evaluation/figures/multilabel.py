"""Scores of several labels per row as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from kerasnets._style import COLORS, INK, new_figure, style, text_width
from kerasnets.evaluation.multilabel import multilabel_metrics

_ROW = 0.27  # inches per label
_NAME_LENGTH = 40  # letters; longer names are cut
# The diamond is not filled, so that a dot at the same place stays visible.
_SCORES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("auroc", "AUROC", {"marker": "o", "color": COLORS[0], "markersize": 6}),
    (
        "average_precision",
        "average precision",
        {"marker": "D", "color": COLORS[1], "fillstyle": "none", "markeredgewidth": 1.6},
    ),
    ("prevalence", "prevalence", {"marker": "|", "color": INK, "markeredgewidth": 1.8}),
)


def label_figure(
    y_true: np.ndarray,
    probabilities: np.ndarray,
    label_names: Sequence[str],
    title: str | None = None,
    subtitle: str | None = None,
) -> Figure:
    """Draw AUROC, average precision and prevalence of each label, sorted by AUROC.

    Compare the average precision with the prevalence, which is its value for random scores.

    Args:
        y_true: 1 where a row has a label, otherwise 0; shape ``(n, labels)``.
        probabilities: the probability of each label, shape ``(n, labels)``.
        label_names: one name per label.
        title: title of the figure.
        subtitle: line below the title.

    Raises:
        ValueError: if labels, probabilities and names do not match.
    """
    rows = multilabel_metrics(y_true, probabilities, label_names, resamples=0)["per_label"]
    # Ascending, because the y axis points up; undefined scores (NaN) are at the bottom.
    ordered = sorted(
        rows, key=lambda name: -1.0 if rows[name]["auroc"] is None else rows[name]["auroc"]
    )
    positions = np.arange(len(ordered))
    names = [
        name if len(name) <= _NAME_LENGTH else f"{name[: _NAME_LENGTH - 1]}…" for name in ordered
    ]
    with style():
        width = 4.8 + max(map(text_width, names))
        figure = new_figure(width, 1.1 + _ROW * len(names), title, subtitle)
        axes = figure.subplots()
        for key, label, look in _SCORES:
            values = np.array([rows[name][key] for name in ordered], dtype=np.float64)
            axes.plot(values, positions, linestyle="none", label=label, **look)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.6, len(names) - 0.4), xlabel="Score")
        axes.set_yticks(positions, names)
        axes.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2, handletextpad=0.2
        )
    return figure

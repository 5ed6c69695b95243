"""The figure of a cross-validation: each metric by fold and seed, with its mean and interval."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kerasnets._style import COLORS, INK, new_figure, style
from kerasnets.evaluation.metrics import metric_title
from kerasnets.studies.cross_validation import CrossValidation
from kerasnets.studies.spread import Spread

_COLUMNS = 4
_PANEL = 2.6  # inches


def cross_validation_figure(result: CrossValidation) -> Figure:
    """Plot one panel per metric: a dot per run, a line at the mean, and a band for the interval.

    With folds, the horizontal axis is the fold, else the seed. Undefined metrics are left out.
    """
    spreads = [spread for spread in result.spreads if spread.mean is not None]
    columns = min(_COLUMNS, len(spreads))
    rows = math.ceil(len(spreads) / columns)
    simulated = " — simulated, not measured" if result.data_name.endswith("-simulated") else ""
    of_what = "folds" if result.folds else "seeds"
    with style():
        figure = new_figure(
            _PANEL * columns + 0.4,
            _PANEL * rows,
            f"Cross-validation of {result.recipe.net} on {result.data_name}{simulated}",
            f"Test metrics. Dots: runs. Line: mean. Band: 95 % interval over the {of_what}.",
        )
        panels = figure.subplots(rows, columns, squeeze=False).flat
        for spread, panel in zip(spreads, panels, strict=False):
            _draw_metric(panel, spread, result)
        for panel in panels:
            panel.set_axis_off()
    return figure


def _draw_metric(panel: Axes, spread: Spread, result: CrossValidation) -> None:
    name = "fold" if result.folds else "seed"
    table = result.table
    x = table[name].to_numpy(float)
    # Seeds of the same fold side by side.
    shift = np.zeros(len(x))
    if result.folds and len(result.seeds) > 1:
        position = [result.seeds.index(seed) for seed in table["seed"]]
        shift = (np.array(position) / (len(result.seeds) - 1) - 0.5) * 0.4
    if spread.low is not None and spread.high is not None:
        panel.axhspan(spread.low, spread.high, color=COLORS[0], alpha=0.15, linewidth=0)
    if spread.mean is not None:
        panel.axhline(spread.mean, color=COLORS[0], linewidth=1.4)
    panel.plot(x + shift, table[spread.metric].to_numpy(float), "o", color=INK, markersize=4)
    panel.set(xlabel=name.capitalize(), xlim=(x.min() - 0.5, x.max() + 0.5))
    panel.set_title(metric_title(spread.metric), loc="left", size=9.5)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, nbins=6))

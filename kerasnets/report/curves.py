"""Curves of a split, as plain numbers for a page: ROC, precision and recall, calibration, errors.

A page may be published, so a curve has a fixed grid, and no value in it belongs to one row: not the
probability of a row, and not the smallest or largest target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerasnets.evaluation.binary import Ranking
from kerasnets.evaluation.bootstrap import bootstrap_intervals
from kerasnets.evaluation.calibration import calibration_curve
from kerasnets.evaluation.evaluate_model import SplitPredictions
from kerasnets.evaluation.outputs import both_classes
from kerasnets.evaluation.tasks import Task
from kerasnets.exporting.samples import coarse

RESAMPLES = 200  # of the bands; the intervals of the metrics have 1,000
MOST_CURVES = 12
GRID = np.linspace(0, 1, 101)
SCORE_BINS = 20
CALIBRATION_BINS = 10
_ROWS_PER_BIN = 5  # at least
_CELLS = 24  # of predicted against true values, along each axis
_CENTRAL = (0.005, 0.995)  # quantiles between which the bins of targets lie


def curves_of(task: Task, names: Sequence[str], split: SplitPredictions) -> dict[str, Any]:
    """Compute the curves of a split.

    Args:
        task: the task.
        names: one name per class, label or target.
        split: its labels and predictions.

    Returns:
        For a regression, ``targets``: see :func:`target_errors`. Otherwise ``columns``, see
        :func:`column_curves`, for each class against the rest, for the second of two classes, or
        for each label; ``left_out``, how many classes or labels have no curves, because others
        have more rows; ``intervals`` of the accuracy; ``grid`` and ``resamples``.
    """
    if task.name == "regression":
        return {"targets": _targets(names, split)}
    columns = _columns(task, names, split)
    frequent = sorted(columns, key=lambda name: -columns[name][0].sum())[:MOST_CURVES]
    return {
        "grid": GRID.tolist(),
        "resamples": RESAMPLES,
        "left_out": len(columns) - len(frequent),
        "intervals": accuracy_interval(split) if task.one_class_per_row else {},
        "columns": [
            {"name": name, **column_curves(*columns[name], split.groups)}
            for name in columns
            if name in frequent
        ],
    }


def accuracy_interval(split: SplitPredictions) -> dict[str, list[float]]:
    """The 95 % interval of ``accuracy``, which the metrics of a classifier do not have."""
    scores = split.predictions
    predicted = (both_classes(scores) if scores.shape[1] == 1 else scores).argmax(axis=1)
    correct = predicted == split.y

    def statistics(weights: np.ndarray) -> Mapping[str, float]:
        return {"accuracy": float(np.average(correct, weights=weights))}

    return bootstrap_intervals(statistics, len(correct), split.groups)


def _columns(
    task: Task, names: Sequence[str], split: SplitPredictions
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Labels 0 and 1 and scores, by the name of the class or label."""
    y, scores = np.asarray(split.y), split.predictions
    if task.name == "multilabel":
        return {name: (y[:, i], scores[:, i]) for i, name in enumerate(names)}
    if len(names) == 2:  # the curves of the first class would be their mirror images
        return {names[1]: ((y == 1).astype(int), scores[:, -1])}
    return {name: ((y == i).astype(int), scores[:, i]) for i, name in enumerate(names)}


def column_curves(
    y_true: np.ndarray, scores: np.ndarray, groups: np.ndarray | None = None
) -> dict[str, Any]:
    """Compute the curves of labels 0 and 1.

    Args:
        y_true: the labels, shape ``(n,)``.
        scores: the probability of label 1, shape ``(n,)``.
        groups: the group of each row; bands are computed by resampling groups.

    Returns:
        ``n`` and ``positives``; ``counts``, the number of true and false positives at each
        threshold of :data:`GRID`; ``calibration`` and ``histogram``. If both labels are present,
        also ``roc`` (true positive rate at each false positive rate of the grid) and ``pr``
        (precision at each recall of the grid), both with the 95 % band ``low`` and ``high``, and
        ``intervals`` of ``auroc`` and ``average_precision``.
    """
    positives = int(y_true.sum())
    bins = max(1, min(CALIBRATION_BINS, len(y_true) // _ROWS_PER_BIN))
    calibration = vars(calibration_curve(y_true, scores, bins))
    at_threshold = scores[:, None] >= GRID
    result: dict[str, Any] = {
        "n": len(y_true),
        "positives": positives,
        "counts": {
            "true": at_threshold[y_true == 1].sum(axis=0).tolist(),
            "false": at_threshold[y_true == 0].sum(axis=0).tolist(),
        },
        "calibration": {key: values.tolist() for key, values in calibration.items()},
        "histogram": {
            label: np.histogram(scores[y_true == value], SCORE_BINS, (0, 1))[0].tolist()
            for label, value in (("negative", 0), ("positive", 1))
        },
    }
    if not 0 < positives < len(y_true):
        return result
    ranking = Ranking(y_true, scores)
    values = _ranked(ranking, np.ones(len(y_true)))

    def statistics(weights: np.ndarray) -> Mapping[str, float]:
        if not 0 < (weights * y_true).sum() < weights.sum():
            return {}
        return _ranked(ranking, weights)

    bands = bootstrap_intervals(statistics, len(y_true), groups, resamples=RESAMPLES)
    for curve in ("roc", "pr"):
        keys = [f"{curve} {point}" for point in range(len(GRID))]
        result[curve] = {
            "value": [values[key] for key in keys],
            "low": [bands[key][0] if key in bands else values[key] for key in keys],
            "high": [bands[key][1] if key in bands else values[key] for key in keys],
        }
    areas = ("auroc", "average_precision")
    result |= {area: values[area] for area in areas}
    return result | {"intervals": {area: bands[area] for area in areas if area in bands}}


def _ranked(ranking: Ranking, weights: np.ndarray) -> dict[str, float]:
    """Both areas, and both curves on the grid, by ``"auroc"``, …, ``"roc 0"``, ``"pr 0"``, …."""
    positive, negative = ranking.counts(weights)
    hits, alarms = np.cumsum(positive), np.cumsum(negative)
    recall, false_rate = hits / hits[-1], alarms / alarms[-1]
    # Of the points with the same false positive rate, the last is the highest.
    last = np.append(np.diff(false_rate) > 0, True)
    roc = np.interp(GRID, false_rate[last], recall[last])
    precision = hits / np.maximum(hits + alarms, 1e-12)
    reached = np.minimum(np.searchsorted(recall, GRID - 1e-12), len(recall) - 1)
    return {
        "auroc": ranking.auroc(weights),
        "average_precision": ranking.average_precision(weights),
        **{f"roc {point}": float(value) for point, value in enumerate(roc)},
        **{f"pr {point}": float(value) for point, value in enumerate(precision[reached])},
    }


def _targets(names: Sequence[str], split: SplitPredictions) -> list[dict[str, Any]]:
    true = np.asarray(split.y, np.float64).reshape(len(split.y), -1)
    predicted = split.predictions.reshape(len(true), -1)
    return [
        {"name": name, **target_errors(true[:, i], predicted[:, i])} for i, name in enumerate(names)
    ]


def target_errors(true: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """Count the rows with each true and predicted value, and with each residual, in bins.

    Args:
        true: the true values, shape ``(n,)``.
        predicted: the predicted values, shape ``(n,)``.

    Returns:
        ``edges`` of the bins of both values; ``cells``, the counts, with the true value in rows;
        ``residual_edges`` and ``residuals``, the counts of predicted minus true value. Values
        beyond the bins count in the outermost ones.
    """
    edges = _edges(np.concatenate([true, predicted]))
    residual_edges = _edges(predicted - true)
    cells = np.zeros((_CELLS, _CELLS), int)
    np.add.at(cells, (_bins(true, edges), _bins(predicted, edges)), 1)
    residuals = np.bincount(_bins(predicted - true, residual_edges), minlength=_CELLS)
    return {
        "edges": edges.tolist(),
        "cells": cells.tolist(),
        "residual_edges": residual_edges.tolist(),
        "residuals": residuals.tolist(),
    }


def _edges(values: np.ndarray) -> np.ndarray:
    """Edges of equal bins around the central values, with two digits."""
    low, high = np.quantile(values, _CENTRAL)
    low, high = coarse(low, np.floor), coarse(high, np.ceil)
    return np.linspace(low, high if high > low else low + 1, _CELLS + 1)


def _bins(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, _CELLS - 1)

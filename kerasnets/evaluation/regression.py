"""Metrics of regression, with intervals.

Conventions:

- A residual is the predicted value minus the true value, in the unit of the target.
- ``mae``, ``rmse``, ``median_absolute_error`` and ``r2`` are those of scikit-learn. With several
  targets, a metric is the mean over the targets for which it is defined.
- ``r2`` compares the model with predicting the mean of the true values of the same split. It is
  undefined (``None``) if all true values are equal, for example if there is only one row.
- ``baseline_mae`` and ``baseline_rmse`` are the errors of predicting that mean for every row.
- Intervals are 95 % bootstrap percentiles. Groups are resampled: all rows of a group are drawn
  together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerasnets.evaluation.bootstrap import RESAMPLES, bootstrap_intervals
from kerasnets.evaluation.metrics import value_or_none

_METRICS = ("mae", "rmse", "median_absolute_error", "r2", "baseline_mae", "baseline_rmse")


def regression_metrics(
    y_true: np.ndarray,
    predictions: np.ndarray,
    target_names: Sequence[str],
    groups: np.ndarray | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Compute the metrics of a regression as plain numbers for JSON.

    The module docstring states the conventions.

    Args:
        y_true: true values, shape ``(n,)`` or ``(n, targets)``.
        predictions: predicted values, shape ``(n,)`` or ``(n, targets)``.
        target_names: one name per target.
        groups: the group of each row, shape ``(n,)``. By default every row is its own group.
        resamples: number of bootstrap resamples; 0 for no intervals.
        seed: seed of the resampling.

    Returns:
        ``n``, ``mae``, ``rmse``, ``median_absolute_error``, ``r2``, ``baseline_mae`` and
        ``baseline_rmse``; ``intervals``, a dict from the name of each metric to both ends of its
        interval; ``per_target``, a dict from the name of each target to the same metrics,
        ``intervals`` and ``residuals``.
        ``residuals`` has ``mean``, ``std``, ``min``, ``q05``, ``median``, ``q95`` and ``max``.
        A metric that is undefined is ``None``.

    Raises:
        ValueError: if there are no rows, if true values, predictions, names and groups do not
            match, or if a value is NaN or infinite.
    """
    true, predicted = check_predictions(y_true, predictions, target_names)
    targets = [_Target(*columns) for columns in zip(true.T, predicted.T, strict=True)]

    values = _all_metrics(targets, np.ones(len(true)))
    intervals = bootstrap_intervals(
        lambda weights: _all_metrics(targets, weights),
        len(true),
        groups,
        resamples=resamples,
        seed=seed,
    )
    return {
        "n": len(true),
        **_select(values, intervals, ""),
        "per_target": {
            name: {**_select(values, intervals, f"{number} "), "residuals": target.residuals()}
            for number, (name, target) in enumerate(zip(target_names, targets, strict=True))
        },
    }


def _all_metrics(targets: Sequence[_Target], weights: np.ndarray) -> dict[str, float]:
    """Return the mean of each metric, and each metric of target ``i`` as ``"i name"``."""
    each = [target.metrics(weights) for target in targets]
    return _means(each) | {
        f"{number} {name}": value
        for number, metrics in enumerate(each)
        for name, value in metrics.items()
    }


def _select(
    values: Mapping[str, float], intervals: Mapping[str, list[float]], prefix: str
) -> dict[str, Any]:
    """Select metrics and intervals by a prefix of their names, and remove the prefix."""
    return {
        **{name: value_or_none(values[prefix + name]) for name in _METRICS},
        "intervals": {
            name: intervals[prefix + name] for name in _METRICS if prefix + name in intervals
        },
    }


class _Target:
    """The errors of one target, as functions of row weights."""

    def __init__(self, true: np.ndarray, predicted: np.ndarray) -> None:
        self._true, self._residuals = true, predicted - true
        self._absolute = np.abs(self._residuals)
        self._order = np.argsort(self._absolute)

    def metrics(self, weights: np.ndarray) -> dict[str, float]:
        """Compute every metric; NaN if undefined. Weights are how often each row was drawn."""
        from_mean = self._true - np.average(self._true, weights=weights)
        squares = np.average(self._residuals**2, weights=weights)
        variance = np.average(from_mean**2, weights=weights)
        # Not variance > 0: the mean of equal values can be off by a rounding error.
        varies = np.ptp(self._true[weights > 0]) > 0
        counts = weights[self._order].astype(int)
        return {
            "mae": float(np.average(self._absolute, weights=weights)),
            "rmse": float(np.sqrt(squares)),
            "median_absolute_error": float(np.median(self._absolute[self._order].repeat(counts))),
            "r2": float(1 - squares / variance) if varies else np.nan,
            "baseline_mae": float(np.average(np.abs(from_mean), weights=weights)),
            "baseline_rmse": float(np.sqrt(variance)),
        }

    def residuals(self) -> dict[str, float]:
        """Mean, standard deviation and quantiles of the residuals."""
        quantiles = {"min": 0.0, "q05": 0.05, "median": 0.5, "q95": 0.95, "max": 1.0}
        return {
            "mean": float(self._residuals.mean()),
            "std": float(self._residuals.std()),
            **{name: float(np.quantile(self._residuals, q)) for name, q in quantiles.items()},
        }


def check_predictions(
    y_true: np.ndarray, predictions: np.ndarray, target_names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Check that true values, predictions and names of the targets match.

    Returns:
        True and predicted values as float64, both of shape ``(n, targets)``.

    Raises:
        ValueError: if they do not match, or if a value is NaN or infinite.
    """
    true = check_targets(y_true, target_names)
    return true, _finite_columns("predictions", predictions, true.shape)


def check_targets(y_true: np.ndarray, target_names: Sequence[str]) -> np.ndarray:
    """Check true values against the names of the targets.

    Returns:
        The values as float64 of shape ``(n, targets)``.

    Raises:
        ValueError: if there are no rows, if the values are not finite numbers of shape ``(n,)`` or
            ``(n, targets)``, or if there are not one or more different names.
    """
    names, values = list(target_names), np.asarray(y_true)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"target_names must be one or more different names, got {names}.")
    if values.dtype.kind not in "iuf":
        raise ValueError(f"y_true must be numbers, got {values.dtype}.")
    if not values.size:
        raise ValueError("y_true is empty: there is nothing to measure.")
    return _finite_columns("y_true", values, (len(values), len(names)))


def _finite_columns(name: str, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Check shape and finiteness, and return float64 with one column per target."""
    values = np.asarray(values, dtype=np.float64)
    columns = values[:, None] if values.ndim == 1 else values
    if columns.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, (rows, targets), got {values.shape}.")
    bad = ~np.isfinite(columns).all(axis=1)
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(
            f"{name} must be finite, got {columns[row].tolist()} in row {row}, the first of "
            f"{bad.sum()} such rows."
        )
    return columns


def _means(metrics: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each metric over the targets for which it is defined; NaN if there is none."""
    columns = {name: np.array([values[name] for values in metrics]) for name in metrics[0]}
    defined = {name: values[~np.isnan(values)] for name, values in columns.items()}
    return {name: float(v.mean()) if len(v) else np.nan for name, v in defined.items()}

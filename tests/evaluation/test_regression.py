"""kerasnets.evaluation.regression against scikit-learn and by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics as reference

from kerasnets.evaluation import regression_metrics

METRICS = {
    "mae": reference.mean_absolute_error,
    "rmse": reference.root_mean_squared_error,
    "median_absolute_error": reference.median_absolute_error,
    "r2": reference.r2_score,
    "baseline_mae": lambda y, _: np.abs(y - y.mean(axis=0)).mean(),
    "baseline_rmse": lambda y, _: np.atleast_1d(y.std(axis=0)).mean(),
}


def draw(n=101, targets=3):
    rng = np.random.default_rng(0)
    y = rng.normal(size=(n, targets)) * [1, 100, 0.01][:targets] + 5
    return y, y + rng.normal(size=y.shape) * y.std(axis=0) / 2


def test_metrics_equal_those_of_scikit_learn():
    y, predicted = draw()
    metrics = regression_metrics(y, predicted, "abc", resamples=0)
    assert metrics["n"] == len(y)
    for name, expected in METRICS.items():
        assert metrics[name] == pytest.approx(expected(y, predicted)), name
        for target, row in enumerate(metrics["per_target"].values()):
            assert row[name] == pytest.approx(expected(y[:, target], predicted[:, target])), name
    assert list(metrics["per_target"]) == ["a", "b", "c"]


def test_residuals_are_predicted_minus_true_values():
    y, predicted = draw(targets=1)
    residuals = (predicted - y)[:, 0]
    row = regression_metrics(y, predicted, ["a"], resamples=0)["per_target"]["a"]["residuals"]
    quantiles = np.quantile(residuals, [0, 0.05, 0.5, 0.95, 1])
    assert list(row.values()) == pytest.approx([residuals.mean(), residuals.std(), *quantiles])
    assert list(row) == ["mean", "std", "min", "q05", "median", "q95", "max"]


@pytest.mark.parametrize("n", [60, 61])  # an even and an odd number of rows for the median
def test_intervals_are_percentiles_over_resampled_groups(n):
    y, predicted = draw(n, 2)
    groups = np.arange(n) // 3
    count = groups.max() + 1
    rng = np.random.default_rng(2)
    drawn = {name: [] for name in METRICS}
    for _ in range(40):
        picks = rng.integers(0, count, count)
        rows = np.concatenate([np.flatnonzero(groups == group) for group in picks])
        for name, metric in METRICS.items():
            drawn[name].append(metric(y[rows], predicted[rows]))
    metrics = regression_metrics(y, predicted, "ab", groups, resamples=40, seed=2)
    for name, values in drawn.items():
        expected = np.percentile(values, [2.5, 97.5])
        assert metrics["intervals"][name] == pytest.approx(expected), name
    assert metrics["per_target"]["a"]["intervals"]["mae"] != metrics["intervals"]["mae"]


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_one_target_may_be_a_vector_or_a_column(shape):
    y, predicted = np.array([1.0, 2.0, 3.0, 5.0]), np.array([1.0, 2.5, 2.0, 5.0])
    metrics = regression_metrics(y.reshape(shape), predicted[:, None], ["a"], resamples=0)
    assert metrics["mae"] == pytest.approx((0.5 + 1) / 4)
    assert metrics["median_absolute_error"] == pytest.approx((0 + 0.5) / 2)
    assert metrics["r2"] == pytest.approx(1 - (0.25 + 1) / (1.75**2 + 0.75**2 + 0.25**2 + 2.25**2))


@pytest.mark.parametrize("value", [0.1, 3.0, -1e-9])
def test_r2_of_a_constant_target_is_undefined(value):
    metrics = regression_metrics(np.full(7, value), np.arange(7.0), ["a"], resamples=5)
    assert metrics["r2"] is None
    assert "r2" not in metrics["intervals"]
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics


def test_r2_is_the_mean_over_the_targets_that_vary():
    y, predicted = draw(targets=2)
    y[:, 0] = 0.1
    metrics = regression_metrics(y, predicted, "ab", resamples=0)
    assert metrics["r2"] == metrics["per_target"]["b"]["r2"]


def test_one_row():
    metrics = regression_metrics(np.array([2]), np.array([5.0]), ["a"], resamples=3)
    assert (metrics["mae"], metrics["rmse"], metrics["r2"]) == (3.0, 3.0, None)
    assert metrics["intervals"]["mae"] == [3.0, 3.0]


@pytest.mark.parametrize(
    ("y", "predicted", "names", "message"),
    [
        ([], [], ["a"], "y_true is empty"),
        ([1.0, np.nan], [1.0, 2.0], ["a"], r"y_true must be finite, got \[nan\] in row 1"),
        ([1.0, 2.0], [1.0, np.inf], ["a"], "predictions must be finite"),
        ([1.0, 2.0], [1.0], ["a"], r"predictions must have shape \(2, 1\).* got \(1,\)"),
        ([1.0, 2.0], [[1.0, 2.0]] * 2, ["a"], r"must have shape \(2, 1\)"),
        ([[1.0, 2.0]], [[1.0, 2.0]], ["a"], r"y_true must have shape \(1, 1\)"),
        ([1.0, 2.0], [1.0, 2.0], ["a", "b"], r"y_true must have shape \(2, 2\)"),
        (["a", "b"], [1.0, 2.0], ["a"], "must be numbers"),
        ([1.0], [1.0], [], "one or more different names"),
        ([[1.0, 2.0]], [[1.0, 2.0]], ["a", "a"], "different names"),
    ],
)
def test_bad_input_is_refused(y, predicted, names, message):
    with pytest.raises(ValueError, match=message):
        regression_metrics(np.array(y), np.array(predicted), names)

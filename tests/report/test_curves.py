"""kerasnets.report.curves: against scikit-learn, and without the value of a single row."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from kerasnets.evaluation.evaluate_model import SplitPredictions
from kerasnets.evaluation.tasks import get_task
from kerasnets.report.curves import (
    GRID,
    MOST_CURVES,
    SCORE_BINS,
    accuracy_interval,
    column_curves,
    curves_of,
    target_errors,
)


def scored(n=400, seed=0, ties=False):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.3).astype(int)
    scores = 1 / (1 + np.exp(-(2 * y - 1 + 1.5 * rng.normal(size=n))))
    return y, np.round(scores, 1) if ties else scores


@pytest.mark.parametrize("ties", [False, True])
def test_the_curves_are_those_of_scikit_learn(ties):
    y, scores = scored(ties=ties)
    curves = column_curves(y, scores)
    false_rate, true_rate, _ = roc_curve(y, scores, drop_intermediate=False)
    # The highest true positive rate of each false positive rate, and a line between them.
    points = {x: max(true_rate[false_rate == x]) for x in false_rate}
    assert curves["roc"]["value"] == pytest.approx(np.interp(GRID, [*points], [*points.values()]))
    precision, recall, _ = precision_recall_curve(y, scores)
    expected = [precision[np.flatnonzero(recall >= r - 1e-12)[-1]] for r in GRID[1:]]
    assert curves["pr"]["value"][1:] == pytest.approx(expected)
    assert curves["auroc"] == pytest.approx(roc_auc_score(y, scores))
    assert curves["average_precision"] == pytest.approx(average_precision_score(y, scores))


def test_bands_contain_the_curves_and_follow_the_groups():
    y, scores = scored()
    alone = column_curves(y, scores)
    for curve in ("roc", "pr"):
        low, value, high = (np.array(alone[curve][key]) for key in ("low", "value", "high"))
        assert ((low <= value + 1e-9) & (value <= high + 1e-9)).mean() > 0.95
    # Copies of the rows in the same groups say nothing new; as rows of their own they would.
    fourfold = (y.repeat(4), scores.repeat(4))
    width = {
        name: np.ptp(curves["intervals"]["auroc"])
        for name, curves in {
            "rows": alone,
            "groups": column_curves(*fourfold, np.arange(len(y)).repeat(4)),
            "copies": column_curves(*fourfold),
        }.items()
    }
    assert width["groups"] == pytest.approx(width["rows"], rel=1e-6)
    assert width["copies"] == pytest.approx(width["rows"] / 2, rel=0.35)


def test_counts_at_each_threshold_and_histograms():
    y, scores = scored(60)
    curves = column_curves(y, scores)
    for at in (0, 37, 50, 100):
        chosen = scores >= at / 100
        assert curves["counts"]["true"][at] == (chosen & (y == 1)).sum()
        assert curves["counts"]["false"][at] == (chosen & (y == 0)).sum()
    assert sum(curves["histogram"]["positive"]) == curves["positives"] == y.sum()
    assert sum(curves["histogram"]["negative"]) == len(y) - y.sum()
    assert len(curves["histogram"]["positive"]) == SCORE_BINS
    assert sum(curves["calibration"]["n"]) == len(y)


def test_the_interval_of_the_accuracy_follows_the_groups():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    scores = np.eye(3)[np.where(rng.random(300) < 0.8, y, (y + 1) % 3)]
    low, high = accuracy_interval(SplitPredictions(y, scores))["accuracy"]
    accuracy = (scores.argmax(axis=1) == y).mean()
    half = 1.96 * np.sqrt(accuracy * (1 - accuracy) / 300)
    assert (low, high) == pytest.approx((accuracy - half, accuracy + half), abs=0.01)
    copies = SplitPredictions(y.repeat(4), scores.repeat(4, axis=0), np.arange(300).repeat(4))
    assert accuracy_interval(copies)["accuracy"] == pytest.approx([low, high])
    one = SplitPredictions((y == 1).astype(int), scores[:, 1:2])
    assert sum(accuracy_interval(one)["accuracy"]) / 2 == pytest.approx(
        ((scores[:, 1] > 0.5) == (y == 1)).mean(), abs=0.02
    )


@pytest.mark.parametrize("label", [0, 1])
def test_one_kind_of_rows_has_no_curve(label):
    curves = column_curves(np.full(7, label), np.linspace(0, 1, 7))
    assert "roc" not in curves
    assert "auroc" not in curves
    assert curves["calibration"]["n"] == [7]  # a bin of fewer rows would show single ones
    json.dumps(curves, allow_nan=False)


def test_a_resample_without_both_labels_is_left_out():
    curves = column_curves(np.array([1, 0, 0]), np.array([0.9, 0.2, 0.1]))
    assert curves["auroc"] == 1
    json.dumps(curves, allow_nan=False)


def test_the_columns_of_each_task():
    y, scores = scored()
    both = np.stack([1 - scores, scores], axis=1)
    two = curves_of(get_task("classification"), ("no", "yes"), SplitPredictions(y, both))
    one = curves_of(get_task("binary"), ("no", "yes"), SplitPredictions(y, scores[:, None]))
    assert two == one
    assert [column["name"] for column in one["columns"]] == ["yes"]
    labels = np.stack([y, 1 - y], axis=1)
    several = curves_of(get_task("multilabel"), ("a", "b"), SplitPredictions(labels, both))
    assert [column["positives"] for column in several["columns"]] == [y.sum(), len(y) - y.sum()]
    classes = 15
    y = np.repeat(np.arange(classes), np.arange(1, classes + 1))
    many = curves_of(
        get_task("classification"),
        [f"class {i}" for i in range(classes)],
        SplitPredictions(y, np.full((len(y), classes), 1 / classes)),
    )
    assert many["left_out"] == classes - MOST_CURVES
    assert [column["name"] for column in many["columns"]] == [f"class {i}" for i in range(3, 15)]


def test_the_errors_of_a_target_are_counted_in_bins_with_round_edges():
    rng = np.random.default_rng(0)
    true = rng.normal(70, 10, 1000)
    predicted = true + rng.normal(2, 3, 1000)
    errors = target_errors(true, predicted)
    cells = np.array(errors["cells"])
    assert cells.sum() == sum(errors["residuals"]) == 1000
    edges = errors["edges"]
    inside = (true >= edges[3]) & (true < edges[4])
    assert cells[3].sum() == inside.sum()
    for value in (edges[0], edges[-1], errors["residual_edges"][0]):
        assert value == pytest.approx(float(f"{value:.2g}"), rel=1e-12)
    assert not {*true, *predicted} & {*edges}


@pytest.mark.parametrize("value", [0.0, 5.0, -3.25])
def test_equal_values_have_bins(value):
    errors = target_errors(np.full(4, value), np.full(4, value))
    assert np.array(errors["cells"]).sum() == 4
    assert np.all(np.diff(errors["edges"]) > 0)

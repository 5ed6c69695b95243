"""kerasnets.evaluation.binary against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from kerasnets.evaluation.binary import (
    auroc,
    average_precision,
    binary_metrics,
    brier,
    calibration_error,
    choose_threshold,
    log_loss,
)
from kerasnets.evaluation.metrics import expected_calibration_error

REFERENCES = {
    auroc: reference.roc_auc_score,
    average_precision: reference.average_precision_score,
    brier: reference.brier_score_loss,
    log_loss: reference.log_loss,
}


def draw(seed, n=200, ties=False, weighted=False):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.2).astype(int)
    y[:2] = 0, 1
    scores = 1 / (1 + np.exp(2 - 1.5 * y - rng.normal(size=n)))
    weights = rng.integers(0, 4, n).astype(float) if weighted else np.ones(n)
    weights[:2] = 1
    return y, np.round(scores, 1) if ties else scores, weights


@pytest.mark.parametrize("metric", REFERENCES)
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_equal_those_of_scikit_learn(metric, ties, weighted):
    for seed in range(5):
        y, scores, weights = draw(seed, ties=ties, weighted=weighted)
        expected = REFERENCES[metric](y, scores, sample_weight=weights)
        assert metric(y, scores, weights) == pytest.approx(expected, abs=1e-12)


def test_the_calibration_error_equals_that_of_the_general_metrics():
    for seed in range(3):
        y, scores, ones = draw(seed, ties=seed == 2)
        expected = expected_calibration_error(y, np.stack([1 - scores, scores], axis=1))
        assert calibration_error(y, scores, ones) == pytest.approx(expected, abs=1e-12)
        weights = draw(seed, weighted=True)[2]
        copies = np.repeat(np.arange(len(y)), weights.astype(int))
        expected = calibration_error(y[copies], scores[copies], np.ones(len(copies)))
        assert calibration_error(y, scores, weights) == pytest.approx(expected, abs=1e-12)


def test_metrics_computed_by_hand():
    y, scores = np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.4, 0.9])
    table = binary_metrics(y, scores, threshold=0.5, resamples=0)
    assert table["prevalence"] == 0.5
    assert table["average_precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert table["brier"] == pytest.approx((0.01 + 0.36 + 0.36 + 0.01) / 4)
    assert (table["sensitivity"], table["specificity"]) == (0.5, 0.5)
    assert table["confusion_matrix_at_threshold"] == [[1, 1], [1, 1]]
    assert table["auroc_hard_labels"] == 0.5
    assert table["intervals"] == {}


def test_predicted_labels_can_lose_the_order_of_the_scores():
    """Course report S5: no score is above 0.5, so all labels are 0, but the order is perfect."""
    y = np.array([0] * 90 + [1] * 10)
    scores = np.where(y == 1, 0.4, 0.1)
    table = binary_metrics(y, scores, resamples=0)
    assert table["auroc_hard_labels"] == 0.5
    assert table["confusion_matrix_at_threshold"] == [[90, 0], [10, 0]]
    lower = binary_metrics(y, scores, threshold=0.4, resamples=0)
    assert lower["confusion_matrix_at_threshold"] == [[90, 0], [0, 10]]
    assert auroc(y, scores, np.ones(100)) == 1.0


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_leaves_ranking_metrics_undefined(label):
    table = binary_metrics(np.full(5, label), np.linspace(0.1, 0.9, 5))
    assert table["average_precision"] is None
    assert table["auroc_hard_labels"] is None
    assert table["sensitivity" if label == 0 else "specificity"] is None
    assert table["intervals"] == {}


def test_intervals_are_percentiles_over_resampled_groups():
    """Compute each metric with scikit-learn on the rows that were drawn."""
    y, scores, _ = draw(0, 60)
    groups = np.arange(60) // 3
    drawn = {name: [] for name in ("auroc", "average_precision", "brier", "log_loss")}
    rng = np.random.default_rng(3)
    for _ in range(100):
        rows = np.concatenate(
            [np.flatnonzero(groups == group) for group in rng.integers(0, 20, 20)]
        )
        if len(set(y[rows])) == 2:
            for name, metric in zip(drawn, REFERENCES.values(), strict=True):
                drawn[name].append(metric(y[rows], scores[rows]))
    intervals = binary_metrics(y, scores, groups, resamples=100, seed=3)["intervals"]
    for name, values in drawn.items():
        assert intervals[name] == pytest.approx(np.percentile(values, [2.5, 97.5]))
    low, high = intervals["ece"]
    assert 0 < low < high


@pytest.mark.parametrize("rule", ["youden", "f1"])
@pytest.mark.parametrize("ties", [False, True])
def test_no_other_threshold_is_better(rule, ties):
    y, scores, _ = draw(4, ties=ties)

    def quality(threshold):
        positive = scores >= threshold
        if rule == "f1":
            return reference.f1_score(y, positive)
        return positive[y == 1].mean() - positive[y == 0].mean()

    best = max(quality(threshold) for threshold in scores)
    assert quality(choose_threshold(y, scores, rule)) == pytest.approx(best)
    assert choose_threshold(y, scores, "fixed") == 0.5


@pytest.mark.parametrize(
    ("y", "scores", "message"),
    [
        ([0, 1], [0.5], "one label and one probability per row"),
        ([], [], "one label and one probability per row"),
        ([0, 2], [0.1, 0.2], "Labels must be 0 or 1"),
        ([0, 1], [0.1, 1.2], "probabilities from 0 to 1"),
        ([0, 1], [0.1, np.nan], "probabilities from 0 to 1"),
    ],
)
def test_bad_input_is_refused(y, scores, message):
    with pytest.raises(ValueError, match=message):
        binary_metrics(np.array(y, int), np.array(scores))


def test_a_threshold_needs_both_classes_and_a_known_rule():
    with pytest.raises(ValueError, match="needs labels of both classes, got only 0"):
        choose_threshold(np.zeros(3, int), np.full(3, 0.5))
    with pytest.raises(ValueError, match="Unknown threshold rule 'best'"):
        choose_threshold(np.array([0, 1]), np.array([0.1, 0.2]), "best")

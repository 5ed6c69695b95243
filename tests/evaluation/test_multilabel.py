"""kerasnets.evaluation.multilabel against scikit-learn and by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics as reference

from kerasnets.evaluation import multilabel_metrics

NAMES = ("a", "b", "c", "d")
OVERALL = {
    "exact_match": lambda y, p: reference.accuracy_score(y, p >= 0.5),
    "hamming_loss": lambda y, p: reference.hamming_loss(y, p >= 0.5),
    "accuracy": lambda y, p: (y == (p >= 0.5)).mean(),
    "macro_f1": lambda y, p: reference.f1_score(y, p >= 0.5, average="macro"),
    "micro_f1": lambda y, p: reference.f1_score(y, p >= 0.5, average="micro"),
    "auroc": lambda y, p: reference.roc_auc_score(y, p, average="macro"),
    "average_precision": lambda y, p: reference.average_precision_score(y, p, average="macro"),
    "log_loss": lambda y, p: reference.log_loss(y.ravel(), p.ravel()),
}
PER_LABEL = {
    "precision": lambda y, p: reference.precision_score(y, p >= 0.5),
    "recall": lambda y, p: reference.recall_score(y, p >= 0.5),
    "f1": lambda y, p: reference.f1_score(y, p >= 0.5),
    "auroc": reference.roc_auc_score,
    "average_precision": reference.average_precision_score,
    "support": lambda y, _: y.sum(),
    "prevalence": lambda y, _: y.mean(),
}


def draw(n=120, labels=4, seed=0):
    rng = np.random.default_rng(seed)
    y = (rng.random((n, labels)) < np.linspace(0.2, 0.6, labels)).astype(np.int32)
    y[:2] = [[0], [1]]
    return y, np.clip(np.round(rng.random((n, labels)) * 0.7 + 0.3 * y, 2), 0.01, 0.99)


def test_metrics_equal_those_of_scikit_learn():
    y, p = draw()
    metrics = multilabel_metrics(y, p, NAMES, resamples=0)
    assert metrics["n"] == len(y)
    for name, expected in OVERALL.items():
        assert metrics[name] == pytest.approx(expected(y, p)), name
    for label, row in enumerate(metrics["per_label"].values()):
        for name, expected in PER_LABEL.items():
            assert row[name] == pytest.approx(expected(y[:, label], p[:, label])), name
    assert list(metrics["per_label"]) == list(NAMES)
    assert metrics["intervals"] == {}


def test_intervals_are_percentiles_over_resampled_groups():
    y, p = draw(60)
    groups = np.arange(60) // 3
    rng = np.random.default_rng(4)
    drawn = {name: [] for name in OVERALL}
    for _ in range(40):
        picks = rng.integers(0, 20, 20)
        rows = np.concatenate([np.flatnonzero(groups == group) for group in picks])
        for name, metric in OVERALL.items():
            drawn[name].append(metric(y[rows], p[rows]))
    intervals = multilabel_metrics(y, p, NAMES, groups, resamples=40, seed=4)["intervals"]
    assert set(intervals) == set(OVERALL)
    for name, values in drawn.items():
        assert intervals[name] == pytest.approx(np.percentile(values, [2.5, 97.5])), name


def test_labels_with_one_value_only_are_left_out_of_the_means():
    y, p = draw()
    y[:, 1], y[:, 2] = 0, 1
    p[:, 1] = 0.1  # never true, never predicted
    metrics = multilabel_metrics(y, p, NAMES, resamples=20)
    never, always = metrics["per_label"]["b"], metrics["per_label"]["c"]
    undefined = {"auroc": None, "average_precision": None}
    assert never == {
        "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0, "prevalence": 0.0, **undefined,
    }  # fmt: skip
    assert (always["auroc"], always["average_precision"]) == (None, None)
    both = [0, 3]
    assert metrics["auroc"] == pytest.approx(reference.roc_auc_score(y[:, both], p[:, both]))
    scored = [0, 2, 3]
    assert metrics["macro_f1"] == pytest.approx(
        reference.f1_score(y[:, scored], p[:, scored] >= 0.5, average="macro")
    )
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics


def test_nothing_true_and_nothing_predicted_leaves_f1_undefined():
    metrics = multilabel_metrics(np.zeros((3, 2), int), np.full((3, 2), 0.2), "ab")
    assert [metrics[name] for name in ("macro_f1", "micro_f1", "auroc")] == [None] * 3
    assert metrics["exact_match"] == 1.0
    assert "micro_f1" not in metrics["intervals"]
    assert metrics["log_loss"] == pytest.approx(-np.log(0.8))


def test_one_row_and_one_label():
    metrics = multilabel_metrics(np.array([[1]]), np.array([[0.7]]), ["a"], resamples=3)
    assert (metrics["accuracy"], metrics["macro_f1"], metrics["auroc"]) == (1.0, 1.0, None)
    assert metrics["intervals"]["accuracy"] == [1.0, 1.0]


def test_a_probability_equal_to_the_threshold_is_predicted():
    y, p = np.array([[1, 0]]), np.array([[0.3, 0.29]])
    assert multilabel_metrics(y, p, "ab", threshold=0.3)["exact_match"] == 1.0
    assert multilabel_metrics(y, p, "ab", threshold=0.31)["exact_match"] == 0.0


HALF = np.full((2, 2), 0.5)


@pytest.mark.parametrize(
    ("y", "p", "names", "message"),
    [
        (np.zeros((0, 2), int), np.zeros((0, 2)), "ab", "y_true is empty"),
        ([0, 1], HALF, "ab", r"shape \(n, 2\), one column per label name, got int64 of shape"),
        ([[0, 1]], HALF[:1], "abc", r"shape \(n, 3\)"),
        ([[0.0, 1.0]], HALF[:1], "ab", "got float64"),
        ([[0, 2]], HALF[:1], "ab", "must be 0 or 1, got 0…2"),
        ([[0, 1]], HALF[:1], "aa", "different names"),
        ([[0, 1]], HALF, "ab", r"must have shape \(1, 2\).* got \(2, 2\)"),
        ([[0, 1]], [[0.5, 1.5]], "ab", r"from 0 to 1.*sigmoid\(logits\)"),
        ([[0, 1]], [[0.5, np.nan]], "ab", "from 0 to 1"),
    ],
)
def test_bad_input_is_refused(y, p, names, message):
    with pytest.raises(ValueError, match=message):
        multilabel_metrics(np.array(y), np.array(p), names)

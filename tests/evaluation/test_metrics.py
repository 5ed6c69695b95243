"""kerasnets.evaluation.metrics against the definitions, written as loops."""

import itertools
import json
import math

import numpy as np
import pytest
import sklearn.metrics

from kerasnets.evaluation import classification_metrics
from kerasnets.evaluation.metrics import expected_calibration_error

NAMES = ("seizure", "tumour area", "healthy area", "eyes closed", "eyes open")


def random_predictions(classes, n=400, seed=0):
    """Random labels, and probabilities that are higher for the true class."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n).astype(np.int32)
    logits = rng.normal(size=(n, classes)) + 1.5 * np.eye(classes)[y]
    p = np.exp(logits)
    return y, p / p.sum(axis=1, keepdims=True)


def pair_auroc(positive, scores):
    """Share of (positive, negative) pairs in the right order; ties count one half."""
    pairs = list(itertools.product(scores[positive], scores[~positive]))
    return sum((p > n) + 0.5 * (p == n) for p, n in pairs) / len(pairs)


def loop_ece(y, p, bins):
    """Sum over bins ((b-1)/B, b/B] of their share times |accuracy - mean confidence|."""
    total = 0.0
    for b in range(1, bins + 1):
        inside = [
            (row.max(), row.argmax() == label)
            for label, row in zip(y, p, strict=True)
            if (b - 1) / bins < row.max() <= b / bins
        ]
        if inside:
            confidence = sum(c for c, _ in inside) / len(inside)
            accuracy = sum(hit for _, hit in inside) / len(inside)
            total += len(inside) / len(y) * abs(accuracy - confidence)
    return total


def test_metrics_computed_by_hand():
    # Class a: two correct, one predicted as b. Class b: one correct, one predicted as c.
    # Class c: correct.
    y = np.array([0, 0, 0, 1, 1, 2])
    p = np.array(
        [
            [0.8, 0.1, 0.1],
            [0.6, 0.3, 0.1],
            [0.3, 0.5, 0.2],
            [0.2, 0.7, 0.1],
            [0.1, 0.2, 0.7],
            [0.1, 0.0, 0.9],
        ]
    )
    m = classification_metrics(y, p, ["a", "b", "c"])
    assert m["n"] == 6
    assert m["confusion_matrix"] == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    assert m["accuracy"] == pytest.approx(4 / 6)
    assert m["balanced_accuracy"] == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    # F1 = 2 hits / (true + predicted)
    assert m["macro_f1"] == pytest.approx((4 / 5 + 2 / 4 + 2 / 3) / 3)
    assert {k: m["per_class"]["b"][k] for k in ("precision", "recall", "f1", "support")} == {
        "precision": 1 / 2,
        "recall": 1 / 2,
        "f1": 1 / 2,
        "support": 2,
    }
    # a: all 9 pairs are in order; b: 0.7 is above all 4, 0.2 is above 2 of 4; c: all 5 pairs.
    assert m["per_class"]["a"]["auroc"] == 1
    assert m["per_class"]["b"]["auroc"] == pytest.approx(6 / 8)
    assert m["per_class"]["c"]["auroc"] == 1
    assert m["auroc"] == pytest.approx((1 + 6 / 8 + 1) / 3)
    expected = -sum(math.log(v) for v in (0.8, 0.6, 0.3, 0.7, 0.2, 0.9)) / 6
    assert m["log_loss"] == pytest.approx(expected)
    # Bins are 1/15 wide; 0.7 (correct) and 0.7 (wrong) are both in the 11th, (0.667, 0.733].
    gaps = [1 - 0.8, 1 - 0.6, 0.5, (0.7 + 0.7) - 1, 1 - 0.9]
    assert m["ece"] == pytest.approx(sum(gaps) / 6)
    assert m["ece_bins"] == 15


@pytest.mark.parametrize("classes", [2, 5, 10])
@pytest.mark.parametrize("decimals", [None, 1])
def test_auroc_and_ece_against_loops(classes, decimals):
    y, p = random_predictions(classes, n=150)
    if decimals is not None:  # rounding creates ties; the first column is set so that rows sum to 1
        p = p.round(decimals)
        p[:, 0] = 1 - p[:, 1:].sum(axis=1)
        valid = p[:, 0] >= 0
        y, p = y[valid], p[valid]
    m = classification_metrics(y, p, [str(c) for c in range(classes)])
    areas = [pair_auroc(y == c, p[:, c]) for c in range(classes)]
    assert [v["auroc"] for v in m["per_class"].values()] == pytest.approx(areas)
    assert m["auroc"] == pytest.approx(sum(areas) / classes)
    assert m["ece"] == pytest.approx(loop_ece(y, p, 15))
    assert expected_calibration_error(y, p, bins=4) == pytest.approx(loop_ece(y, p, 4))


@pytest.mark.parametrize("classes", [2, 5])
def test_other_metrics_equal_those_of_scikit_learn(classes):
    y, p = random_predictions(classes)
    names = NAMES[:classes]
    m = classification_metrics(y, p, names)
    predicted = p.argmax(axis=1)
    assert m["accuracy"] == pytest.approx(sklearn.metrics.accuracy_score(y, predicted))
    assert m["balanced_accuracy"] == pytest.approx(
        sklearn.metrics.balanced_accuracy_score(y, predicted)
    )
    assert m["macro_f1"] == pytest.approx(sklearn.metrics.f1_score(y, predicted, average="macro"))
    assert m["log_loss"] == pytest.approx(sklearn.metrics.log_loss(y, p))
    assert m["confusion_matrix"] == sklearn.metrics.confusion_matrix(y, predicted).tolist()
    table = sklearn.metrics.precision_recall_fscore_support(y, predicted)
    for name, column in zip(names, zip(*table, strict=True), strict=True):
        row = m["per_class"][name]
        assert (row["precision"], row["recall"], row["f1"], row["support"]) == pytest.approx(column)


def test_metrics_of_a_perfect_classifier():
    m = classification_metrics(np.arange(5), np.eye(5), NAMES)
    for key in ("accuracy", "balanced_accuracy", "macro_f1", "auroc"):
        assert m[key] == 1
    assert str(m["log_loss"]) == str(m["ece"]) == "0.0"  # and not -0.0


def test_the_log_loss_of_a_certain_wrong_prediction_is_clipped():
    m = classification_metrics(np.array([0, 1]), np.eye(2)[::-1], "ab")
    assert m["log_loss"] == pytest.approx(52 * math.log(2))  # float64's epsilon is 2**-52
    assert m["ece"] == 1
    assert m["auroc"] == 0


def test_means_leave_out_a_class_without_examples():
    """No row has class c, but one is predicted as c. Class d is neither true nor predicted."""
    y = np.array([0, 0, 1, 1])
    p = np.array([[0.7, 0.1, 0.1, 0.1], [0.6, 0.4, 0, 0], [0.3, 0.6, 0.1, 0], [0.1, 0.3, 0.6, 0]])
    m = classification_metrics(y, p, "abcd")
    nothing = {"precision": 0.0, "recall": 0.0, "f1": 0.0, "auroc": None, "support": 0}
    assert m["per_class"]["c"] == nothing
    assert m["per_class"]["d"] == nothing
    assert m["balanced_accuracy"] == pytest.approx((1 + 1 / 2) / 2)
    assert m["macro_f1"] == pytest.approx((1 + 2 / 3 + 0) / 3)  # c is predicted, d is not
    assert m["auroc"] == pytest.approx((4 / 4 + 3 / 4) / 2)


def test_one_class_only_has_no_auroc():
    m = classification_metrics(np.array([1, 1]), np.array([[0.2, 0.8], [0.6, 0.4]]), "ab")
    assert m["auroc"] is None
    assert [row["auroc"] for row in m["per_class"].values()] == [None, None]
    assert m["accuracy"] == m["balanced_accuracy"] == 0.5


def test_a_class_never_predicted_has_precision_zero():
    m = classification_metrics(np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]), "ab")
    assert m["per_class"]["b"]["precision"] == m["per_class"]["b"]["f1"] == 0


def test_metrics_are_plain_numbers_for_json():
    y, p = random_predictions(5)
    m = classification_metrics(y, p.astype(np.float32), NAMES)
    assert json.loads(json.dumps(m, allow_nan=False)) == m
    leaves = [m["n"], m["auroc"], *m["per_class"]["seizure"].values(), m["confusion_matrix"][0][0]]
    assert {type(leaf) for leaf in leaves} == {int, float}


def test_the_order_of_examples_does_not_matter():
    y, p = random_predictions(5)
    m, reversed_m = (
        classification_metrics(y, p, NAMES),
        classification_metrics(y[::-1], p[::-1], NAMES),
    )
    assert reversed_m["confusion_matrix"] == m["confusion_matrix"]
    assert reversed_m["auroc"] == m["auroc"]
    assert reversed_m["ece"] == pytest.approx(m["ece"])


HALF = np.full((2, 2), 0.5)


@pytest.mark.parametrize(
    ("y", "p", "names", "message"),
    [
        ([], np.zeros((0, 2)), "ab", "y_true is empty"),
        ([[1, 0], [0, 1]], HALF, "ab", r"shape \(2, 2\). For one-hot rows"),
        ([0.0, 1.0], HALF, "ab", "integer class labels .* got float64"),
        ([0, 2], HALF, "ab", "must be in 0…1 for 2 class names, got 0…2"),
        ([-1, 1], HALF, "ab", "got -1…1"),
        ([0, 1, 1], HALF, "ab", r"must have shape \(3, 2\).* got \(2, 2\)"),
        ([0, 1], HALF, "abc", r"must have shape \(2, 3\).* got \(2, 2\)"),
        ([0, 1], [0.5, 0.5], "ab", r"must have shape \(2, 2\).* got \(2,\)"),
        ([0, 1], HALF, "a", r"two or more different names, got \['a'\]"),
        ([0, 1], HALF, "aa", "two or more different names"),
        ([0, 1], [[0.5, 0.5], [np.nan, 0.5]], "ab", "in row 1, the first of 1 such rows"),
        ([0, 1], [[np.inf, 0.5], [0.5, 0.5]], "ab", "must be finite"),
        ([0, 1], [[1.5, -0.5], [0.5, 0.5]], "ab", "not negative"),
        ([0, 1], [[0.5, 0.5], [3.0, 2.0]], "ab", r"sum to 1 .*sum of 5 in row 1.*softmax"),
    ],
)
def test_bad_input_is_refused(y, p, names, message):
    with pytest.raises(ValueError, match=message):
        classification_metrics(np.array(y), np.array(p), names)


def test_row_sums_may_differ_from_1_by_the_rounding_of_float16():
    y, p = random_predictions(5)
    assert classification_metrics(y, p.astype(np.float16), NAMES)["n"] == len(y)

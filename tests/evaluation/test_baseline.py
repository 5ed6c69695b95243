"""The majority baseline, and which figures are stated first."""

from __future__ import annotations

import numpy as np
import pytest

from kerasnets.evaluation import classification_metrics
from kerasnets.evaluation.baseline import (
    headline,
    is_unbalanced,
    majority_accuracy,
    majority_class,
)
from kerasnets.evaluation.tasks import get_task


def metrics_of(support, names=None):
    """Metrics of a classifier that always predicts the first class, on rows with this support."""
    y = np.repeat(np.arange(len(support)), support)
    probabilities = np.full((len(y), len(support)), 0.1 / (len(support) - 1))
    probabilities[:, 0] = 0.9
    return classification_metrics(y, probabilities, names or [f"c{n}" for n in range(len(support))])


@pytest.mark.parametrize(
    ("support", "expected"),
    [
        ([50, 50], False),
        ([66, 34], False),  # 66 of 100 is below two thirds
        ([67, 33], True),
        ([30, 70], True),
        ([20, 20, 20, 20, 20], False),
        ([34, 17, 17, 16, 16], True),  # the mean of the others is 16.5
        ([33, 17, 17, 17, 16], False),  # the mean of the others is 16.75
        ([10, 0], True),
    ],
)
def test_unbalanced_means_twice_the_mean_of_the_other_classes(support, expected):
    assert is_unbalanced(support) is expected


def test_the_majority_class_and_its_accuracy():
    metrics = metrics_of([908, 92], ["alive", "died"])
    assert majority_class(metrics) == "alive"
    assert majority_accuracy(metrics, "alive") == pytest.approx(0.908)
    assert metrics["accuracy"] == pytest.approx(majority_accuracy(metrics, "alive"))
    assert majority_accuracy(metrics_of([1, 3]), "c0") == 0.25


def test_an_unbalanced_task_leads_with_auroc():
    assert list(headline(metrics_of([908, 92]))) == ["auroc", "accuracy"]
    assert list(headline(metrics_of([50, 50]))) == ["accuracy"]
    assert list(headline(metrics_of([10, 0]))) == ["accuracy"]  # its AUROC is undefined


def test_tasks_without_one_class_per_row_have_no_majority():
    y = np.array([[0, 1], [1, 0], [1, 1]])
    labels = get_task("multilabel").evaluate(y, np.full((3, 2), 0.6), ["a", "b"], resamples=0)
    assert majority_class(labels) is None
    assert list(headline(labels)) == ["accuracy"]
    numbers = get_task("regression").evaluate(y[:, 0] * 1.0, y[:, :1] * 1.0, ["a"], resamples=0)
    assert majority_class(numbers) is None
    assert headline(numbers) == {"mae": 0.0}
    assert headline({}) == {}

"""Metrics on labelled examples, and which differences between runtimes are failures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import kerasnets as kn
from kerasnets.evaluation.tasks import get_task
from kerasnets.exporting.tasks import TASKS
from kerasnets.exporting.verification.task_metrics import (
    check_labels,
    compute_metrics,
    input_arrays,
    metric_failures,
    metrics_by_runtime,
    predicted_labels,
    read_labelled,
)


def labelled(count: int = 3) -> kn.Split:
    return kn.Split(np.zeros((count, 4)), np.zeros(count, "int32"))


def test_examples_become_arrays_by_name() -> None:
    assert input_arrays(["signal"], labelled())["signal"].dtype == np.float32
    with pytest.raises(ValueError, match=r"3 examples of \['length'\]; the model takes \['length"):
        input_arrays(["length", "visits"], labelled())
    with pytest.raises(ValueError, match="test has 0 examples"):
        input_arrays(["signal"], labelled(0))


def write_card(folder: Path, task: str | None, columns: int) -> None:
    inputs = [{"name": "signal", "dtype": "float64", "shape": [None, 4]}]
    outputs = [{"name": "scores", "dtype": "float32", "shape": [None, columns]}]
    card = {"formats": ["onnx"], "task": task, "inputs": inputs, "outputs": outputs}
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")


def test_examples_fit_the_card(tmp_path: Path) -> None:
    write_card(tmp_path, "regression", 1)
    task, arrays, labels = read_labelled(tmp_path, labelled())
    assert (task, arrays["signal"].dtype, labels.shape) == ("regression", np.float64, (3, 1))
    write_card(tmp_path, None, 1)
    with pytest.raises(ValueError, match="exported with a task; this one has none"):
        read_labelled(tmp_path, labelled())
    (tmp_path / "card.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"card\.json: it is not JSON \(maximum recursion"):
        read_labelled(tmp_path, labelled())


@pytest.mark.parametrize(
    ("task", "shape", "columns", "expected"),
    [
        ("classification", (3,), 5, (3,)),
        ("binary", (3,), 1, (3,)),
        ("multilabel", (3, 2), 2, (3, 2)),
        ("regression", (3,), 1, (3, 1)),
        ("regression", (3, 2), 2, (3, 2)),
        ("classification", (3, 5), 5, None),
        ("binary", (3, 1), 1, None),
        ("multilabel", (3,), 2, None),
        ("regression", (3,), 2, None),
        ("regression", (3, 1), 2, None),
    ],
)
def test_the_shape_of_the_labels_fits_the_task(
    task: str, shape: tuple, columns: int, expected: tuple | None
) -> None:
    labels = np.zeros(shape)
    if expected is not None:
        assert check_labels(task, labels, columns).shape == expected
        return
    with pytest.raises(ValueError, match=rf"a {task} model with {columns} output columns needs"):
        check_labels(task, labels, columns)


def test_predicted_labels_of_each_task() -> None:
    scores = np.array([[0.2, 0.5, 0.3], [0.9, 0.6, 0.1]])
    assert predicted_labels("classification", scores).tolist() == [1, 0]
    assert predicted_labels("multilabel", scores).tolist() == [[0, 1, 0], [1, 1, 0]]
    assert predicted_labels("binary", np.array([[0.2], [0.5], [0.6]])).tolist() == [0, 1, 1]


def test_accuracy_and_auroc_of_each_runtime() -> None:
    labels = np.array([0, 1, 1, 0])
    right = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3]])
    one_wrong = right.copy()
    one_wrong[2] = [0.75, 0.25]
    arrays = {"keras/probabilities": right, "onnx/probabilities": one_wrong, "onnx/logits": right}
    metrics = metrics_by_runtime(arrays, "classification", labels)
    assert metrics["keras"] == {"accuracy": 1, "auroc": 1}
    # Of four pairs of a 1 and a 0, one is in the wrong order: 0.25 before 0.3.
    assert metrics["onnx"] == {"accuracy": 0.75, "auroc": 0.75}
    assert list(metric_failures(metrics, labels)) == [
        "onnx: accuracy on the test split is 0.75; with keras it is 1.0",
        "onnx: auroc on the test split is 0.75; with keras it is 1.0",
    ]
    same = {"onnx": metrics["onnx"], "saved_model": metrics["onnx"]}
    assert list(metric_failures(same, labels)) == []
    assert list(metric_failures({}, labels)) == []


def test_one_column_is_the_probability_of_the_second_class() -> None:
    scores = np.array([[0.2], [0.6]])
    assert compute_metrics("binary", np.array([0, 1]), scores) == {"accuracy": 1, "auroc": 1}
    assert compute_metrics("binary", np.array([1, 1]), scores)["auroc"] is None


def test_multilabel_metrics_are_means_over_labels() -> None:
    labels = np.array([[0, 1, 0], [1, 0, 0], [1, 1, 0]])
    scores = np.array([[0.1, 0.9, 0.2], [0.8, 0.7, 0.2], [0.7, 0.6, 0.7]])
    # Two of nine labels are wrong. AUROC: 1 for the first label, 1/2 for the second; the third is
    # undefined, because no example has it.
    assert compute_metrics("multilabel", labels, scores) == {"accuracy": 7 / 9, "auroc": 0.75}


def test_regression_metrics() -> None:
    targets = np.array([[0.0, 10], [2, 10], [4, 10]])
    predictions = np.array([[1.0, 10], [2, 10], [4, 13]], "float32")
    # The second target is constant, so its R² is undefined.
    assert compute_metrics("regression", targets, predictions) == {
        "mae": pytest.approx(4 / 6),
        "r2": pytest.approx(1 - 1 / 8),
    }
    assert compute_metrics("regression", targets[:1], predictions[:1])["r2"] is None


@pytest.mark.parametrize("name", TASKS)
def test_metrics_are_those_of_evaluation(name: str) -> None:
    rng = np.random.default_rng(3)
    task = get_task(name)
    names = ["a", "b"] if name == "binary" else ["a", "b", "c"]
    outputs = rng.normal(size=(50, 1 if name == "binary" else 3)).astype("float32")
    labels = {
        "classification": rng.integers(0, 3, 50),
        "binary": rng.integers(0, 2, 50),
        "multilabel": rng.integers(0, 2, (50, 3)),
        "regression": rng.normal(size=(50, 3)).astype("float32"),
    }[name]
    predictions = task.predictions(outputs)
    expected = task.evaluate(labels, predictions, names, resamples=0)
    metrics = compute_metrics(name, labels, predictions)
    assert metrics == {key: pytest.approx(expected[key], abs=1e-7) for key in metrics}


def test_regression_may_differ_by_float32_rounding_only() -> None:
    targets = np.random.default_rng(0).normal(1000, 1, (200, 1))
    keras = (targets + 0.3).astype("float32")
    metrics = {
        runtime: compute_metrics("regression", targets, keras + np.float32(difference))
        for runtime, difference in {"keras": 0, "close": 0.005, "far": 0.05, "nan": np.nan}.items()
    }
    failures = list(metric_failures(metrics, targets))
    assert [failure.split(" on ")[0] for failure in failures] == [
        "far: mae",
        "far: r2",
        "nan: mae",
        "nan: r2",
    ]

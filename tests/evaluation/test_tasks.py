"""kerasnets.evaluation.tasks: losses, metrics and checks of each task, and how it is inferred."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics as reference

from kerasnets._lazy import keras
from kerasnets.evaluation import get_task, infer_task, sigmoid, softmax
from kerasnets.evaluation.tasks import TASKS, check_task, output_names
from tests.evaluation.helpers import DATA, classes, identity_model, labels, make_data, values

RNG = np.random.default_rng(0)
TWO = RNG.integers(0, 2, 40).astype(np.int32)
FIVE = RNG.integers(0, 5, 40).astype(np.int32)
LABELS = RNG.integers(0, 2, (40, 4)).astype(np.int32)
VALUES = RNG.normal(size=40).astype(np.float32)
NAMES = {"classification": "abcde", "binary": ("no", "yes"), "multilabel": "abcd",
         "regression": ["height"]}  # fmt: skip
Y = {"classification": FIVE, "binary": TWO, "multilabel": LABELS, "regression": VALUES}


def outputs_for(name):
    y = Y[name]
    columns = {"classification": 5, "multilabel": 4}.get(name, 1)
    return RNG.normal(size=(len(y), columns)).astype(np.float32)


def losses_by_row(name, y, outputs):
    """The loss of each row, by its definition."""
    if name == "classification":
        return -np.log(softmax(outputs)[np.arange(len(y)), y])
    if name == "regression":
        return (y - outputs[:, 0]) ** 2
    y = y.reshape(outputs.shape)
    return -np.log(np.where(y == 1, sigmoid(outputs), 1 - sigmoid(outputs))).mean(axis=1)


@pytest.mark.parametrize("name", TASKS)
def test_loss_and_log_loss_equal_their_definition(name):
    task, y, outputs = get_task(name), Y[name], outputs_for(name)
    rows = losses_by_row(name, y, outputs)
    assert float(task.loss()(y, outputs)) == pytest.approx(rows.mean(), rel=1e-5)
    weights = np.arange(len(y), dtype=np.float32)
    weighted = float(task.loss()(y, outputs, sample_weight=weights))
    assert weighted == pytest.approx((rows * weights).mean(), rel=1e-5)
    metric = task.log_loss_metric("penalty_free")
    assert metric.name == "penalty_free"
    metric.update_state(y, outputs)
    assert float(metric.result()) == pytest.approx(rows.mean(), rel=1e-5)


@pytest.mark.parametrize("name", TASKS)
def test_keras_and_evaluate_compute_the_same_loss_and_metric(name):
    """Keras's own ``evaluate`` on a compiled model against ``Task.evaluate``."""
    task, y, outputs = get_task(name), Y[name], outputs_for(name)
    model = identity_model(outputs.shape[1])
    model.compile(loss=task.loss(), metrics=task.metrics())
    by_keras = model.evaluate(outputs, y, return_dict=True, verbose=0, batch_size=len(y))
    ours = task.evaluate(y, task.predictions(outputs), NAMES[name], resamples=0)
    metric = "mae" if name == "regression" else "accuracy"
    assert set(by_keras) == {"loss", metric}
    assert by_keras[metric] == pytest.approx(ours[metric], rel=1e-5)
    loss = ours["rmse"] ** 2 if name == "regression" else ours["log_loss"]
    assert by_keras["loss"] == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize("name", TASKS)
def test_a_compiled_model_can_be_saved_and_loaded_without_this_package(name, tmp_path):
    """Loss and metrics are built into Keras, so that no registration is needed."""
    task, y, outputs = get_task(name), Y[name], outputs_for(name)
    model = identity_model(outputs.shape[1])
    model.compile(loss=task.loss(), metrics=[*task.metrics(), task.log_loss_metric("log_loss")])
    expected = model.evaluate(outputs, y, return_dict=True, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.evaluate(outputs, y, return_dict=True, verbose=0) == expected
    assert expected["log_loss"] == pytest.approx(expected["loss"], rel=1e-6)


@pytest.mark.parametrize("name", TASKS)
def test_metrics_have_intervals_and_are_ready_for_json(name):
    task = get_task(name)
    predictions = task.predictions(outputs_for(name))
    assert predictions.dtype == np.float64
    metrics = task.evaluate(
        Y[name], predictions, NAMES[name], groups=np.arange(40) // 4, resamples=10
    )
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
    assert ("intervals" in metrics) == (name != "classification")  # five classes have none
    for metric, (low, high) in metrics.get("intervals", {}).items():
        assert low <= high
        assert metric in metrics


def test_one_logit_and_two_logits_have_the_same_metrics():
    outputs = RNG.normal(size=(40, 2))
    two, one = get_task("classification"), get_task("binary")
    single = one.predictions(outputs[:, 1:] - outputs[:, :1])
    assert single.shape == (40, 1)
    expected = two.evaluate(TWO, two.predictions(outputs), ("no", "yes"), resamples=20)
    metrics = one.evaluate(TWO, single, ("no", "yes"), resamples=20)
    assert list(metrics) == list(expected)
    for name in ("accuracy", "auroc", "log_loss", "ece", "brier", "average_precision"):
        assert metrics[name] == pytest.approx(expected[name], rel=1e-9)
    assert metrics["confusion_matrix"] == expected["confusion_matrix"]
    flat = one.evaluate(TWO, single[:, 0], ("no", "yes"), resamples=20)
    assert flat == metrics


def test_the_threshold_is_used_by_two_classes_and_by_labels():
    p = sigmoid(RNG.normal(size=(40, 4)))
    labels_at = get_task("multilabel").evaluate(LABELS, p, "abcd", threshold=0.3, resamples=0)
    assert labels_at["exact_match"] == reference.accuracy_score(LABELS, p >= 0.3)
    two = get_task("binary").evaluate(TWO, p[:, :1], ("no", "yes"), threshold=0.3, resamples=0)
    assert two["sensitivity"] == reference.recall_score(TWO, p[:, 0] >= 0.3)


@pytest.mark.parametrize("name", ["classification", "regression"])
def test_a_threshold_without_meaning_is_refused(name):
    task = get_task(name)
    predictions = task.predictions(outputs_for(name))
    with pytest.raises(ValueError, match=r"no decision threshold for .*, got 0\.3"):
        task.evaluate(Y[name], predictions, NAMES[name], threshold=0.3)


def test_threshold_rules_need_two_classes():
    p = sigmoid(RNG.normal(size=(40, 1)))
    best = get_task("binary").choose_threshold(TWO, p, ("no", "yes"), "youden")
    rates = reference.roc_curve(TWO, p[:, 0], drop_intermediate=False)
    assert best == rates[2][np.argmax(rates[1] - rates[0])]
    both = np.hstack([1 - p, p])
    assert get_task("classification").choose_threshold(TWO, both, "ab", "youden") == best
    for name in ("classification", "multilabel", "regression"):
        task = get_task(name)
        assert task.choose_threshold(Y[name], p, NAMES[name], "fixed") == 0.5
        with pytest.raises(ValueError, match=f"needs two classes, but this is {name} with"):
            task.choose_threshold(Y[name], p, NAMES[name], "youden")
    with pytest.raises(ValueError, match=r"Unknown threshold rule 'yuoden'. Did you mean 'youden'"):
        get_task("binary").check_threshold_rule("yuoden", ("no", "yes"))


@pytest.mark.parametrize("name", TASKS)
def test_outputs_and_their_names(name):
    task = get_task(name)
    expected = ("yes",) if name == "binary" else tuple(NAMES[name])
    assert task.column_names(NAMES[name]) == expected
    assert task.outputs(Y[name], NAMES[name]) == len(expected)
    assert task.output_name == ("prediction" if name == "regression" else "probabilities")


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("labels_of", TASKS)
def test_labels_of_another_task_are_refused(name, labels_of):
    task, names = get_task(name), NAMES[name]
    fits = {
        ("classification", "binary"),
        ("regression", "binary"),
        ("regression", "classification"),
    }
    if name == labels_of or (name, labels_of) in fits:
        task.check_labels(Y[labels_of], names)  # 0 and 1 are also valid class labels and numbers
    else:
        with pytest.raises(ValueError, match=r"shape|integer|Labels must be"):
            task.check_labels(Y[labels_of], names)


def test_binary_needs_two_names():
    with pytest.raises(ValueError, match="two class names, got"):
        get_task("binary").check_labels(TWO, "abc")


def test_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match=r"Unknown task 'regresion'. Did you mean 'regression'"):
        get_task("regresion")


@pytest.mark.parametrize("name", TASKS)
def test_the_task_is_inferred_from_data_and_model(name):
    data = DATA[name]()
    assert infer_task(data, data.train.x.shape[1]).name == name


def test_two_classes_are_binary_or_classification_by_the_outputs_of_the_model():
    for task in ("classification", "binary"):
        data = make_data(task, classes(2), 2, ("no", "yes"))
        assert infer_task(data, 1).name == "binary"
        assert infer_task(data, 2).name == "classification"


@pytest.mark.parametrize(
    ("name", "outputs", "message"),
    [
        (
            "classification",
            1,
            "classification task with 3 classes .* must be 3, got 1",
        ),
        ("binary", 3, r"must be 2 \(or 1\), got 3"),
        ("multilabel", 1, "multilabel task with 4 classes or labels.* must be 4, got 1"),
        ("regression", 5, "regression task with 2 targets.* must be 2, got 5"),
    ],
)
def test_a_model_with_another_number_of_outputs_is_refused(name, outputs, message):
    with pytest.raises(ValueError, match=message):
        infer_task(DATA[name](), outputs)


def test_a_task_that_does_not_match_the_labels_is_refused():
    with pytest.raises(ValueError, match="integer class labels"):
        check_task(get_task("classification"), DATA["regression"](), 2)
    with pytest.raises(ValueError, match="y_true must be integers of shape"):
        infer_task(make_data("multilabel", classes(2), 2, "ab"), 2)


def test_targets_without_names_are_numbered():
    assert output_names(make_data("regression", values(), 1)) == ("target",)
    assert output_names(make_data("regression", values(1), 1)) == ("target",)
    assert output_names(make_data("regression", values(2), 2)) == ("target 1", "target 2")
    assert output_names(make_data("multilabel", labels(2), 2, "ab")) == ("a", "b")

"""Binary, multilabel and regression tasks, from the labels to the metrics of a run."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest

import kerasnets as kn
from kerasnets.training import resume
from tests.training.helpers import (
    assert_same_bits,
    dataset,
    small_model,
    train,
    train_interrupted,
    with_labels,
)


def binary():
    return with_labels(
        "classification", lambda x: (x[:, 0] > 0).astype("int32"), class_names=("no", "yes")
    )


def multilabel():
    return with_labels(
        "multilabel", lambda x: (x[:, :3] > 0).astype("int32"), class_names=("a", "b", "c")
    )


def one_target():
    return with_labels(
        "regression",
        lambda x: x[:, 0] + 0.5,
        class_names=(),
        target_names=("dose",),
        target_units="mg",
    )


def two_targets():
    return with_labels(
        "regression", lambda x: x[:, :2] * [1, -2], class_names=(), target_names=("a", "b")
    )


# name: data set, outputs, task, metric of the history, some metrics of the test split
TASKS = {
    "binary": (binary, 1, "binary", "accuracy", {"auroc", "log_loss", "sensitivity"}),
    "multilabel": (multilabel, 3, "multilabel", "accuracy", {"auroc"}),
    "one target": (one_target, 1, "regression", "mae", {"mae", "rmse"}),
    "two targets": (two_targets, 2, "regression", "mae", {"mae", "rmse"}),
}


NEEDS_FIGURES = True


@pytest.fixture(autouse=True)
def no_figures_but_those_of_the_cases(monkeypatch):
    """Applies after ``case``, whose scope is the module."""
    for name in ("report.draw_figures", "report.draw_learning_curves"):
        monkeypatch.setattr(f"kerasnets.training.{name}", lambda *arguments: None)


@pytest.fixture(scope="module", params=TASKS)
def case(request, tmp_path_factory):
    make, outputs, task, metric, test_metrics = TASKS[request.param]
    data, out = make(), tmp_path_factory.mktemp("runs") / "run"
    run = train(small_model(outputs=outputs), data, out, epochs=3, learning_rate=0.02)
    return run, data, outputs, task, metric, test_metrics


def test_a_task_has_its_history_and_metrics(case):
    run, data, _, task, metric, test_metrics = case
    assert run.task == kn.load_run(run.folder).task == task
    assert set(run.history) == {"loss", metric, "val_loss", f"val_{metric}", "learning_rate"}
    assert run.best_epoch == 1 + np.argmin(run.history["val_loss"])
    assert test_metrics <= set(run.metrics["test"])
    assert "intervals" in run.metrics["test"]
    assert kn.evaluate(run, data) == run.metrics


def test_predictions_are_those_of_the_task(case):
    run, data, outputs, task, *_ = case
    predicted = run.predict(data.test.x)
    assert predicted.shape == (len(data.test), outputs)
    values = run.model.predict(data.test.x, verbose=0).astype("float64")
    expected = values if task == "regression" else 1 / (1 + np.exp(-values))
    np.testing.assert_allclose(predicted, expected, atol=1e-6)
    y = data.test.y.reshape(len(predicted), -1)
    if task == "regression":
        assert run.metrics["test"]["mae"] == pytest.approx(np.abs(y - predicted).mean(), rel=1e-6)
    else:
        validation = data.validation.y.reshape(len(data.validation), -1)
        right = (run.predict(data.validation.x) > 0.5) == validation
        best = run.history["val_accuracy"][run.best_epoch - 1]
        assert right.mean() == pytest.approx(best, abs=1e-6)


def test_the_run_knows_the_names_of_its_outputs(case):
    run, data, _, task, *_ = case
    assert run.class_names == data.class_names
    assert run.target_names == data.target_names
    assert run.target_units == data.target_units
    headline = "test_mae" if task == "regression" else "test_accuracy"
    assert headline in run.provenance or task == "multilabel"
    figures = {path.stem for path in (run.folder / "figures").iterdir()}
    assert "learning_curves" in figures
    assert len(figures) > 1


def test_early_stopping_and_monitor_of_a_regression(tmp_path):
    settings = {"epochs": 40, "early_stopping": 2, "monitor": "val_mae", "learning_rate": 0.1}
    run = train(small_model(outputs=1), one_target(), tmp_path / "r", **settings)
    errors = run.history["val_mae"]
    assert len(errors) < 40
    assert run.best_epoch == 1 + np.argmin(errors) == len(errors) - 2


def test_a_regression_is_resumed(tmp_path):
    data = two_targets()
    complete = train(small_model(outputs=2), data, tmp_path / "a", epochs=3)
    train_interrupted(small_model(outputs=2), data, tmp_path / "b", 1, epochs=3)
    resumed = resume(tmp_path / "b", data=data, progress=False)
    assert resumed.history == complete.history
    assert resumed.task == "regression"
    assert_same_bits(resumed.model.get_weights(), complete.model.get_weights())


def test_weight_penalties_do_not_choose_the_epoch_of_a_regression(tmp_path):
    keras.utils.set_random_seed(0)
    dense = keras.layers.Dense(1, kernel_regularizer=keras.regularizers.L2(0.1))
    run = train(
        keras.Sequential([keras.Input((12,)), dense], name="ridge"), one_target(),
        tmp_path / "r", epochs=3,
    )  # fmt: skip
    errors = run.history["val_log_loss"]
    assert run.best_epoch == 1 + np.argmin(errors)
    assert min(errors) < run.history["val_loss"][run.best_epoch - 1]
    assert run.metrics["validation"]["rmse"] ** 2 == pytest.approx(min(errors), rel=1e-5)


def test_a_net_of_the_catalogue_learns_a_regression(tmp_path):
    data = kn.load_data("seizure-simulated", recordings_per_class=3)
    parts = {
        name: dataclasses.replace(part, y=part.x.std(axis=1).astype("float32") / 100)
        for name, part in data.splits.items()
    }
    data = dataclasses.replace(data, task="regression", class_names=(), **parts)
    run = train("seizure-mlp", data, tmp_path / "r", epochs=1)
    assert run.model.output_shape == (None, 1)
    assert run.recipe.net_arguments == {"classes": 1}
    assert run.metrics["test"]["mae"] > 0


def test_two_classes_need_two_outputs_or_one(tmp_path):
    two = train(small_model(outputs=2), binary(), tmp_path / "two", epochs=1)
    assert two.task == "classification"
    with pytest.raises(ValueError, match=r"must be 2 \(or 1\), got 3"):
        train(small_model(outputs=3), binary(), tmp_path / "three", epochs=1)


def test_two_classes_with_one_output_may_weight_classes_and_choose_a_threshold(tmp_path):
    settings = {"class_weights": "balanced", "threshold": "youden", "epochs": 2}
    run = train(small_model(outputs=1), binary(), tmp_path / "r", **settings)
    assert 0 < run.metrics["test"]["threshold"] < 1
    assert run.task == "binary"


@pytest.mark.parametrize(
    ("make", "outputs", "settings", "message"),
    [
        (one_target, 1, {"class_weights": "balanced"}, "needs one class per row, but this is regr"),
        (one_target, 1, {"calibration": "temperature"}, "needs one class per row"),
        (one_target, 1, {"threshold": "youden"}, "'youden' needs two classes, but this is regress"),
        (one_target, 1, {"monitor": "val_accuracy"}, "not measured for regression.* val_loss, val"),
        (one_target, 1, {"task": "binary"}, "task='binary', but small and small are regression"),
        (one_target, 2, {}, "outputs of the model must be 1, got 2"),
        (multilabel, 3, {"class_weights": "balanced"}, "but this is multilabel"),
        (multilabel, 3, {"threshold": "f1"}, "needs two classes"),
        (binary, 1, {"calibration": "temperature"}, "one logit per class"),
        (binary, 2, {"task": "binary"}, "task='binary', but .* are classification"),
        (binary, 1, {"task": "classification"}, "but small and small are binary"),
        (lambda: dataset(32), 3, {"task": "multilabel"}, "are classification"),
    ],
)
def test_settings_that_do_not_apply_to_the_task_are_refused(
    make, outputs, settings, message, tmp_path
):
    with pytest.raises(ValueError, match=message):
        train(small_model(outputs=outputs), make(), tmp_path / "r", **settings)
    assert not list(tmp_path.iterdir())

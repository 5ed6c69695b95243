"""Training on sequences of visits: buckets, resumption, class weights, examples for export."""

from __future__ import annotations

import dataclasses
import json

import keras
import numpy as np
import pytest

import kerasnets as kn
from kerasnets.commands._metrics import metrics_text
from kerasnets.data import Split
from kerasnets.evaluation import predict_probabilities
from kerasnets.exporting.verification import runtimes
from kerasnets.training import resume
from kerasnets.training.callbacks import TrainingDivergedError
from kerasnets.training.plan import Plan, compile_model
from tests.training.helpers import (
    CLASSIFICATION,
    assert_same_bits,
    recipe,
    run_plan,
    train,
    train_interrupted,
)

SETTINGS = {"epochs": 3, "net_arguments": {"dropout": 0.2}}


@pytest.fixture(scope="module")
def data():
    return kn.load_data("mortality-simulated", patients=150)


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    return train("mortality-gru", data, tmp_path_factory.mktemp("runs") / "gru", **SETTINGS)


@pytest.fixture(scope="module")
def short(data):
    """Sequences of at most 2 visits, because XLA compiles each bucket length."""

    def shorten(split):
        rows = np.flatnonzero(split.x.lengths <= 2)
        return Split(split.x.subset(rows), split.y[rows])

    return dataclasses.replace(data, **{name: shorten(part) for name, part in data.splits.items()})


@pytest.mark.parametrize(("xla", "weights"), [("on", "none"), ("off", "balanced")])
def test_an_epoch_equals_single_steps_of_keras_on_the_same_batches(short, xla, weights):
    train = short.train
    settings = recipe(epochs=1, class_weights=weights, xla=xla)
    plan = Plan(settings, short)
    ours, plain = (_gru(train.x.features) for _ in range(2))
    calls: list[int] = []
    history = run_plan(ours, short, settings, calls=calls)
    assert sum(calls) == plan.schedule.steps_per_epoch

    class_weight = None
    if weights == "balanced":
        counts = np.bincount(train.y)
        class_weight = {label: len(train) / (2 * n) for label, n in enumerate(counts)}
    compile_model(plain, plan, CLASSIFICATION)
    buckets = plan.source.buckets
    losses, sizes = [], []
    for rows in buckets.batches(settings.batch_size, np.random.default_rng([0, 0])):
        x = train.x.take(rows, int(buckets.bucket_lengths[buckets.bucket_of[rows[0]]]))
        plain.reset_metrics()
        logs = plain.train_on_batch(x, train.y[rows], class_weight=class_weight, return_dict=True)
        losses.append(logs["loss"])
        sizes.append(len(rows))
    assert history["loss"][0] == pytest.approx(np.average(losses, weights=sizes), abs=1e-5)
    for a, b in zip(ours.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    evaluated = plain.evaluate(
        short.validation.x.dense(), short.validation.y, verbose=0, return_dict=True
    )
    assert history["val_loss"][0] == pytest.approx(evaluated["loss"], abs=1e-5)


def _gru(features):
    keras.utils.set_random_seed(0)
    return kn.build("mortality-gru", features=features)


def test_a_net_of_the_catalogue_is_as_wide_as_the_vocabulary(trained, data):
    features = data.train.x.features
    assert trained.recipe.net_arguments["features"] == features
    assert trained.model.input["visits"].shape == (None, None, features)
    assert set(trained.metrics["test"]) >= {"auroc", "log_loss", "ece"}


def test_a_resumed_run_has_the_bits_of_an_uninterrupted_one(trained, data, tmp_path):
    """The two trainings also show that the same seed gives the same bits."""
    train_interrupted("mortality-gru", data, tmp_path / "run", 2, **SETTINGS)
    resumed = resume(tmp_path / "run", data=data, progress=False)
    assert_same_bits(resumed.model.get_weights(), trained.model.get_weights())
    assert resumed.history == trained.history


def test_weight_penalties_do_not_choose_the_epoch(data, tmp_path):
    arguments = {"l2": 0.05}
    run = train("mortality-gru", data, tmp_path / "l2", epochs=2, net_arguments=arguments)
    log_loss = run.history["val_log_loss"]
    assert run.best_epoch == 1 + np.argmin(log_loss)
    # The loss of the saved model is the log loss of the best epoch plus the penalty.
    assert run.metrics["validation"]["log_loss"] == pytest.approx(min(log_loss), rel=1e-4)
    kernels = [w.numpy() for w in run.model.weights if w.path.endswith("/kernel")]
    penalty = 0.05 * sum(np.square(kernel).sum() for kernel in kernels)
    loss = run.history["val_loss"][run.best_epoch - 1]
    assert loss == pytest.approx(min(log_loss) + penalty, rel=1e-4)


def test_metrics_of_two_classes_are_printed_with_their_intervals(trained):
    text = metrics_text(trained, trained.metrics)
    test = trained.metrics["test"]
    low, high = test["intervals"]["average_precision"]
    (line,) = [line for line in text.splitlines() if line.startswith("average precision")]
    shown = [f"{test['average_precision']:.4f}", f"{low:.4f}", "to", f"{high:.4f}"]
    assert line.split()[-4:] == shown
    assert "bootstrap over patients" in text
    assert f"sensitivity {test['sensitivity']:.4f}" in text


def test_probabilities_are_in_the_order_of_the_rows(trained, data):
    x = data.test.x
    assert len(set(x.lengths)) > 3
    logits = trained.model.predict(x.dense(), verbose=0)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(predict_probabilities(trained.model, x), expected, atol=1e-5)
    np.testing.assert_allclose(trained.predict(x), expected, atol=1e-5)
    with pytest.raises(ValueError, match="x has no rows"):
        predict_probabilities(trained.model, x.subset(np.zeros(0, int)))


def test_examples_are_raw_test_rows_and_the_run_exports(trained, data, tmp_path):
    examples = trained.example_inputs
    time = examples["visits"].shape[1]
    rows = {row.tobytes() for row in data.test.x.dense(max(data.test.x.lengths))["visits"]}
    padding = [(0, 0), (0, max(data.test.x.lengths) - time), (0, 0)]
    assert len(examples["length"]) == min(32, len(data.test))
    assert {row.tobytes() for row in np.pad(examples["visits"], padding)} <= rows
    path = kn.export(trained, tmp_path / "gru", formats=("onnx",), verify=False)
    assert runtimes.check(path, 1e-5).failures == []
    card = json.loads((path / "card.json").read_text())
    assert {entry["name"] for entry in card["inputs"]} == {"visits", "length"}


def test_a_diverging_run_names_its_step(data, tmp_path):
    settings = {"optimizer": "sgd", "learning_rate": 1e38}
    with pytest.raises(TrainingDivergedError, match=r"at step \d+ of epoch 1"):
        train("mortality-gru", data, tmp_path / "r", epochs=1,
              net_arguments={"activation": "linear"}, **settings)  # fmt: skip


def test_a_net_that_does_not_fit_is_refused_before_any_work(data, tmp_path):
    features = data.train.x.features
    with pytest.raises(ValueError, match=f"need a net with the argument features={features}"):
        train("mortality-gru", data, tmp_path / "r", net_arguments={"features": features + 1})
    message = rf"seizure-mlp takes .*\(178,\).*; .* features={features}"
    with pytest.raises(ValueError, match=message):
        train("seizure-mlp", data, tmp_path / "r", net_arguments={"classes": 2})
    assert not list(tmp_path.iterdir())


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["eicu", "mimic3"])
def test_the_open_demos_train_end_to_end(name, real_data_dir, tmp_path):
    run = train("mortality-gru", name, tmp_path / "r", data_dir=real_data_dir, epochs=1)
    assert run.environment["data"]["simulated"] is False
    assert 0 <= run.metrics["test"]["auroc"] <= 1

"""Training on sequences of visits: buckets, resumption, class weights, examples for export."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
from kerasnets.training.steps import compile_model, padding_note, run_epochs, steps_per_epoch

import kerasnets as kn
from kerasnets.commands.evaluate import print_metrics
from kerasnets.engine.buckets import make_buckets
from kerasnets.engine.loop import TrainingDivergedError
from kerasnets.evaluation import predict_probabilities
from kerasnets.training import resume
from kerasnets.training.recipe import make_recipe


@pytest.fixture(scope="module")
def data():
    return kn.load_data("mortality-simulated", patients=300)


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "gru"
    return train(data, out)


def train(data, out, net="mortality-gru", epochs=3, **settings):
    settings.setdefault("net_arguments", {"dropout": 0.2})
    return kn.train(net, data=data, epochs=epochs, out=out, progress=False, **settings)


def assert_same_bits(one, other):
    for a, b in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_net_of_the_catalogue_is_as_wide_as_the_vocabulary(trained, data):
    features = data.train.x.features
    assert trained.recipe.net_arguments["features"] == features
    assert trained.model.input["visits"].shape == (None, None, features)
    assert set(trained.metrics["test"]) >= {"auroc", "log_loss", "ece"}


def test_the_same_seed_gives_the_same_bits_and_a_resumed_run_too(trained, data, tmp_path):
    again = train(data, tmp_path / "again")
    assert_same_bits(again, trained)
    # A run stopped after its second epoch, as in test_trainer.
    two = train(data, tmp_path / "two", epochs=2)
    for name in ("metrics.json", "model.keras"):
        (again.folder / name).unlink()
    last = "checkpoints/last.keras"
    (two.folder / last).replace(again.folder / last)
    resumed = resume(again.folder, data=data, progress=False)
    assert_same_bits(resumed, trained)
    assert resumed.history == trained.history


def test_penalties_of_weights_do_not_choose_the_epoch(data, tmp_path, capsys):
    run = train(data, tmp_path / "l2", epochs=2, net_arguments={"l2": 0.05})
    log_loss = run.history["val_log_loss"]
    assert run.best_epoch == 1 + np.argmin(log_loss)
    # The model that is kept has the best epoch's log loss, and its penalty on top as loss.
    assert run.metrics["validation"]["log_loss"] == pytest.approx(min(log_loss), rel=1e-4)
    kernels = [w.numpy() for w in run.model.weights if w.path.endswith("/kernel")]
    penalty = 0.05 * sum(np.square(kernel).sum() for kernel in kernels)
    loss = run.history["val_loss"][run.best_epoch - 1]
    assert loss == pytest.approx(min(log_loss) + penalty, rel=1e-4)


def test_what_only_two_classes_have_is_printed_with_its_interval(trained, capsys):
    print_metrics(trained, trained.metrics)
    printed = capsys.readouterr().out
    test = trained.metrics["test"]
    low, high = test["intervals"]["average_precision"]
    assert f"{test['average_precision']:.4f} ({low:.4f} to {high:.4f})" in printed
    assert "over patients" in printed
    assert f"sensitivity {test['sensitivity']:.4f}" in printed


def test_probabilities_come_in_the_order_of_the_rows(trained, data):
    x = data.test.x
    assert len(set(x.lengths)) > 3
    logits = trained.model.predict(x.dense(), verbose=0)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(predict_probabilities(trained.model, x), expected, atol=1e-5)
    with pytest.raises(ValueError, match="no examples"):
        predict_probabilities(trained.model, x.subset(np.zeros(0, int)))


def test_examples_are_raw_test_rows_and_the_run_exports(trained, data, tmp_path):
    examples = trained.example_inputs
    time = examples["visits"].shape[1]
    rows = {row.tobytes() for row in data.test.x.dense(max(data.test.x.lengths))["visits"]}
    padding = [(0, 0), (0, max(data.test.x.lengths) - time), (0, 0)]
    assert len(examples["length"]) == 32
    assert {row.tobytes() for row in np.pad(examples["visits"], padding)} <= rows
    path = kn.export(trained, tmp_path / "gru", formats=("onnx",))
    card = json.loads((path / "card.json").read_text())
    assert {given["name"] for given in card["inputs"]} == {"visits", "length"}


def test_class_weights_are_those_of_keras(data):
    """One epoch of ours against one of Keras's own, batch for batch."""
    settings = {"epochs": 1, "class_weights": "balanced", "batch_size": 16}
    recipe = make_recipe("mortality-gru", **settings)
    counts = np.bincount(data.train.y)
    weight = {k: len(data.train) / (2 * n) for k, n in enumerate(counts)}
    models = []
    for _ in range(2):
        keras.utils.set_random_seed(0)
        models.append(kn.build("mortality-gru", features=data.train.x.features))
        compile_model(models[-1], recipe, data.train)
    steps = []
    run_epochs(models[0], data.train, data.validation, recipe, 0, [], steps.append)
    buckets = make_buckets(data.train.x.lengths)
    for rows in buckets.batches(16, np.random.default_rng([0, 0])):
        x = data.train.x.subset(rows).dense(buckets.time(rows))
        models[1].train_on_batch(x, data.train.y[rows], class_weight=weight)
    assert sum(steps) == steps_per_epoch(recipe, data.train)
    for a, b in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_a_diverging_run_names_its_step(data, tmp_path):
    with pytest.raises(TrainingDivergedError, match=r"at step \d+ of epoch 1"):
        train(data, tmp_path / "r", "mortality-gru", optimizer="sgd", learning_rate=1e38,
              net_arguments={"activation": "linear"})  # fmt: skip


def test_a_net_that_does_not_fit_is_refused_before_any_work(data, tmp_path):
    features = data.train.x.features
    with pytest.raises(ValueError, match=f"takes features={features}"):
        train(data, tmp_path / "r", net_arguments={"features": features + 1})
    with pytest.raises(ValueError, match=f"seizure-mlp takes .* visits of {features} codes need"):
        train(data, tmp_path / "r", net="seizure-mlp", net_arguments={"classes": 2})
    assert not (tmp_path / "r").exists()


def test_the_share_of_padding_is_told(data):
    buckets = make_buckets(data.train.x.lengths)
    assert padding_note(data.train).startswith(f"{buckets.padding:.1%} of the steps computed are")
    assert padding_note(kn.load_data("seizure-simulated", recordings_per_class=3).train) == ""


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["eicu", "mimic3"])
def test_the_open_demos_train_end_to_end(name, real_data_dir, tmp_path):
    run = kn.train(
        "mortality-gru", data=name, data_dir=real_data_dir, epochs=1, out=tmp_path / "r",
        progress=False,
    )  # fmt: skip
    assert run.environment["data"]["simulated"] is False
    assert 0 <= run.metrics["test"]["auroc"] <= 1

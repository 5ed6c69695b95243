"""A finished run: what its folder contains, and what can be done with it."""

from __future__ import annotations

import dataclasses
import json
import shutil
import zipfile

import keras
import numpy as np
import pytest

import kerasnets as kn
from kerasnets.training.run_data import load_run_data
from kerasnets.training.run_folder import best_epoch
from tests.training.helpers import assert_same_bits, dataset, small_model, train

NEEDS_FIGURES = True
NET = "seizure-cnn-dropout"
FIGURES = {"learning_curves", "confusion_matrix", "roc_curves"}


@pytest.fixture(scope="module")
def data():
    return kn.load_data("seizure-simulated", recordings_per_class=4)


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    return train(NET, data, tmp_path_factory.mktemp("runs") / "cnn", epochs=3)


def test_the_run_folder_contains_everything(trained, data):
    folder = trained.folder
    assert {path.name for path in folder.iterdir()} == {
        "recipe.toml",
        "environment.json",
        "history.csv",
        "checkpoints",
        "model.keras",
        "examples.npz",
        "metrics.json",
        "figures",
    }
    figures = {path.name for path in (folder / "figures").iterdir()}
    assert figures == {f"{name}.{form}" for name in FIGURES for form in ("png", "svg")}
    environment = json.loads((folder / "environment.json").read_text())
    assert environment["data"]["checksum"] == data.checksum
    assert environment["data"]["simulated"] is True
    assert environment["versions"]["keras"] == keras.__version__
    assert environment["sessions"][0]["epochs"] == [1, 3]


def test_the_same_seed_gives_the_same_bits(trained, data, tmp_path):
    again = train(NET, data, tmp_path / "again", epochs=3)
    assert_same_bits(trained.model.get_weights(), again.model.get_weights())
    for name in ("history.csv", "metrics.json", "figures/roc_curves.png", "figures/roc_curves.svg"):
        assert (trained.folder / name).read_bytes() == (again.folder / name).read_bytes()


def test_history_and_metrics_are_plain_numbers(trained):
    assert set(trained.history) == {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"}
    assert all(len(values) == 3 for values in trained.history.values())
    assert set(trained.metrics) == {"train", "validation", "test"}
    assert type(trained.metrics["test"]["accuracy"]) is float
    assert trained.seconds > 0


def test_the_kept_model_is_that_of_the_best_epoch(trained, data):
    best = trained.best_epoch
    assert trained.history["val_loss"][best - 1] == min(trained.history["val_loss"])
    logits = trained.model.predict(data.validation.x, verbose=0)
    accuracy = float(np.mean(logits.argmax(axis=1) == data.validation.y))
    assert accuracy == pytest.approx(trained.history["val_accuracy"][best - 1], abs=1e-6)
    assert accuracy == pytest.approx(trained.metrics["validation"]["accuracy"], abs=1e-12)


def test_a_run_is_loaded_from_its_folder(trained, data):
    again = kn.load_run(trained.folder)
    assert dataclasses.replace(again) == dataclasses.replace(trained)
    rows = np.linspace(0, len(data.test) - 1, 32).astype(int)
    np.testing.assert_array_equal(again.example_inputs, data.test.x[rows])
    assert_same_bits(again.model.get_weights(), trained.model.get_weights())
    assert again.provenance["data"] == "seizure-simulated"
    assert again.provenance["test_accuracy"] == str(trained.metrics["test"]["accuracy"])


def test_a_run_knows_the_options_of_its_data_and_loads_them(trained, data):
    assert kn.load_run(trained.folder).recipe.data_options == {"recordings_per_class": 4}
    assert load_run_data(trained.folder).checksum == data.checksum
    np.testing.assert_array_equal(trained.load_data().test.x, data.test.x)


def test_a_run_is_evaluated_on_its_own_data_by_default(trained):
    assert kn.evaluate(trained) == trained.metrics


def test_a_run_predicts_probabilities_for_raw_inputs(trained, data):
    x = data.test.x[:7]
    logits = trained.model.predict(x, verbose=0).astype("float64")
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    predicted = trained.predict(x, batch_size=2)
    assert predicted.dtype == np.float64
    np.testing.assert_allclose(predicted, expected, atol=1e-6)
    with pytest.raises(ValueError, match="x has no rows"):
        trained.predict(x[:0])


def test_a_model_that_was_changed_is_refused(trained, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(trained.folder, folder)
    with zipfile.ZipFile(folder / "model.keras", "a") as file:
        file.writestr("another", "member")  # Keras would load the model all the same
    with pytest.raises(ValueError, match=r"model\.keras .*checksum in environment\.json"):
        _ = kn.load_run(folder).model


def test_data_that_have_no_name_must_be_passed_again(tmp_path):
    data = dataset(32)
    run = train(small_model(), data, tmp_path / "run", epochs=1)
    for load in (run.load_data, lambda: kn.evaluate(run)):
        with pytest.raises(ValueError, match=r"trained on 'small'.* Pass the data set as data="):
            load()
    assert kn.evaluate(run, data) == run.metrics


def test_a_folder_without_a_finished_run_is_refused(trained, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"is not a run folder: it has no recipe\.toml"):
        kn.load_run(tmp_path)
    (tmp_path / "recipe.toml").write_text("")
    with pytest.raises(ValueError, match=r"is not finished\. .*: kerasnets train --resume"):
        kn.load_run(tmp_path)


def test_the_monitor_decides_which_epoch_is_best():
    history = {"val_loss": [0.9, 0.5, 0.5, 0.7], "val_accuracy": [0.1, 0.6, 0.7, 0.7]}
    assert best_epoch(history, "val_loss") == 2
    assert best_epoch(history, "val_accuracy") == 3
    penalized = history | {"val_log_loss": [0.4, 0.5, 0.6, 0.3]}
    assert best_epoch(penalized, "val_loss") == 4
    assert best_epoch(penalized, "val_accuracy") == 3
    assert best_epoch({"val_loss": [np.nan, 0.9, np.inf, 0.8]}, "val_loss") == 4
    assert best_epoch({"val_mae": [3.0, 2.0, 2.5]}, "val_mae") == 2
    with pytest.raises(ValueError, match=r"'val_mae' is not measured; .* val_accuracy, val_loss"):
        best_epoch(history, "val_mae")

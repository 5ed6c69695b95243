"""``kn.train``: settings, which of them the data decide, and the run folder."""

from __future__ import annotations

import dataclasses
import shutil
import sys

import keras
import numpy as np
import pytest

import kerasnets as kn
from kerasnets.data import Split
from kerasnets.training import make_recipe, trainer
from kerasnets.training.session import Session
from kerasnets.training.stored import read_run_recipe
from tests.training.helpers import (
    CLASSES,
    assert_same_bits,
    dataset,
    recipe,
    run_plan,
    small_model,
    train,
)


@pytest.fixture(scope="module")
def data():
    return kn.load_data("seizure-simulated", recordings_per_class=4)


@pytest.fixture
def begin(tmp_path, monkeypatch):
    """Start a training as ``kn.train`` does, without running it; returns its session."""

    class Begun(Session):
        def run(self):
            return self

    monkeypatch.setattr(trainer, "Session", Begun)
    return lambda net, data, **settings: train(net, data, tmp_path / "begun", **settings)


def test_another_seed_leads_to_other_weights(begin, data):
    first = begin("seizure-mlp", data, seed=3)
    shutil.rmtree(first.folder)
    other = begin("seizure-mlp", data, seed=4)
    kernels = [session.model.trainable_variables[0].numpy() for session in (first, other)]
    assert not np.array_equal(*kernels)


def test_without_rescaling_the_net_takes_raw_values(data, begin):
    run = begin("seizure-mlp", data, rescaling="none")
    assert "standardize" not in [layer.name for layer in run.model.layers]


def test_raw_values_are_rescaled_as_fitted_on_the_training_split(begin, data):
    x = data.train.x.astype("float64")
    standardized = begin("seizure-mlp", data).model.get_layer("standardize")(data.test.x)
    expected = (data.test.x - x.mean(axis=0)) / x.std(axis=0)
    np.testing.assert_allclose(standardized, expected, atol=1e-5)


def test_all_features_can_share_one_mean_and_variance(begin, data):
    x = data.train.x.astype("float64")
    layer = begin("seizure-mlp", data, rescaling="shared").model.get_layer("standardize")
    assert layer.axis == ()
    expected = (data.test.x - x.mean()) / x.std()
    np.testing.assert_allclose(layer(data.test.x), expected, atol=1e-5)


def test_a_recipe_is_a_complete_description_of_a_training(tmp_path):
    options = {"recordings_per_class": 4}
    settings = make_recipe("seizure-mlp", epochs=1, data="seizure-simulated", data_options=options)
    run = kn.train(settings, out=tmp_path / "a", seed=3, progress=False)
    assert (run.recipe.epochs, run.recipe.seed, run.recipe.split) == (1, 3, "recording")
    again = kn.train(kn.read_recipe(run.folder / "recipe.toml"), out=tmp_path / "b", progress=False)
    assert_same_bits(run.model.get_weights(), again.model.get_weights())


def test_a_recipe_by_name_is_complete_in_the_run_folder(begin, data):
    run = begin("seizure-mlp", data, recipe="as-reported", batch_size=16)
    expected = make_recipe(
        "seizure-mlp", "as-reported", batch_size=16, data=data.name, split=data.split,
        data_options=dict(data.options),
    )  # fmt: skip
    assert run.recipe == read_run_recipe(run.folder) == expected


def test_a_recipe_file_decides_the_settings_but_not_the_data_that_are_passed(begin, data, tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text('data = "mnist"\nsplit_seed = 3\nbatch_size = 16\n[data_options]\nsize = 9')
    made = begin("seizure-mlp", data, recipe=path, epochs=2).recipe
    assert (made.batch_size, made.epochs) == (16, 2)
    assert (made.data, made.split_seed, made.data_options) == (data.name, 0, data.options)


def test_a_recipe_that_cannot_be_meant_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"recipe='as-reported' is for a net of the catalogue"):
        train(small_model(), dataset(32), tmp_path / "r", recipe="as-reported")
    with pytest.raises(ValueError, match=r"recipe='as-reported' contradicts the Recipe"):
        kn.train(make_recipe("xor"), recipe="as-reported", out=tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_schedules_end_where_they_should(tmp_path):
    def rates(schedule):
        settings = {"epochs": 4, "schedule": schedule, "learning_rate": 0.01}
        run = train(small_model(), dataset(32), tmp_path / schedule, **settings)
        return run.history["learning_rate"]

    assert rates("constant") == pytest.approx([0.01] * 4)
    assert rates("cosine") == pytest.approx(
        [0.005 * (1 + np.cos(np.pi * k / 4)) for k in range(1, 5)]
    )
    assert rates("exponential") == pytest.approx([0.01 * 0.01 ** (k / 4) for k in range(1, 5)])


def test_balanced_class_weights_raise_the_recall_of_a_rare_class():
    data, rare = dataset(600), 2
    rows = np.flatnonzero((data.train.y != rare) | (np.arange(600) % 6 == 0))
    imbalanced = dataclasses.replace(data, train=Split(data.train.x[rows], data.train.y[rows]))

    def recall(weights):
        model = small_model()
        settings = recipe(epochs=4, class_weights=weights, learning_rate=0.01)
        run_plan(model, imbalanced, settings)
        labels = model.predict(data.train.x, verbose=0).argmax(axis=1)
        return np.mean(labels[data.train.y == rare] == rare)

    assert recall("balanced") > recall("none")


def test_a_callback_can_stop_the_training(data, tmp_path):
    stop = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: setattr(stop.model, "stop_training", batch == 3)
    )
    run = train("seizure-mlp", data, tmp_path / "r", epochs=5, callbacks=[stop])
    assert len(run.history["loss"]) == 1


def test_without_tensorboard_its_logs_are_refused_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ImportError, match=r"pip install 'kerasnets\[tensorboard\]'"):
        train(small_model(), dataset(32), tmp_path / "runs" / "r", epochs=1, tensorboard=True)
    assert list(tmp_path.iterdir()) == []


def test_tensorboard_logs_are_written_on_request(tmp_path):
    train(small_model(), dataset(32), tmp_path / "r", epochs=1, tensorboard=True)
    assert list((tmp_path / "r" / "tensorboard").rglob("events.out.tfevents.*"))


def test_data_options_of_the_net_and_of_the_caller_are_combined(begin):
    options = {"recordings_per_class": 3}
    run = begin("seizure-spectral-long", "seizure-simulated", data_options=options)
    assert run.recipe.data_options == {"samples": 2_047, "step": 178, **options}
    # 3 recordings of each of 5 kinds, one each in training; the last window starts at 11 · 178.
    assert len(run.data.train) == 5 * 12
    assert run.model.input_shape == (None, 2_047)


def test_the_data_decide_how_many_samples_and_classes_a_net_has(begin):
    options = {"recordings_per_class": 3, "samples": 89, "classes": 2}
    run = begin("seizure-mlp", kn.load_data("seizure-simulated", **options))
    assert run.model.input_shape == (None, 89)
    assert run.model.output_shape == (None, 2)
    assert run.recipe.net_arguments == {"samples": 89, "classes": 2}
    assert read_run_recipe(run.folder) == run.recipe


def test_the_choice_of_xla_is_stored_in_the_run_folder(tmp_path):
    """A rule decides; ``test_resume`` shows that the choice is used again."""
    for xla, expected in (("auto", False), ("on", True)):
        run = train(small_model(), dataset(32), tmp_path / xla, epochs=1, xla=xla)
        assert run.environment["xla"] is expected


def test_run_folders_are_numbered_by_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = [kn.train(small_model(), data=dataset(32), epochs=1, progress=False) for _ in range(2)]
    assert [str(run.folder) for run in runs] == ["runs/small-1", "runs/small-2"]


def test_an_empty_folder_is_used_and_no_other_folder_is_overwritten(tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    run = train(small_model(), dataset(32), out, epochs=1)
    with pytest.raises(FileExistsError, match=r"is not empty.*kerasnets train --resume"):
        train(small_model(), dataset(32), run.folder)
    other = tmp_path / "notes"
    other.mkdir()
    file = other / "file"
    file.write_text("mine")
    for path in (other, file):
        with pytest.raises(FileExistsError, match=r"is not empty\. Choose another folder\.$"):
            train(small_model(), dataset(32), path)
    assert file.read_text() == "mine"


def test_the_number_of_outputs_of_an_own_model_is_that_of_the_classes(tmp_path):
    run = train(small_model(), dataset(32), tmp_path / "run", epochs=1)
    assert run.name == "small"
    assert run.model.output_shape == (None, CLASSES)
    assert kn.load_run(run.folder).model.name == "small"

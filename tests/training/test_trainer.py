"""Training into a run folder, the same bits for the same seed, and going on after a kill."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

import kerasnets as kn
from kerasnets._files import locked
from kerasnets.data import Dataset, Split
from kerasnets.training import make_recipe, resume
from kerasnets.training.run import load_run_data
from kerasnets.training.run_folder import best_epoch, read_history
from kerasnets.training.session import run_to_the_end

KERASNETS = [sys.executable, "-m", "kerasnets"]
FIGURES = {"learning_curves", "confusion_matrix", "roc_curves"}


@pytest.fixture(scope="module")
def data():
    return kn.load_data("seizure-simulated", recordings_per_class=8)


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "cnn"
    return kn.train("seizure-cnn-dropout", data=data, epochs=3, out=out, progress=False)


def weights_of(folder, name="model.keras"):
    return keras.saving.load_model(folder / name).get_weights()


def assert_same_bits(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_run_folder_holds_everything(trained, data):
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


def test_raw_values_are_rescaled_as_fitted_on_the_training_split(trained, data):
    x = data.train.x.astype("float64")
    standardised = trained.model.get_layer("standardize")(data.test.x)
    expected = (data.test.x - x.mean(axis=0)) / x.std(axis=0)
    np.testing.assert_allclose(standardised, expected, atol=1e-5)


def test_without_rescaling_the_net_gets_raw_values(data, tmp_path):
    run = kn.train(
        "seizure-mlp", data=data, epochs=1, rescaling="none", out=tmp_path / "r", progress=False
    )
    assert "standardize" not in [layer.name for layer in run.model.layers]


def test_a_run_is_loaded_from_its_folder(trained, data):
    again = kn.load_run(trained.folder)
    assert dataclasses.replace(again) == dataclasses.replace(trained)
    rows = np.linspace(0, len(data.test) - 1, 32).astype(int)
    np.testing.assert_array_equal(again.example_inputs, data.test.x[rows])
    assert_same_bits(again.model.get_weights(), trained.model.get_weights())
    assert again.provenance["data"] == "seizure-simulated"


@pytest.mark.parametrize("net", ["seizure-cnn-dropout", "seizure-gru"])
def test_the_same_seed_gives_the_same_bits(net, data, tmp_path):
    def run(out, seed):
        return kn.train(net, data=data, epochs=2, seed=seed, out=tmp_path / out, progress=False)

    first, again, other = run("first", 3), run("again", 3), run("other", 4)
    assert_same_bits(first.model.get_weights(), again.model.get_weights())
    for name in ("history.csv", "metrics.json", "figures/roc_curves.png", "figures/roc_curves.svg"):
        assert (first.folder / name).read_bytes() == (again.folder / name).read_bytes()
    assert not np.array_equal(first.model.get_weights()[0], other.model.get_weights()[0])


EPOCHS = 80  # enough that a training is still at work when the signal comes


def command(out, net="seizure-cnn-dropout", epochs=EPOCHS):
    options = ["--data", "seizure-simulated", "--data-option", "recordings_per_class=8"]
    schedule = ["--schedule", "cosine", "--epochs", str(epochs)]
    return [*KERASNETS, "train", net, *options, *schedule, "--out", str(out), "--quiet"]


def interrupt(words, folder, how):
    """Start a training process and send it a signal once an epoch is on disk."""
    process = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whatever runs the tests in the background may ignore Ctrl-C, and its children would too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while not read_history(folder).get("loss"):
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    process.send_signal(how)
    _, errors = process.communicate(timeout=60)
    assert not (folder / "metrics.json").exists(), "the run ended before it was interrupted"
    return process.returncode, errors


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    subprocess.run(command(folder), check=True, capture_output=True)
    return folder


def test_a_killed_run_ends_with_the_bits_of_an_uninterrupted_one(uninterrupted, tmp_path):
    folder = tmp_path / "run"
    code, _ = interrupt(command(folder), folder, signal.SIGKILL)
    assert code == -signal.SIGKILL
    with pytest.raises(ValueError, match=r"is not finished\. Go on with it: kerasnets train --res"):
        kn.load_run(folder)
    resumed = [*KERASNETS, "train", "--resume", str(folder), "--quiet"]
    subprocess.run(resumed, check=True, capture_output=True)
    for name in ("history.csv", "metrics.json", "examples.npz", "recipe.toml"):
        assert (folder / name).read_bytes() == (uninterrupted / name).read_bytes()
    for name in ("model.keras", "checkpoints/last.keras", "checkpoints/best.keras"):
        assert_same_bits(weights_of(folder, name), weights_of(uninterrupted, name))
    killed, resumed = json.loads((folder / "environment.json").read_text())["sessions"]
    assert killed["epochs"][0] == 1
    assert resumed["epochs"][0] <= killed["epochs"][1] + 1
    assert resumed["epochs"][1] == EPOCHS
    assert killed["seconds"] > 0
    assert not list((folder / "checkpoints").glob(".*"))


def test_ctrl_c_says_how_to_go_on(uninterrupted, tmp_path):
    folder = tmp_path / "run"
    code, errors = interrupt(command(folder), folder, signal.SIGINT)
    assert code == 130
    assert f"kerasnets train --resume {folder}" in errors
    run = resume(folder, progress=False)
    assert_same_bits(run.model.get_weights(), weights_of(uninterrupted))


def test_a_run_killed_before_its_last_checkpoint_repeats_the_epoch(data, tmp_path):
    """What stands on disk between the history and ``last.keras`` is a state like any other."""
    whole = kn.train("seizure-cnn", data=data, epochs=3, out=tmp_path / "whole", progress=False)
    folder = tmp_path / "part"
    run = kn.train("seizure-cnn", data=data, epochs=3, out=folder, progress=False)
    (folder / "metrics.json").unlink()
    (folder / "model.keras").unlink()
    stopped = tmp_path / "two"
    kn.train("seizure-cnn", data=data, epochs=2, out=stopped, progress=False)
    (stopped / "checkpoints" / "last.keras").replace(folder / "checkpoints" / "last.keras")
    again = resume(folder, data=data, progress=False)
    assert again.history == run.history == whole.history
    assert_same_bits(again.model.get_weights(), whole.model.get_weights())


def test_a_finished_run_is_returned_as_it_is(trained):
    before = (trained.folder / "metrics.json").stat().st_mtime_ns
    assert resume(trained.folder).metrics == trained.metrics
    assert (trained.folder / "metrics.json").stat().st_mtime_ns == before


def test_resuming_with_other_data_is_refused(trained, data, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(trained.folder, folder)
    (folder / "metrics.json").unlink()
    other = kn.load_data("seizure-simulated", recordings_per_class=9)
    with pytest.raises(ValueError, match="has data of checksum"):
        resume(folder, data=other)
    by_row = kn.load_data("seizure-simulated", recordings_per_class=8, split="row")
    with pytest.raises(ValueError, match="has data of split recording, and these have row"):
        resume(folder, data=by_row)
    with pytest.raises(FileNotFoundError, match=r"is not a run folder: it has no recipe\.toml"):
        resume(tmp_path)


def test_early_stopping_waits_for_its_patience(data, tmp_path):
    run = kn.train(
        "seizure-mlp-wide",
        data=data,
        epochs=60,
        early_stopping=2,
        learning_rate=3e-3,
        out=tmp_path / "r",
        progress=False,
    )
    epochs = len(run.history["loss"])
    assert epochs < 60
    assert epochs - run.best_epoch == 2


def test_the_monitor_decides_which_epoch_is_best():
    history = {"val_loss": [0.9, 0.5, 0.5, 0.7], "val_accuracy": [0.1, 0.6, 0.7, 0.7]}
    assert best_epoch(history, "val_loss") == 2
    assert best_epoch(history, "val_accuracy") == 3
    penalised = history | {"val_log_loss": [0.4, 0.5, 0.6, 0.3]}
    assert best_epoch(penalised, "val_loss") == 4
    assert best_epoch(penalised, "val_accuracy") == 3
    assert best_epoch({"val_loss": [np.nan, 0.9, np.inf, 0.8]}, "val_loss") == 4


def test_a_validation_loss_that_is_not_finite_never_replaces_the_best_epoch(data, tmp_path):
    class Poison(keras.callbacks.Callback):
        tests = 0

        def on_test_begin(self, logs=None):
            self.tests += 1
            if self.tests == 3:
                bias = self.model.get_layer("logits").bias
                bias.assign(np.full(bias.shape, np.nan))

    out = tmp_path / "r"
    with pytest.raises(ArithmeticError, match=r"After epoch 3, \{'val_loss': nan\} is not finite"):
        kn.train("seizure-mlp", data=data, epochs=5, out=out, callbacks=[Poison()], progress=False)
    for name in ("last.keras", "best.keras"):
        assert all(np.isfinite(weight).all() for weight in weights_of(out / "checkpoints", name))
    assert len(read_history(out)["loss"]) == 2


def test_a_run_stopped_before_its_first_step_can_be_resumed(data, tmp_path):
    def interrupt(epoch, logs):
        raise KeyboardInterrupt

    stop = keras.callbacks.LambdaCallback(on_epoch_begin=interrupt)
    settings = {"data": data, "epochs": 2, "progress": False}
    with pytest.raises(KeyboardInterrupt, match="go on with: kerasnets train --resume"):
        kn.train("seizure-cnn-dropout", out=tmp_path / "a", callbacks=[stop], **settings)
    whole = kn.train("seizure-cnn-dropout", out=tmp_path / "b", **settings)
    resumed = resume(tmp_path / "a", progress=False)
    assert_same_bits(resumed.model.get_weights(), whole.model.get_weights())


def test_inputs_moved_at_random_move_the_same_way_in_a_resumed_run(data, tmp_path):
    def interrupt(epoch, logs):
        if epoch == 1:
            raise KeyboardInterrupt

    stop = keras.callbacks.LambdaCallback(on_epoch_begin=interrupt)
    settings = {"data": data, "epochs": 2, "progress": False}
    with pytest.raises(KeyboardInterrupt):
        kn.train("seizure-spectral-small", out=tmp_path / "a", callbacks=[stop], **settings)
    assert len(read_history(tmp_path / "a")["loss"]) == 1
    whole = kn.train("seizure-spectral-small", out=tmp_path / "b", **settings)
    resumed = resume(tmp_path / "a", progress=False)
    assert_same_bits(resumed.model.get_weights(), whole.model.get_weights())


def test_a_run_knows_the_options_of_its_data(trained, data):
    recipe = kn.load_run(trained.folder).recipe
    assert recipe.data_options == {"recordings_per_class": 8}
    assert load_run_data(trained.folder).checksum == data.checksum


def test_a_recipe_can_be_given_whole(tmp_path):
    options = {"recordings_per_class": 8}
    recipe = make_recipe("seizure-mlp", epochs=1, data="seizure-simulated", data_options=options)
    run = kn.train(recipe, out=tmp_path / "a", seed=3, progress=False)
    assert (run.recipe.epochs, run.recipe.seed, run.recipe.split) == (1, 3, "recording")
    again = kn.train(kn.read_recipe(run.folder / "recipe.toml"), out=tmp_path / "b", progress=False)
    assert_same_bits(run.model.get_weights(), again.model.get_weights())


def test_two_processes_do_not_write_into_one_run(trained, data):
    folder = trained.folder
    with locked(folder), pytest.raises(OSError, match="Another process is at work in"):
        run_to_the_end(folder, trained.recipe, data, trained.model, (), False, False)


def test_a_callback_that_stops_is_obeyed(data, tmp_path):
    stop = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: setattr(stop.model, "stop_training", batch == 3)
    )
    run = kn.train(
        "seizure-mlp", data=data, epochs=5, out=tmp_path / "r", callbacks=[stop], progress=False
    )
    assert len(run.history["loss"]) == 1


def test_schedules_end_where_they_should(data, tmp_path):
    def rates(schedule):
        run = kn.train(
            "seizure-mlp",
            data=data,
            epochs=4,
            schedule=schedule,
            learning_rate=0.01,
            out=tmp_path / schedule,
            progress=False,
        )
        return run.history["learning_rate"]

    assert rates("constant") == pytest.approx([0.01] * 4)
    assert rates("cosine") == pytest.approx(
        [0.005 * (1 + np.cos(np.pi * k / 4)) for k in range(1, 5)]
    )
    assert rates("exponential") == pytest.approx([0.01 * 0.01 ** (k / 4) for k in range(1, 5)])


def test_balanced_class_weights_raise_the_recall_of_a_rare_class(data, tmp_path):
    rare = 4
    keep = np.flatnonzero((data.train.y != rare) | (np.arange(len(data.train)) % 12 == 0))
    train = Split(data.train.x[keep], data.train.y[keep])
    imbalanced = dataclasses.replace(data, train=train)

    def recall(class_weights):
        run = kn.train(
            "seizure-cnn",
            data=imbalanced,
            epochs=4,
            class_weights=class_weights,
            out=tmp_path / class_weights,
            progress=False,
        )
        return run.metrics["validation"]["per_class"][data.class_names[rare]]["recall"]

    assert recall("balanced") > recall("none")


def test_a_model_of_ones_own(data, tmp_path):
    inputs = keras.Input((178,), name="signal")
    hidden = keras.layers.Dense(4, "relu")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(5, name="logits")(hidden), name="mine")
    seen = []
    spy = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    run = kn.train(model, data=data, epochs=2, out=tmp_path / "r", callbacks=[spy], progress=False)
    assert run.name == "mine"
    assert seen == [0, 1]
    assert kn.load_run(run.folder).model.name == "mine"


def test_tensorboard_logs_are_written_when_asked_for(data, tmp_path):
    out = tmp_path / "r"
    kn.train("seizure-mlp", data=data, epochs=1, out=out, progress=False, tensorboard=True)
    assert list((out / "tensorboard").rglob("events.out.tfevents.*"))


def test_a_diverging_run_names_the_step_and_keeps_the_last_whole_epoch(data, tmp_path):
    out = tmp_path / "r"
    with pytest.raises(ArithmeticError, match=r"loss is (nan|inf) at step \d+ of epoch \d+"):
        kn.train(
            "seizure-mlp-wide",
            data=data,
            epochs=50,
            optimizer="sgd",
            learning_rate=1e9,
            out=out,
            progress=False,
        )
    assert all(np.isfinite(weight).all() for weight in weights_of(out, "checkpoints/last.keras"))


def replaced(data: Dataset, part: str, **changes) -> Dataset:
    return dataclasses.replace(data, **{part: dataclasses.replace(data.splits[part], **changes)})


def test_bad_input_is_refused_before_any_work(data, tmp_path):
    out = tmp_path / "r"
    nan, labels = data.train.x.copy(), data.test.y.copy()
    nan[3, 5] = np.nan
    labels[0] = 5
    cases = [
        ({"data": replaced(data, "train", x=nan)}, "train split of seizure-simulated holds NaN"),
        ({"data": replaced(data, "train", x=nan.astype("U8"))}, r"holds \['<U8'\], not numbers"),
        ({"data": replaced(data, "test", y=labels)}, "labels from 0 to 5; its 5 classes"),
        ({"data": replaced(data, "test", y=labels / 2)}, "labels of the test split .* float64"),
        ({"data": replaced(data, "test", y=labels[1:] % 5)}, r"has 183 labels for \[184\] inputs"),
        ({"data": replaced(data, "test", y=np.eye(5, dtype=int)[labels % 5])}, r"shape \(184, 5\)"),
        ({"data": dataclasses.replace(data, class_names=("a", "a"))}, "different class names"),
        (
            {"data": replaced(data, "validation", x=nan[:0], y=labels[:0])},
            "validation split .* empty",
        ),
        (
            {"data": replaced(data, "train", x=data.train.x[:, :100])},
            r"differ in shape between its splits: {'train': \(100,\), 'validation': \(178,\)",
        ),
        ({"data": data, "net_arguments": {"classes": 6}}, "gives 6 logits; .* 5 classes"),
        ({"data": data, "split": "row"}, "split='row' contradicts the data set given"),
        ({"data": data, "epochs": 0}, "epochs = 0"),
        ({"data": "seizure-simulated", "data_options": 7}, "data_options = 7"),
        ({"data_options": None}, "data_options = None"),
        ({"data": "seizure-simulatd"}, "Did you mean 'seizure-simulated'"),
    ]
    for arguments, message in cases:
        with pytest.raises(ValueError, match=message):
            kn.train("seizure-mlp", out=out, progress=False, **arguments)
        assert not out.exists()


def test_the_data_decide_how_many_samples_and_classes_a_net_has(tmp_path):
    options = {"recordings_per_class": 3, "samples": 89, "classes": 2}
    data = kn.load_data("seizure-simulated", **options)
    run = kn.train("seizure-mlp", data=data, epochs=1, out=tmp_path / "run", progress=False)
    assert run.model.input_shape == (None, 89)
    assert run.model.output_shape == (None, 2)
    assert run.recipe.net_arguments == {"samples": 89, "classes": 2}
    assert resume(run.folder).recipe == run.recipe


class OfOnesOwn(keras.layers.Layer):
    """A layer that Keras does not know by name."""

    def call(self, x):
        return 2 * x


def test_models_that_cannot_be_trained_so_are_refused_before_any_work(data, tmp_path):
    inputs = keras.Input((178,), name="signal")
    softmax = keras.layers.Dense(5, "softmax")(inputs)
    cases = [
        (keras.Model(inputs, softmax, name="soft"), r"soft ends in probabilities \(dense"),
        (keras.Model(inputs, keras.layers.Dense(3)(inputs)), "gives 3 logits; .* 5 classes"),
        (kn.build("seizure-mlp", samples=100), r"takes inputs of shape \(100,\); .* has \(178,\)"),
        (keras.Sequential([keras.layers.Dense(5)], name="open"), "open has no inputs yet"),
    ]
    unknown = keras.layers.Dense(5, name="logits")(OfOnesOwn()(inputs))
    cases.append((keras.Model(inputs, unknown), "cannot be loaded from its own file.*register"))
    for model, message in cases:
        with pytest.raises(ValueError, match=message):
            kn.train(model, data=data, out=tmp_path / "r", progress=False)
        assert not list(tmp_path.iterdir())


def test_an_existing_folder_is_never_written_over(trained, data, tmp_path):
    with pytest.raises(
        FileExistsError, match=r"go on with the run in it: kerasnets train --resume"
    ):
        kn.train("seizure-mlp", data=data, out=trained.folder)
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(FileExistsError, match="holds something already"):
        kn.train("seizure-mlp", data=data, out=file)


def test_another_folder_is_not_called_a_run(data, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"Choose another folder\.$"):
        kn.train("seizure-mlp", data=data, out=tmp_path)


def test_run_folders_are_numbered_by_default(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = [
        kn.train("seizure-mlp", data=data, epochs=1, progress=False).folder for _ in range(2)
    ]
    assert [str(folder) for folder in folders] == ["runs/seizure-mlp-1", "runs/seizure-mlp-2"]


def test_progress_shows_a_line_an_epoch(data, tmp_path, capfd):
    kn.train("seizure-mlp", data=data, epochs=2, out=tmp_path / "r")
    lines = [line for line in capfd.readouterr().err.splitlines() if line.startswith("epoch")]
    assert len(lines) == 2
    assert "2/2" in lines[1]
    assert "val loss" in lines[1]


def test_options_of_the_data_in_a_net_s_own_recipe_hold_beside_those_asked_for(tmp_path):
    options = {"recordings_per_class": 3}
    run = kn.train(
        "seizure-spectral-long",
        data="seizure-simulated",
        data_options=options,
        epochs=1,
        out=tmp_path / "run",
        progress=False,
    )
    assert run.recipe.data_options == {"samples": 2_047, "step": 178, **options}
    # 3 recordings of each of 5 kinds, one each in training; the last window starts at 11 · 178.
    assert run.environment["data"]["rows"]["train"] == 5 * 12
    assert run.model.input_shape == (None, 2_047)


@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="Linux alone says it there")
@pytest.mark.parametrize("net", ["seizure-cnn", "mortality-gru"])
def test_memory_does_not_grow_over_100_epochs(net, tmp_path):
    mortality = net.startswith("mortality")
    options = {"patients": 60} if mortality else {"recordings_per_class": 3}
    name = "mortality-simulated" if mortality else "seizure-simulated"
    megabytes = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            megabytes.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)

    data = kn.load_data(name, **options)
    kn.train(
        net,
        data=data,
        epochs=100,
        out=tmp_path / "r",
        progress=False,
        callbacks=[Watch()],
        xla="off",
    )
    # A compiled step kept for each epoch would be a megabyte each; measured is less than 1 in all.
    assert megabytes[-1] - megabytes[10] < 20

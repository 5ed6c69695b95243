"""One process of a run: its epochs, early stopping and progress."""

from __future__ import annotations

import os
from pathlib import Path

import keras
import numpy as np
import pytest

import kerasnets as kn
from kerasnets._temporary import locked
from kerasnets.training import resume
from kerasnets.training.stored import read_history
from tests.training.helpers import dataset, small_model, train, weights_of


def test_two_processes_do_not_write_into_one_run(tmp_path):
    (tmp_path / "recipe.toml").touch()
    with locked(tmp_path), pytest.raises(OSError, match=f"Another process .* {tmp_path}"):
        resume(tmp_path)


def test_early_stopping_waits_for_its_patience(tmp_path):
    settings = {"epochs": 60, "early_stopping": 2, "learning_rate": 0.05}
    run = train(small_model(), dataset(64), tmp_path / "r", **settings)
    epochs = len(run.history["loss"])
    assert epochs < 60
    assert epochs - run.best_epoch == 2


def test_a_validation_loss_that_is_not_finite_never_replaces_the_best_epoch(tmp_path):
    class Poison(keras.callbacks.Callback):
        tests = 0

        def on_test_begin(self, logs=None):
            self.tests += 1
            if self.tests == 3:
                bias = self.model.layers[-1].bias
                bias.assign(np.full(bias.shape, np.nan))

    out = tmp_path / "r"
    with pytest.raises(ArithmeticError, match=r"After epoch 3, \{'val_loss': nan\} is not finite"):
        train(small_model(), dataset(32), out, epochs=5, callbacks=[Poison()])
    for name in ("last.keras", "best.keras"):
        assert all(np.isfinite(weight).all() for weight in weights_of(out / "checkpoints", name))
    assert len(read_history(out)["loss"]) == 2


def test_a_diverging_run_names_the_step_and_keeps_the_last_complete_epoch(tmp_path):
    out = tmp_path / "r"
    settings = {"optimizer": "sgd", "learning_rate": 1e9, "epochs": 50}
    with pytest.raises(ArithmeticError, match=r"loss is (nan|inf) at step \d+ of epoch \d+"):
        train("seizure-mlp-wide", kn.load_data("seizure-simulated", recordings_per_class=3), out,
              **settings)  # fmt: skip
    assert all(np.isfinite(weight).all() for weight in weights_of(out, "checkpoints/last.keras"))


def test_progress_shows_one_line_per_epoch(tmp_path, capfd):
    kn.train(small_model(), data=dataset(32), epochs=2, out=tmp_path / "r")
    lines = capfd.readouterr().err.splitlines()
    epochs = [line for line in lines if line.startswith("epoch")]
    assert len(epochs) == 2
    assert "2/2" in epochs[1]
    assert "val loss" in epochs[1]
    assert sum(line.startswith("compiled by TensorFlow in ") for line in lines) == 1


def test_a_user_s_callback_is_called_per_epoch(tmp_path):
    seen = []
    spy = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    train(small_model(), dataset(32), tmp_path / "r", epochs=2, callbacks=[spy])
    assert seen == [0, 1]


@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="only Linux has this file")
@pytest.mark.parametrize("kind", ["arrays", "visits"])
def test_memory_does_not_grow_over_100_epochs(kind, tmp_path):
    megabytes = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            megabytes.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)

    net, data = small_model("conv"), dataset(40)
    if kind == "visits":
        net, data = "mortality-gru", kn.load_data("mortality-simulated", patients=30)
    train(net, data, tmp_path / "r", epochs=100, callbacks=[Watch()], xla="off")
    # A leak of one compiled step per epoch would take about 90 MB; the measured growth is below 1.
    assert megabytes[-1] - megabytes[10] < 20

"""The state after an epoch is written to disk from time to time, and always at the end."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from kerasnets.training import checkpoints, run_folder
from kerasnets.training.checkpoints import Checkpoints
from tests.training.helpers import assert_same_bits, small_model


@pytest.fixture
def model():
    model = small_model()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.optimizer.build(model.trainable_variables)
    return model


def test_a_state_kept_in_memory_is_written_at_the_end(model, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "_MAX_SHARE", 1e-9)  # only the first state is written at once
    kept, states = Checkpoints(tmp_path), []
    for epoch in range(3):
        model.layers[1].bias.assign(np.full(8, epoch))
        model.optimizer.iterations.assign(epoch)
        states.append(model.get_weights())
        kept.keep(model, epoch + 1, best=epoch < 2, over=False)
    assert _saved(tmp_path, "last").optimizer.iterations.numpy() == 0
    assert _epochs(tmp_path) == 1
    model.layers[1].bias.assign(np.full(8, np.nan))
    kept.write(model)
    for name, epoch in (("best", 1), ("last", 2)):
        assert_same_bits(_saved(tmp_path, name).get_weights(), states[epoch])
    assert _saved(tmp_path, "last").optimizer.iterations.numpy() == 2
    assert _epochs(tmp_path) == 3
    np.testing.assert_array_equal(model.layers[1].bias, np.full(8, 2))


def test_the_end_is_written_at_once_and_only_once(model, tmp_path):
    kept = Checkpoints(tmp_path)
    kept.keep(model, 1, best=True, over=True)
    path = tmp_path / "checkpoints" / "last.keras"
    written = path.stat().st_mtime_ns
    kept.write(model)
    assert path.stat().st_mtime_ns == written


def test_a_file_without_a_number_of_epochs_has_none(model, tmp_path):
    run_folder.save_model(model, tmp_path / "model.keras")
    assert run_folder.read_epochs(tmp_path / "model.keras") is None


def _saved(folder, name):
    return keras.saving.load_model(folder / "checkpoints" / f"{name}.keras")


def _epochs(folder):
    return run_folder.read_epochs(folder / "checkpoints" / "last.keras")

"""The state after an epoch is written to disk from time to time, and always at the end."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from kerasnets.training import checkpoints
from kerasnets.training.checkpoints import Checkpoints
from kerasnets.training.identity import RunIdentity
from kerasnets.training.model_file import read_state
from tests.training.helpers import assert_same_bits, dataset, recipe, small_model

HISTORY = {"loss": [3.0, 2.0, 1.0]}


@pytest.fixture
def model():
    model = small_model()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.optimizer.build(model.trainable_variables)
    return model


def checkpoints_in(folder, saved=None):
    """Checkpoints that append the saved numbers of epochs to a list."""
    identity = RunIdentity.of(recipe(), dataset(16), "0" * 64)
    return Checkpoints(
        folder,
        [].append if saved is None else saved.append,
        lambda kind, epochs, steps: identity.state(kind, epochs, steps, HISTORY),
    )


def test_a_state_kept_in_memory_is_written_at_the_end(model, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "_MAX_SHARE", 1e-9)  # only the first state is written at once
    saved, states = [], []
    kept = checkpoints_in(tmp_path, saved)
    for epoch in range(3):
        model.layers[1].bias.assign(np.full(8, epoch))
        model.optimizer.iterations.assign(epoch)
        states.append(model.get_weights())
        kept.keep(model, epoch + 1, best=epoch < 2, over=False)
    assert _saved(tmp_path, "last").optimizer.iterations.numpy() == 0
    assert _epochs(tmp_path) == {"best": 1, "last": 1}
    assert saved == [1]
    model.layers[1].bias.assign(np.full(8, np.nan))
    kept.write(model)
    for name, epoch in (("best", 1), ("last", 2)):
        assert_same_bits(_saved(tmp_path, name).get_weights(), states[epoch])
    assert _saved(tmp_path, "last").optimizer.iterations.numpy() == 2
    assert _epochs(tmp_path) == {"best": 2, "last": 3}
    assert saved == [1, 3]
    state = read_state(tmp_path / "checkpoints" / "last.keras")
    assert (state.kind, state.steps, state.recipe["batch_size"]) == ("last", 2, 16)
    np.testing.assert_array_equal(model.layers[1].bias, np.full(8, 2))


def test_the_end_is_written_at_once_and_only_once(model, tmp_path):
    kept = checkpoints_in(tmp_path)
    kept.keep(model, 1, best=True, over=True)
    path = tmp_path / "checkpoints" / "last.keras"
    written = path.stat().st_mtime_ns
    kept.write(model)
    assert path.stat().st_mtime_ns == written


def _saved(folder, name):
    return keras.saving.load_model(folder / "checkpoints" / f"{name}.keras")


def _epochs(folder):
    states = {
        name: read_state(folder / "checkpoints" / f"{name}.keras") for name in ("best", "last")
    }
    return {name: state.epochs for name, state in states.items()}

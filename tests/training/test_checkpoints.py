"""The state after an epoch: on disk now and then, and at the end whatever ends it."""

from __future__ import annotations

import keras
import numpy as np

from kerasnets.training import checkpoints
from kerasnets.training.checkpoints import Checkpoints
from tests.training.test_steps import recipe, small_model, split
from tests.training.test_steps import run as train


def test_a_state_that_was_only_kept_is_written_at_the_end_best_and_last(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "_MOST_TIME", 1e-9)  # nothing after the first
    model, kept = small_model(), Checkpoints(tmp_path)
    train(model, split(40), recipe(epochs=1))
    states = []
    for epoch in range(3):
        model.layers[1].bias.assign(np.full(8, epoch))
        model.optimizer.iterations.assign(epoch)
        states.append(model.get_weights())
        kept.keep(model, best=epoch < 2, over=False)
    assert _saved(tmp_path, "last").optimizer.iterations.numpy() == 0
    model.layers[1].bias.assign(np.full(8, np.nan))
    kept.write(model)
    for name, epoch in (("best", 1), ("last", 2)):
        for a, b in zip(_saved(tmp_path, name).get_weights(), states[epoch], strict=True):
            np.testing.assert_array_equal(a, b)
    assert _saved(tmp_path, "last").optimizer.iterations.numpy() == 2
    np.testing.assert_array_equal(model.layers[1].bias, np.full(8, 2))


def test_the_end_is_written_at_once_and_only_once(tmp_path):
    model, kept = small_model(), Checkpoints(tmp_path)
    train(model, split(40), recipe(epochs=1))
    kept.keep(model, best=True, over=True)
    written = (tmp_path / "checkpoints" / "last.keras").stat().st_mtime_ns
    kept.write(model)
    assert (tmp_path / "checkpoints" / "last.keras").stat().st_mtime_ns == written


def _saved(folder, name):
    return keras.saving.load_model(folder / "checkpoints" / f"{name}.keras")

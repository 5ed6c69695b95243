"""A run that was interrupted or killed and resumed equals an uninterrupted run."""

from __future__ import annotations

import json
import shutil

import keras
import pytest

import kerasnets as kn
from kerasnets.training import resume
from kerasnets.training.plan import Plan
from kerasnets.training.stored import read_history
from tests.training.helpers import (
    assert_same_bits,
    dataset,
    interrupt_at,
    small_model,
    train,
    train_interrupted,
)

OPTIONS = {"recordings_per_class": 4}


@pytest.fixture(scope="module")
def data():
    return kn.load_data("seizure-simulated", **OPTIONS)


@pytest.fixture(scope="module")
def uninterrupted(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("uninterrupted") / "run"
    return train("seizure-mlp", data, out, epochs=2).folder


@pytest.mark.parametrize(
    ("net", "sizes", "epoch"),
    # Dropout; augmentation of the inputs; a recurrent layer.
    [
        ("seizure-cnn-dropout", {"filters": [4], "units": [8]}, 0),
        ("seizure-spectral-small", {"frames": [16], "steps": [8], "filters": [[4]], "units": 3}, 1),
        ("gru", {}, 1),
    ],
)
def test_a_run_interrupted_before_an_epoch_is_resumed(net, sizes, epoch, data, tmp_path):
    settings = {"epochs": 2, "net_arguments": sizes}
    if net == "gru":  # with few time steps, because those of the catalogue have 178
        net, data, settings = small_model("gru"), dataset(48), {"epochs": 2}
    train_interrupted(net, data, tmp_path / "a", epoch, **settings)
    assert len(read_history(tmp_path / "a").get("loss", [])) == epoch
    complete = train(net, data, tmp_path / "b", **settings)
    resumed = resume(tmp_path / "a", data=data, progress=False)
    assert resumed.history == complete.history
    assert_same_bits(resumed.model.get_weights(), complete.model.get_weights())
    for name in ("history.csv", "metrics.json", "examples.npz", "recipe.toml", "model.keras"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    first, second = json.loads((tmp_path / "a" / "environment.json").read_text())["sessions"]
    assert first["epochs"] == [1, epoch]
    assert second["epochs"] == [epoch + 1, 2]
    assert first["seconds"] > 0 or epoch == 0


# tests/reliability/test_disturbed.py kills real processes, and compares all files.


def test_a_run_killed_before_its_last_checkpoint_repeats_the_epoch(tmp_path):
    """The process is killed after it wrote the history and before it wrote ``last.keras``."""
    data, folder = dataset(64), tmp_path / "run"
    run = train(small_model("dropout"), data, folder, epochs=3)
    weights = run.model.get_weights()
    files = {name: (folder / name).read_bytes() for name in ("metrics.json", "model.keras")}
    for name in files:
        (folder / name).unlink()
    train_interrupted(small_model("dropout"), data, tmp_path / "two", 2, epochs=3)
    last = "checkpoints/last.keras"
    (tmp_path / "two" / last).replace(folder / last)
    again = resume(folder, data=data, progress=False)
    assert again.history == run.history
    assert (folder / "metrics.json").read_bytes() == files["metrics.json"]
    assert_same_bits(again.model.get_weights(), weights)


def test_the_choice_of_xla_is_used_again(tmp_path, monkeypatch):
    data, settings = dataset(32), {"epochs": 2, "xla": "auto"}
    monkeypatch.setattr(Plan, "_choose_xla", lambda *arguments: True)
    train_interrupted(small_model(), data, tmp_path / "a", 1, **settings)
    monkeypatch.setattr(Plan, "_choose_xla", lambda *arguments: pytest.fail("decided again"))
    run = resume(tmp_path / "a", data=data, progress=False)
    assert run.environment["xla"] is True


def test_a_run_can_be_interrupted_twice(tmp_path):
    data = dataset(32)
    complete = train(small_model(), data, tmp_path / "a", epochs=3)
    train_interrupted(small_model(), data, tmp_path / "b", 1, epochs=3)
    with pytest.raises(KeyboardInterrupt):
        resume(tmp_path / "b", data=data, progress=False, callbacks=[interrupt_at(2)])
    resumed = resume(tmp_path / "b", data=data, progress=False)
    assert [s["epochs"] for s in resumed.environment["sessions"]] == [[1, 1], [2, 2], [3, 3]]
    assert_same_bits(resumed.model.get_weights(), complete.model.get_weights())


def test_a_finished_run_is_returned_as_it_is(uninterrupted):
    before = (uninterrupted / "metrics.json").stat().st_mtime_ns
    assert resume(uninterrupted).metrics == kn.load_run(uninterrupted).metrics
    assert (uninterrupted / "metrics.json").stat().st_mtime_ns == before


def test_resuming_with_other_data_is_refused(uninterrupted, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(uninterrupted, folder)
    (folder / "metrics.json").unlink()
    other = kn.load_data("seizure-simulated", recordings_per_class=5)
    with pytest.raises(ValueError, match="was trained on data with checksum"):
        resume(folder, data=other)
    by_row = kn.load_data("seizure-simulated", **OPTIONS, split="row")
    with pytest.raises(ValueError, match="with split recording, but these have split row"):
        resume(folder, data=by_row)
    with pytest.raises(FileNotFoundError, match=r"is not a run folder: it has no recipe\.toml"):
        resume(tmp_path)


def test_training_again_after_a_run_does_not_continue_it(tmp_path):
    """A compiled model that was trained before has an optimizer that has counted steps."""
    model, data = small_model(), dataset(64)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    model.fit(data.train.x, data.train.y, epochs=2, verbose=0)
    for rescaling in ("none", "standard"):
        run = train(model, data, tmp_path / rescaling, epochs=3, rescaling=rescaling)
        assert len(run.history["loss"]) == 3
        last = keras.saving.load_model(run.folder / "checkpoints" / "last.keras")
        assert int(last.optimizer.iterations) == 2 * 2 + 3 * 2

"""The final model has the same bytes for the same seed, and can be evaluated and trained."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

import kerasnets as kn
from kerasnets.training import model_file, resume
from kerasnets.training.model_file import last_checkpoint, read_state, save_final_model
from tests.training.helpers import assert_same_bits, dataset, small_model, train, train_interrupted

NET = "seizure-mlp"
# The learning rate is so large that the best epoch is not the last one.
SETTINGS = {"epochs": 5, "learning_rate": 2.0, "net_arguments": {"dropout": 0.2}}
DATA = dataset(64)
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def test_the_same_seed_writes_the_same_bytes_whenever_checkpoints_were_due(tmp_path, monkeypatch):
    """Also after other nets were built, and after an interruption."""
    runs = {}
    for share, name in ((1e9, "every epoch"), (1e-9, "first and last epoch")):
        monkeypatch.setattr("kerasnets.training.checkpoints._MAX_SHARE", share)
        runs[name] = train(NET, DATA, tmp_path / name, **SETTINGS)
    train_interrupted(NET, DATA, tmp_path / "interrupted", 2, **SETTINGS)
    runs["interrupted"] = resume(tmp_path / "interrupted", data=DATA, progress=False)
    assert next(iter(runs.values())).best_epoch < SETTINGS["epochs"]
    assert len({(run.folder / "model.keras").read_bytes() for run in runs.values()}) == 1


@pytest.mark.parametrize("optimizer", ["recipe", "compiled"])
def test_keras_can_evaluate_and_train_the_model(optimizer, tmp_path):
    settings, net = {"schedule": "cosine"}, small_model()
    if optimizer == "compiled":
        net.compile(keras.optimizers.SGD(0.1, momentum=0.9), LOSS, metrics=["accuracy"])
        settings = {}
    run = train(net, DATA, tmp_path / "run", epochs=3, **settings)
    model = keras.models.load_model(run.folder / "model.keras")
    accuracy = model.evaluate(DATA.validation.x, DATA.validation.y, verbose=0, return_dict=True)
    assert accuracy["accuracy"] == pytest.approx(run.metrics["validation"]["accuracy"], abs=1e-6)
    assert int(model.optimizer.iterations) == 0
    assert all(not np.any(v) for v in model.optimizer.variables if "learning_rate" not in v.path)
    model.fit(DATA.train.x, DATA.train.y, verbose=0)
    assert int(model.optimizer.iterations) == 2


def test_the_learning_rate_is_that_of_the_best_epoch(tmp_path):
    net = small_model()
    net.compile(keras.optimizers.SGD(0.25), LOSS, metrics=["accuracy"])
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    run = train(net, DATA, tmp_path / "run", epochs=3, callbacks=[halve])
    model = kn.load_run(run.folder).model
    assert float(model.optimizer.learning_rate) == 0.25 / 2**run.best_epoch


def test_a_file_is_saved_without_a_time(tmp_path, monkeypatch):
    model = small_model()
    model.compile("adam", LOSS)
    save_final_model(model, tmp_path / "a.keras", 0.5)
    monkeypatch.setattr("time.localtime", lambda *seconds: (2000, 1, 1, 0, 0, 0, 0, 0, 0))
    save_final_model(model, tmp_path / "b.keras", 0.5)
    assert (tmp_path / "a.keras").read_bytes() == (tmp_path / "b.keras").read_bytes()
    again = keras.models.load_model(tmp_path / "a.keras")
    assert_same_bits(again.get_weights(), model.get_weights())
    assert float(again.optimizer.learning_rate) == 0.5


def test_a_state_that_is_missing_or_damaged_is_refused(tmp_path):
    path = last_checkpoint(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"last\.keras does not exist"):
        read_state(path)
    path.parent.mkdir()
    small_model().save(path)
    with pytest.raises(ValueError, match=r"last\.keras is not a checkpoint .* has no run\.json"):
        read_state(path)
    content = path.read_bytes()
    for damaged in (b"", content[: len(content) // 2], b"PK" * 50):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"last\.keras is damaged"):
            read_state(path)


def test_ids_of_shared_objects_do_not_depend_on_addresses():
    """Keras writes the address of an initializer that a recurrent layer shares with its cell."""
    config = '[{"shared_object_id": 140401}, {"shared_object_id": 7}, {"shared_object_id": 140401}]'
    numbered = model_file._number_shared_objects(config)
    assert [entry["shared_object_id"] for entry in json.loads(numbered)] == [1, 2, 1]

"""A run is resumed only from files that belong together; nothing has changed otherwise."""

from __future__ import annotations

import json
import re
import shutil

import keras
import pytest

from kerasnets.training import resume
from tests.training.helpers import (
    assert_same_bits,
    dataset,
    small_model,
    train,
    train_interrupted,
    weights_of,
)

DATA = dataset(64)
LAST, BEST = "checkpoints/last.keras", "checkpoints/best.keras"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs that were interrupted before their last epoch: one, and two that differ from it."""
    folder = tmp_path_factory.mktemp("runs")
    train_interrupted(small_model(), DATA, folder / "run", 3, epochs=4)
    train_interrupted(small_model(), DATA, folder / "seed", 3, epochs=4, seed=1)
    other = small_model()
    other.layers[-1].bias.assign([0.0, 0.0, 0.5])
    train_interrupted(other, DATA, folder / "weights", 3, epochs=4)
    return folder


def change(path, old, new):
    text = path.read_bytes()
    assert old.encode() in text
    path.write_bytes(text.replace(old.encode(), new.encode(), 1))


def cut_lines(path, lines):
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:lines]))


CHANGES = {
    "history deleted": (
        lambda run, runs: (run / "history.csv").unlink(),
        r"history\.csv has 0 epochs, but .*last\.keras has 3",
    ),
    "history without its last epoch": (
        lambda run, runs: cut_lines(run / "history.csv", 3),
        r"history\.csv has 2 epochs, but .*last\.keras has 3",
    ),
    "history cut in a line": (
        lambda run, runs: (run / "history.csv").write_bytes(
            (run / "history.csv").read_bytes()[:-9]
        ),
        r"history\.csv is damaged: its last line is not complete",
    ),
    "history of another run": (
        lambda run, runs: shutil.copy(runs / "seed" / "history.csv", run),
        r"history\.csv is not the history that .*last\.keras was saved with",
    ),
    "other seed": (
        lambda run, runs: change(run / "recipe.toml", "\nseed = 0", "\nseed = 1"),
        r"recipe\.toml has seed = 1, but .*last\.keras was trained with seed = 0",
    ),
    "other batch size": (
        lambda run, runs: change(run / "recipe.toml", "batch_size = 32", "batch_size = 33"),
        r"recipe\.toml has batch_size = 33, but .* batch_size = 32",
    ),
    "checkpoint of another seed": (
        lambda run, runs: shutil.copy(runs / "seed" / LAST, run / LAST),
        r"recipe\.toml has seed = 0, but .*last\.keras was trained with seed = 1",
    ),
    "checkpoint of other initial weights": (
        lambda run, runs: shutil.copy(runs / "weights" / LAST, run / LAST),
        r"last\.keras belongs to another run",
    ),
    "best checkpoint of another run": (
        lambda run, runs: shutil.copy(runs / "weights" / BEST, run / BEST),
        r"best\.keras belongs to another run",
    ),
    "best checkpoint as last": (
        lambda run, runs: shutil.copy(run / BEST, run / LAST),
        r"last\.keras is a copy of best\.keras",
    ),
    "no best checkpoint": (
        lambda run, runs: (run / BEST).unlink(),
        r"best\.keras does not exist",
    ),
    "damaged checkpoint": (
        lambda run, runs: (run / LAST).write_bytes((run / LAST).read_bytes()[:-100]),
        r"last\.keras cannot be loaded as a Keras model",
    ),
    "another environment": (
        lambda run, runs: shutil.copy(runs / "weights" / "environment.json", run),
        r"last\.keras belongs to another run",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_run_with_changed_files_is_not_resumed(name, runs, tmp_path):
    apply, message = CHANGES[name]
    run = tmp_path / "run"
    shutil.copytree(runs / "run", run)
    apply(run, runs)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        resume(run, data=DATA, progress=False)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_an_optimizer_with_other_steps_is_refused(runs, tmp_path, monkeypatch):
    shutil.copytree(runs / "run", tmp_path / "run")
    load = keras.saving.load_model

    def load_and_count(path, **options):
        model = load(path, **options)
        model.optimizer.iterations.assign_add(1)
        return model

    monkeypatch.setattr(keras.saving, "load_model", load_and_count)
    with pytest.raises(ValueError, match="after 6 steps, but its optimizer has counted 7"):
        resume(tmp_path / "run", data=DATA, progress=False)


def test_data_that_only_the_checkpoint_knows_are_refused(runs, tmp_path):
    """The description in the run folder was changed so that it fits."""
    run = tmp_path / "run"
    shutil.copytree(runs / "run", run)
    change(run / "environment.json", '"checksum": "64 rows"', '"checksum": "65 rows"')
    with pytest.raises(ValueError, match=r"trained on data with checksum 64 rows, but these .* 65"):
        resume(run, data=dataset(64, checksum="65 rows"), progress=False)


def test_an_earlier_checkpoint_of_the_same_run_is_resumed(runs, tmp_path):
    """A copy from a backup: the epochs since then are repeated."""
    train_interrupted(small_model(), DATA, tmp_path / "earlier", 2, epochs=4)
    shutil.copytree(runs / "run", tmp_path / "run")
    shutil.copy(tmp_path / "earlier" / LAST, tmp_path / "run" / LAST)
    expected = train(small_model(), DATA, tmp_path / "complete", epochs=4)
    resumed = resume(tmp_path / "run", data=DATA, progress=False)
    assert resumed.history == expected.history
    assert_same_bits(weights_of(resumed.folder, LAST), weights_of(expected.folder, LAST))


def test_a_message_names_the_file_and_what_to_do(runs, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(runs / "run", run)
    environment = json.loads((run / "environment.json").read_text())
    del environment["data"]["checksum"]
    (run / "environment.json").write_text(json.dumps(environment))
    message = re.escape(f"{run / 'environment.json'} is damaged: data.checksum: Field required.")
    with pytest.raises(ValueError, match=f"{message} Restore it from a copy, or train again"):
        resume(run, data=DATA)

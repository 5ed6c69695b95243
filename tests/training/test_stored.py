"""Damaged files of a run folder are refused; the message names the file and the line."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

import kerasnets as kn
from kerasnets.training import resume
from kerasnets.training.recipe import read_recipe, read_settings
from kerasnets.training.run_folder import write_history
from kerasnets.training.stored import read_history
from tests.training.helpers import dataset, small_model, train

HISTORY = {"loss": [0.5, 0.25], "val_loss": [1e-7, 3.0]}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    return train(small_model(), dataset(32), out, epochs=2).folder


@pytest.fixture
def folder(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


def test_a_history_is_read_as_it_was_written(tmp_path):
    assert read_history(tmp_path) == {}
    write_history(tmp_path, HISTORY)
    assert read_history(tmp_path) == HISTORY


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2,0.25,3.0\r\n", "2,0.25,3.0,9.0\r\n", "line 3 has 4 fields, but the header has 3"),
        ("2,0.25,3.0\r\n", "2,0.25\r\n", "line 3 has 2 fields, but the header has 3"),
        ("2,0.25", "3,0.25", "line 3 must be epoch 2, but is epoch '3'"),
        ("0.25", "x", "line 3 has 'x', which is not a number"),
        ("0.25", "0.2_5", "it is not exactly as it was written"),
        ("0.25", "0.250", "it is not exactly as it was written"),
        ("0.25", '"0.25"', "it is not exactly as it was written"),
        ("0.25", '"0.25', "is damaged"),
        ("3.0\r\n", "3.0", "its last line is not complete"),
        ("3.0\r\n", "3.0\r\n\r\n", "line 4 has 0 fields"),
        ("epoch,loss", "epoch,val_loss", "its header is"),
        ("epoch", "day", "its header is"),
        ("0.5", "\x00", "is damaged"),
    ],
)
def test_a_damaged_history_is_refused(old, new, message, tmp_path):
    write_history(tmp_path, HISTORY)
    path = tmp_path / "history.csv"
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new).encode())
    with pytest.raises(ValueError, match=message) as caught:
        read_history(tmp_path)
    assert str(path) in str(caught.value)


def cut(path, size=-10):
    path.write_bytes(path.read_bytes()[:size])


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("environment.json", cut),
        ("environment.json", lambda path: path.write_text("[]")),
        ("environment.json", lambda path: path.write_text("[" * 100_000)),
        ("environment.json", lambda path: path.write_bytes(b"\xff")),
        ("metrics.json", cut),
        ("metrics.json", lambda path: path.write_text('{"train": {}, "validation": {}}')),
        (
            "history.csv",
            lambda path: path.write_bytes(path.read_bytes().split(b"\r\n")[0] + b"\r\n"),
        ),
        ("recipe.toml", lambda path: path.write_text(f"net = {'[' * 3000}")),
        ("recipe.toml", lambda path: path.write_bytes(b"net = '\xff'")),
        ("recipe.toml", lambda path: path.write_text(f"seed = {'1' * 5000}")),
    ],
)
def test_a_finished_run_with_a_damaged_file_is_not_loaded(name, change, folder):
    change(folder / name)
    with pytest.raises(ValueError, match=r"Restore|TOML|nested") as caught:
        kn.load_run(folder)
    assert str(folder / name) in str(caught.value)


@pytest.mark.parametrize("name", ["environment.json", "history.csv"])
def test_a_finished_run_with_a_missing_file_is_not_loaded(name, folder):
    (folder / name).unlink()
    with pytest.raises((FileNotFoundError, ValueError), match=name):
        kn.load_run(folder)


@pytest.mark.parametrize("size", [0, 1, 1000, -1, -100])
def test_a_damaged_model_or_example_is_refused_with_its_name(size, folder):
    run = kn.load_run(folder)
    cut(folder / "model.keras", size)
    cut(folder / "examples.npz", size)
    with pytest.raises(ValueError, match=rf"{folder}/model\.keras is damaged"):
        _ = run.model
    with pytest.raises(ValueError, match=rf"{folder}/examples\.npz is damaged"):
        _ = run.example_inputs


def test_a_missing_model_or_example_is_refused_with_its_name(folder):
    run = kn.load_run(folder)
    (folder / "model.keras").unlink()
    (folder / "examples.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"model\.keras"):
        _ = run.model
    with pytest.raises(FileNotFoundError, match=r"examples\.npz"):
        _ = run.example_inputs


def test_examples_that_were_replaced_are_refused(folder):
    run = kn.load_run(folder)
    np.savez(folder / "examples.npz", x=np.zeros_like(run.example_inputs))
    with pytest.raises(ValueError, match="it does not have the checksum in environment"):
        _ = run.example_inputs


def test_a_run_of_an_earlier_version_is_loaded_but_not_resumed(folder):
    """It has no checksums, and its checkpoints do not know their run."""
    environment = json.loads((folder / "environment.json").read_text())
    del environment["start"], environment["examples"]
    (folder / "environment.json").write_text(json.dumps(environment))
    run = kn.load_run(folder)
    assert run.example_inputs.shape == (32, 12)
    cut(folder / "examples.npz")
    with pytest.raises(ValueError, match=r"examples\.npz is damaged"):
        _ = run.example_inputs
    (folder / "metrics.json").unlink()
    run.model.save(folder / "checkpoints" / "last.keras")
    with pytest.raises(ValueError, match=r"is not a checkpoint of this version of kerasnets"):
        resume(folder, data=dataset(32), progress=False)


def test_a_recipe_with_many_brackets_is_refused(tmp_path):
    path = tmp_path / "recipe.toml"
    for text in ("[" * 3000, f"a = {'[' * 3000}{']' * 3000}", f"a = {'{a=' * 3000}"):
        path.write_text(text)
        with pytest.raises(ValueError, match=f"{path}"):
            read_settings(path)


@pytest.mark.parametrize(
    "text",
    [
        'net = "sizure-cnn"',
        "net = 5",
        'net = "xor"\nsede = 1',
        'net = "xor"\nseed = "a"',
        'net = "xor"\nnet_arguments = {unit = 3}',
    ],
)
def test_a_wrong_recipe_is_refused_with_its_name(text, tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"{path}"):
        read_recipe(path)

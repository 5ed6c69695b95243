"""The run folder appears complete, also where a folder cannot be replaced, or not at all."""

from __future__ import annotations

import subprocess
import threading

import keras
import pytest

import kerasnets as kn
from kerasnets.training import resume
from tests.training.helpers import assert_same_bits, dataset, small_model, train, weights_of

DATA = dataset(32)
FILES = {"recipe.toml", "environment.json", "history.csv", "checkpoints", "model.keras",
         "examples.npz", "metrics.json"}  # fmt: skip


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return train(small_model(), DATA, tmp_path_factory.mktemp("runs") / "run", epochs=2)


@pytest.fixture
def mount(tmp_path):
    """A mounted file system, as a volume of Docker is."""
    folder = tmp_path / "volume"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this process may not mount file systems")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def link(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    return tmp_path / "link"


def check_run(run, expected):
    assert {path.name for path in run.folder.iterdir()} == FILES
    assert_same_bits(weights_of(run.folder), weights_of(expected.folder))
    assert run.history == kn.load_run(run.folder).history == expected.history


def test_a_mount_point_becomes_a_run_folder(mount, expected):
    check_run(train(small_model(), DATA, mount, epochs=2), expected)
    assert mount.is_mount()


def test_a_link_to_an_empty_folder_becomes_a_run_folder(tmp_path, expected):
    out = link(tmp_path)
    check_run(train(small_model(), DATA, out, epochs=2), expected)
    assert out.is_symlink()


def test_a_failed_start_leaves_an_empty_folder_of_the_user(tmp_path):
    out = link(tmp_path)
    net = small_model()
    net.compile("adam", "sparse_categorical_crossentropy", metrics=[])
    with pytest.raises(ValueError, match="monitor='val_accuracy' is not measured"):
        train(net, DATA, out, monitor="val_accuracy")
    assert out.is_symlink()
    assert list(out.iterdir()) == []


def test_a_start_that_was_killed_is_cleaned_up_by_the_next_one(tmp_path, expected):
    """It had moved two files into the folder of the user."""
    out = link(tmp_path)
    leftover = out / ".01234567-content"
    leftover.mkdir()
    (leftover / ".moved").write_text("checkpoints\nenvironment.json\nrecipe.toml")
    (leftover / "recipe.toml").touch()
    (out / "checkpoints").mkdir()
    (out / "environment.json").touch()
    check_run(train(small_model(), DATA, out, epochs=2), expected)


def test_a_link_to_a_missing_folder_is_refused(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "missing")
    with pytest.raises(FileNotFoundError, match=r"link is a link to .*missing, which does not ex"):
        train(small_model(), DATA, tmp_path / "link")


def test_only_one_thread_of_a_process_trains(tmp_path, expected):
    errors = []

    def train_too():
        for work in (
            lambda: train(small_model(), DATA, tmp_path / "other"),
            lambda: resume(tmp_path / "run"),
        ):
            try:
                work()
            except RuntimeError as error:
                errors.append(str(error))

    class OtherThread(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            thread = threading.Thread(target=train_too)
            thread.start()
            thread.join()

    run = train(small_model(), DATA, tmp_path / "run", epochs=2, callbacks=[OtherThread()])
    check_run(run, expected)
    assert len(errors) == 2
    assert all("Another thread of this process is training" in error for error in errors)
    assert not (tmp_path / "other").exists()

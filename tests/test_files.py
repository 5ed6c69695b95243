"""kerasnets._files: files and folders are written completely or not at all."""

import errno
import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from kerasnets._errors import WriteError
from kerasnets._files import (
    atomic_content,
    atomic_folder,
    atomic_write,
    full_disk,
    name_full_disk,
    read_json,
    remove_incomplete_content,
    write_json,
)


def _write_and_raise(writing, error):
    """Write some content, then raise an error inside the block."""
    with writing as temporary:
        path = temporary / "part" if temporary.is_dir() else temporary
        path.write_text("part")
        raise error


def test_a_new_file_and_its_parent_folders_are_written(tmp_path):
    path = tmp_path / "a" / "b" / "model.weights.h5"
    with atomic_write(path) as temporary:
        assert temporary.parent == path.parent
        assert temporary.name.endswith(path.name)
        assert temporary.name.startswith(".")
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_an_old_file_is_replaced_only_at_the_end(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("old")
    with atomic_write(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file_and_no_temporary_file(tmp_path, error):
    path = tmp_path / "history.csv"
    path.write_text("old")
    with pytest.raises(error):
        _write_and_raise(atomic_write(path), error)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_that_writes_nothing_is_an_error_and_keeps_the_old_file(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError, match=r"Nothing was written to .*history"), atomic_write(path):
        pass
    assert path.read_text() == "old"


def test_the_file_has_the_permissions_of_a_file_written_directly(tmp_path):
    plain, written = tmp_path / "plain", tmp_path / "written"
    plain.write_text("text")
    with atomic_write(written) as temporary:
        temporary.write_text("text")
    assert stat.S_IMODE(written.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_a_folder_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "exported" / "seizure-gru" / "1"
    with atomic_folder(path) as temporary:
        assert temporary.parent == path.parent
        (temporary / "variables").mkdir()
        (temporary / "variables" / "index").write_text("x")
        assert not path.exists()
    assert (path / "variables" / "index").read_text() == "x"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_leaves_no_folder(tmp_path):
    with pytest.raises(RuntimeError):
        _write_and_raise(atomic_folder(tmp_path / "1"), RuntimeError)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["file", "empty folder"])
def test_an_existing_path_is_refused_before_the_block(tmp_path, kind):
    path = tmp_path / "1"
    path.mkdir() if kind == "empty folder" else path.write_text("theirs")
    with pytest.raises(FileExistsError, match="exists already"), atomic_folder(path):
        pytest.fail("the block ran")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_path_created_during_the_block_stays_unchanged(tmp_path, kind):
    path = tmp_path / "1"
    theirs = path if kind == "file" else path / "model"
    folder = atomic_folder(path)
    (folder.__enter__() / "model").write_text("ours")
    theirs.parent.mkdir(exist_ok=True)
    theirs.write_text("theirs")
    with pytest.raises(FileExistsError, match="exists already"):
        folder.__exit__(None, None, None)
    assert theirs.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_json_keeps_the_order_of_keys_and_non_ascii_letters(tmp_path):
    path = tmp_path / "card.json"
    value = {"units": "µV", "auroc": None, "accuracy": 0.5, "bins": [1, 2]}
    write_json(path, value)
    text = path.read_text(encoding="utf-8")
    assert list(json.loads(text).items()) == list(value.items())
    assert "µV" in text
    assert text.endswith("}\n")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_json_refuses_numbers_and_types_it_does_not_support(tmp_path, number):
    path = tmp_path / "metrics.json"
    path.write_text("old")
    with pytest.raises(ValueError, match=r"metrics\.json was not written.*None"):
        write_json(path, {"loss": number})
    with pytest.raises(TypeError):
        write_json(path, {"loss": np.zeros(2)})
    assert path.read_text() == "old"


def test_files_are_flushed_before_they_are_renamed_and_the_names_afterwards(tmp_path, monkeypatch):
    events = []
    fsync, replace, rename = os.fsync, Path.replace, Path.rename

    def recorded_fsync(descriptor):
        events.append(("flush", Path(f"/proc/self/fd/{descriptor}").readlink().name))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    for name, function in (("replace", replace), ("rename", rename)):
        monkeypatch.setattr(
            Path,
            name,
            lambda old, new, function=function: [events.append(("rename", Path(new).name)),
                                                 function(old, new)],
        )  # fmt: skip
    with atomic_write(tmp_path / "file") as new:
        new.write_text("x")
    assert events == [("flush", new.name), ("rename", "file"), ("flush", tmp_path.name)]
    events.clear()
    with atomic_folder(tmp_path / "folder") as new:
        (new / "inner").mkdir()
        (new / "inner" / "file").write_text("x")
    assert events == [
        *(("flush", name) for name in (new.name, "file", "inner")),
        ("rename", "folder"),
        ("flush", tmp_path.name),
    ] or events == [
        *(("flush", name) for name in (new.name, "inner", "file")),
        ("rename", "folder"),
        ("flush", tmp_path.name),
    ]


def fill(new):
    (new / "checkpoints").mkdir()
    (new / "checkpoints" / "last").write_text("x")
    (new / "history").write_text("x")
    (new / "recipe").write_text("x")


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_the_content_of_an_empty_folder_appears_with_its_last_file(kind, tmp_path):
    path = tmp_path / kind
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "lost+found").mkdir()  # of a newly formatted disk
    if kind == "link":
        path.symlink_to(tmp_path / "folder")
    inode = path.stat().st_ino
    with atomic_content(path, "recipe") as new:
        fill(new)
        assert {file.name for file in path.iterdir()} == {new.name, "lost+found"}
    names = {file.name for file in path.iterdir()}
    assert names == {"checkpoints", "history", "recipe", "lost+found"}
    assert path.stat().st_ino == inode
    assert path.is_symlink() == (kind == "link")


def test_a_folder_that_is_not_empty_gets_no_content(tmp_path):
    with pytest.raises(FileExistsError, match="is not empty"), atomic_content(tmp_path, "recipe"):
        (tmp_path / "theirs").touch()
    with pytest.raises(FileExistsError), atomic_content(tmp_path, "recipe"):
        pytest.fail("the block ran")
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]


@pytest.mark.parametrize("moved", [0, 1, 2, 3])
@pytest.mark.parametrize("killed", [True, False])
def test_content_that_is_moved_partly_is_removed(moved, killed, tmp_path, monkeypatch):
    """By the process itself after an error, and by the next one after it was killed."""
    rename, moves = Path.rename, []

    def rename_some(old, new):
        if len(moves) == moved:
            raise RuntimeError
        moves.append(new)
        return rename(old, new)

    monkeypatch.setattr(Path, "rename", rename_some)
    if killed:
        monkeypatch.setattr("kerasnets._files.remove", lambda path: None)
        monkeypatch.setattr("kerasnets._temporary.remove", lambda path: None)
    if moved < 3:
        with pytest.raises(RuntimeError), atomic_content(tmp_path, "recipe") as new:
            fill(new)
    else:
        with atomic_content(tmp_path, "recipe") as new:
            fill(new)
    monkeypatch.undo()
    if killed:
        assert len(list(tmp_path.iterdir())) == moved + 1
        remove_incomplete_content(tmp_path, "recipe")
    assert len(list(tmp_path.iterdir())) == (3 if moved == 3 else 0)


FULL = os.strerror(errno.ENOSPC)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, FULL),
        OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)),
        OSError(f"Can't write data (file write failed: errno = 28, error message = '{FULL}')"),
        RuntimeError(f"variables/index; {FULL}"),
    ],
)
def test_a_full_disk_is_an_error_that_names_the_path(error, tmp_path):
    path = tmp_path / "run" / "model.keras"
    with pytest.raises(WriteError, match=rf"{path} was not written: .*Free some space") as caught:
        _write_and_raise(atomic_write(path), error)
    assert caught.value.__cause__ is error
    assert list(path.parent.iterdir()) == []


def test_the_outer_path_of_nested_writes_is_named(tmp_path):
    """The inner path is temporary."""
    error = OSError(errno.ENOSPC, FULL)
    with (
        pytest.raises(WriteError, match=f"{tmp_path / 'run'} was not written"),
        atomic_folder(tmp_path / "run") as new,
    ):
        _write_and_raise(atomic_write(new / "model.keras"), error)


def test_other_errors_are_not_changed(tmp_path):
    error = PermissionError(errno.EACCES, "Permission denied", "x")
    with pytest.raises(PermissionError) as caught, name_full_disk(tmp_path):
        raise error
    assert caught.value is error
    assert full_disk(error) is None


def test_the_cause_of_an_error_may_be_a_full_disk():
    outer = RuntimeError("the trial was not stored")
    outer.__cause__ = RuntimeError("(sqlite3.OperationalError) database or disk is full")
    assert full_disk(outer) == "database or disk is full"


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "1" * 5000, "", "\ud800"])
def test_damaged_json_is_an_error_that_names_the_file(text, tmp_path):
    path = tmp_path / "card.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ValueError, match=r"card\.json is damaged"):
        read_json(path)

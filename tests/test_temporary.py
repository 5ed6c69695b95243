"""kerasnets._temporary: what a killed process leaves is removed, and nothing else."""

from __future__ import annotations

import pytest

from kerasnets._files import atomic_folder, atomic_write, write_json
from kerasnets._temporary import locked, remove_leftovers


def make_leftovers(folder):
    """What killed processes leave: a file, a folder, and a file of an earlier version."""
    (folder / ".01234567-1").mkdir(parents=True)
    (folder / ".01234567-1" / "part").touch()
    (folder / ".89abcdef-history.csv").touch()
    return [folder / ".01234567-1", folder / ".89abcdef-history.csv"]


def test_what_a_killed_process_left_is_removed_by_the_next_write_to_the_same_path(tmp_path):
    folder, file = make_leftovers(tmp_path)
    write_json(tmp_path / "other.json", {})
    assert folder.exists()
    assert file.exists()
    (tmp_path / "history.csv").write_text("old")
    with atomic_write(tmp_path / "history.csv") as new:
        assert not file.exists()
        new.write_text("new")
    with atomic_folder(tmp_path / "1") as new:
        assert not folder.exists()


def test_what_a_living_process_writes_is_never_removed(tmp_path):
    with atomic_folder(tmp_path / "runs" / "1") as new, atomic_write(tmp_path / "file") as file:
        remove_leftovers(tmp_path)
        with pytest.raises(RuntimeError, match="Nothing was written"), atomic_write(file):
            pass
        assert new.exists()
        file.write_text("x")
    assert (tmp_path / "file").read_text() == "x"


def test_leftovers_are_removed_in_subfolders_but_no_other_hidden_files(tmp_path):
    make_leftovers(tmp_path / "checkpoints")
    theirs = [tmp_path / name for name in (".settings-a", ".ABCDEF01-x", ".gitignore", "0-x")]
    for path in theirs:
        path.touch()
    with locked(tmp_path / "checkpoints" / ".01234567-1"):
        remove_leftovers(tmp_path)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == [".01234567-1"]
    remove_leftovers(tmp_path)
    assert list((tmp_path / "checkpoints").iterdir()) == []
    assert all(path.exists() for path in theirs)

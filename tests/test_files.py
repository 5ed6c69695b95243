"""kerasnets._files: files and folders are written completely or not at all."""

import json
import stat

import numpy as np
import pytest

from kerasnets._files import atomic_folder, atomic_write, write_json


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

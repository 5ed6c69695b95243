from pathlib import Path

import pytest

from kerasnets.exporting.versions import (
    find_version,
    list_versions,
    new_version,
    remove_new_parents_on_error,
)


def make_version(folder: Path, version: int) -> Path:
    path = folder / str(version)
    path.mkdir(parents=True)
    (path / "card.json").touch()
    return path


def test_versions_are_sorted_as_numbers(tmp_path):
    for version in (9, 10, 1):
        make_version(tmp_path, version)
    (tmp_path / "notes").mkdir()
    (tmp_path / "11").touch()
    assert list_versions(tmp_path) == [1, 9, 10]
    assert list_versions(tmp_path / "missing") == []


def test_a_parent_folder_is_replaced_by_its_highest_version(tmp_path):
    first, last = make_version(tmp_path, 1), make_version(tmp_path, 12)
    assert find_version(first) == first
    assert find_version(tmp_path) == last


def test_a_folder_without_an_export_is_rejected(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(FileNotFoundError, match="is not an exported version and contains none"):
            find_version(folder)


def test_new_versions_follow_the_highest_and_never_exist(tmp_path):
    assert new_version(tmp_path / "net") == tmp_path / "net" / "1"
    make_version(tmp_path, 7)
    assert new_version(tmp_path).name == "8"
    assert new_version(tmp_path, 3).name == "3"
    with pytest.raises(FileExistsError, match=r"never overwritten.*8"):
        new_version(tmp_path, 7)


@pytest.mark.parametrize("version", [0, True, "2", 1.0])
def test_a_version_must_be_a_positive_integer(tmp_path, version):
    with pytest.raises(ValueError, match=f"positive integer; got {version!r}"):
        new_version(tmp_path, version)


def test_a_file_is_not_a_folder_for_versions(tmp_path):
    (tmp_path / "net").touch()
    with pytest.raises(NotADirectoryError, match="is a file"):
        new_version(tmp_path / "net")


@pytest.mark.parametrize("existing", [False, True])
def test_only_new_parents_are_removed_after_an_error(tmp_path, existing):
    def fail():
        with remove_new_parents_on_error(tmp_path / "a" / "b"):
            (tmp_path / "a" / "b").mkdir(parents=True)
            raise RuntimeError

    if existing:
        (tmp_path / "a").mkdir()
    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.rglob("*")) == ([tmp_path / "a"] if existing else [])

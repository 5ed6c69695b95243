"""Who may take part in a search: the same arguments, data, versions and folder."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from kerasnets.studies.database import Database
from kerasnets.studies.joining import join, open_folder

ARGUMENTS = {"recipe": {"net": "xor", "epochs": 5}, "seed": 0, "data": "abc", "samplers": ("tpe",)}


@pytest.fixture
def local(tmp_path):
    return Database.file(tmp_path / "trials.db")


@pytest.fixture
def shared(tmp_path):
    """As for PostgreSQL; only the clock of the leases differs between the two."""
    return Database(f"sqlite:///{tmp_path / 'server.db'}", "postgresql://host/a", shared=True)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "search"
    folder.mkdir()
    return folder


def with_versions(monkeypatch, **changes):
    versions = {"kerasnets": "0.1.0", "keras": "3.15", **changes}
    monkeypatch.setattr("kerasnets.studies.joining._versions", lambda: versions)


def test_a_folder_is_locked_for_one_process_only_without_a_shared_database(local, shared, tmp_path):
    with open_folder(tmp_path / "a", local), pytest.raises(BlockingIOError, match="is using"):
        open_folder(tmp_path / "a", local).__enter__()
    with open_folder(tmp_path / "b", shared), open_folder(tmp_path / "b", shared):
        pass


def test_files_that_another_process_writes_are_not_removed(local, shared, tmp_path):
    unfinished = tmp_path / ".0123abcd-trials.csv"
    unfinished.touch()
    with open_folder(tmp_path, shared):
        assert unfinished.exists()
    with open_folder(tmp_path, local):
        assert not unfinished.exists()


@pytest.mark.parametrize("name", ["local", "shared"])
def test_the_same_search_may_be_joined_and_another_one_not(name, folder, request):
    database = request.getfixturevalue(name)
    for _ in range(3):
        join(folder, ARGUMENTS, database, "search")
    for changes, message in (
        ({"recipe": {"net": "xor", "epochs": 7}}, r"other recipe \(epochs: 5 instead of 7\)\."),
        ({"recipe": {"net": "xor"}}, r"other recipe \(epochs: 5 instead of None\)\."),
        ({"seed": 1, "data": "abd"}, r"other seed, data\."),
    ):
        with pytest.raises(ValueError, match=message):
            join(folder, {**ARGUMENTS, **changes}, database, "search")


def test_other_versions_of_a_process_are_named(folder, shared, local, monkeypatch):
    with_versions(monkeypatch)
    join(folder, ARGUMENTS, shared, "search")
    with_versions(monkeypatch, keras="3.14")
    with pytest.raises(ValueError, match=r"other versions \(keras: 3.15 instead of 3.14\)"):
        join(folder, ARGUMENTS, shared, "search")


def test_all_processes_need_the_same_folder(folder, shared, tmp_path):
    join(folder, ARGUMENTS, shared, "search")
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(ValueError, match=r"other is not the folder of the search 'search'"):
        join(other, ARGUMENTS, shared, "search")
    assert not list(other.iterdir())
    join(other, ARGUMENTS, shared, "another")


def test_a_folder_belongs_to_one_database(folder, shared, local, tmp_path):
    join(folder, ARGUMENTS, shared, "search")
    (folder / "runs").mkdir()
    empty = Database(f"sqlite:///{tmp_path / 'empty.db'}", "postgresql://host/b", shared=True)
    with pytest.raises(ValueError, match="contains a search that is not in postgresql://host/b"):
        join(folder, ARGUMENTS, empty, "search")
    with pytest.raises(ValueError, match=r"on a shared database\. Pass its storage"):
        join(folder, ARGUMENTS, local, "search")


def test_a_search_of_one_machine_is_not_moved_to_a_database(folder, local, shared):
    join(folder, ARGUMENTS, local, "search")
    with pytest.raises(ValueError, match="contains a search that is not in postgresql://host/a"):
        join(folder, ARGUMENTS, shared, "search")


def test_a_process_that_was_killed_while_it_made_the_search_is_replaced(folder, shared):
    join(folder, ARGUMENTS, shared, "search")
    with shared.engine.begin() as connection:
        connection.execute(sa.text("delete from kerasnets_searches"))
    with pytest.raises(ValueError, match="other seed"):
        join(folder, {**ARGUMENTS, "seed": 1}, shared, "search")
    join(folder, ARGUMENTS, shared, "search")
    found = json.loads((folder / "search.json").read_text())
    with shared.engine.begin() as connection:
        stored = connection.execute(sa.text("select arguments from kerasnets_searches")).scalar()
    assert json.loads(stored) == found


@pytest.mark.parametrize("name", ["local", "shared"])
def test_other_files_and_damaged_ones_are_refused(name, folder, request):
    database = request.getfixturevalue(name)
    (folder / "search.json").write_text("[1]")
    with pytest.raises(ValueError, match=r"search\.json is damaged: it is not a JSON object"):
        join(folder, ARGUMENTS, database, "search")
    (folder / "search.json").rename(folder / "notes.txt")
    with pytest.raises(FileExistsError, match="contains other files"):
        join(folder, ARGUMENTS, database, "search")

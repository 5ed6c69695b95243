"""Check that a process does the same search as the one before it, and as all others.

The arguments of a search are stored in its folder, and for a shared database also there. Several
processes may join a search only with the same arguments, data and versions, and in the same folder.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import platform
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import kerasnets
from kerasnets._files import entries, read_json, write_json
from kerasnets._temporary import locked, new_folder, remove_leftovers
from kerasnets.studies.database import Database

_FILE = "search.json"
_LIBRARIES = ("tensorflow", "keras", "numpy", "optuna")
_TABLE = sa.Table(
    "kerasnets_searches",
    sa.MetaData(),
    sa.Column("name", sa.String(512), primary_key=True),
    sa.Column("arguments", sa.Text, nullable=False),
)


@contextlib.contextmanager
def open_folder(folder: Path, database: Database) -> Iterator[None]:
    """Make the folder of a search. Without a shared database, lock it for this process.

    At the end, the connections to the database are closed.
    """
    with new_folder(folder), contextlib.closing(database):
        if database.shared:
            yield
            return
        with locked(folder):
            remove_leftovers(folder)
            yield


def join(folder: Path, arguments: Mapping[str, Any], database: Database, name: str) -> None:
    """Record the arguments of a new search, or compare them with the recorded ones.

    Args:
        folder: the folder of the search: locked by this process, or the same for all processes.
        arguments: what decides the trials and their scores, as JSON allows it. For a shared
            database, the versions of the libraries are added.
        database: the database of the search, inside :meth:`Database.setup`.
        name: name of the search in a shared database.

    Raises:
        ValueError: if the folder or the database contains another search, or the folder is not the
            one of the search in the database.
        FileExistsError: if the folder contains other files.
    """
    if database.shared:
        _join_shared(folder, _plain({**arguments, "versions": _versions()}), database, name)
        return
    mine, found = _plain(arguments), _read(folder)
    if found is None:
        write_json(folder / _FILE, mine)
        return
    if "id" in found:
        raise ValueError(
            f"{folder} contains a search on a shared database. Pass its storage, or choose another "
            "folder."
        )
    _compare(found, mine, f"{folder} contains a search")


def _plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with the types that JSON has."""
    return dict(json.loads(json.dumps(arguments)))


def _join_shared(folder: Path, mine: dict[str, Any], database: Database, name: str) -> None:
    _TABLE.create(database.engine, checkfirst=True)
    with database.engine.begin() as connection:
        query = sa.select(_TABLE.c.arguments).where(_TABLE.c.name == name)
        stored = connection.execute(query).scalar_one_or_none()
    found = _read(folder)
    if stored is None:
        _record(folder, found, mine, database, name)
        return
    joined = json.loads(stored)
    _compare(joined, mine, f"{database} contains a search named {name!r}")
    if found is None or found.get("id") != joined["id"]:
        raise ValueError(
            f"{folder} is not the folder of the search {name!r} in {database}. All processes need "
            "the same folder, on a shared path. For another search, choose another name for the "
            "study."
        )


def _record(
    folder: Path,
    found: dict[str, Any] | None,
    mine: dict[str, Any],
    database: Database,
    name: str,
) -> None:
    """Record a new search: first in the folder, so that the others find it there."""
    if found is None:
        found = {**mine, "id": secrets.token_hex(16)}
        write_json(folder / _FILE, found)
    elif "id" not in found or (folder / "runs").exists():
        raise ValueError(
            f"{folder} contains a search that is not in {database}. Pass the same storage and "
            "study as before, or choose another folder."
        )
    else:  # the process that has made the folder was killed
        _compare(found, mine, f"{folder} contains a search")
    with database.engine.begin() as connection:
        connection.execute(sa.insert(_TABLE), {"name": name, "arguments": json.dumps(found)})


def _read(folder: Path) -> dict[str, Any] | None:
    """The recorded arguments; ``None`` for an empty folder."""
    path = folder / _FILE
    if path.is_file():
        found = read_json(path)
        if not isinstance(found, dict):
            raise ValueError(f"{path} is damaged: it is not a JSON object. Choose another folder.")
        return found
    if entries(folder):
        raise FileExistsError(f"{folder} contains other files. Choose another folder.")
    return None


def _compare(found: Mapping[str, Any], mine: Mapping[str, Any], what: str) -> None:
    different = [_difference(name, found.get(name), mine[name]) for name in mine]
    if text := ", ".join(filter(None, different)):
        raise ValueError(
            f"{what} with other {text}. Pass the same arguments to resume or join it, on machines "
            "with the same versions and data, or choose another folder."
        )


def _difference(name: str, found: Any, mine: Any) -> str:
    """Name what differs; for settings and versions with both values."""
    if found == mine:
        return ""
    if not isinstance(found, dict) or not isinstance(mine, dict):
        return name
    values = [
        f"{key}: {found.get(key)} instead of {mine.get(key)}"
        for key in sorted({*found, *mine})
        if found.get(key) != mine.get(key)
    ]
    return f"{name} ({', '.join(values)})"


def _versions() -> dict[str, str]:
    """The versions that decide the bits of a training, and the trials."""
    python = ".".join(platform.python_version_tuple()[:2])
    libraries = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    return {"kerasnets": kerasnets.__version__, "python": python, **libraries}

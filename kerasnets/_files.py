"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary neighbour to write to; it replaces ``path`` when the block succeeds.

    The neighbour ends in the name of ``path``, so writers that go by the suffix (``.keras``,
    ``.weights.h5``, ``.png``) do the same for both. If the block raises, what was at ``path``
    before stays as it was and the neighbour is removed. Missing parent folders are made.

    Args:
        path: the file to write.

    Yields:
        The path to write to; it does not exist yet.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _neighbour(path)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary neighbour folder; it becomes ``path`` when the block succeeds.

    If the block raises, the neighbour is removed with all it holds. Missing parent folders are
    made.

    Args:
        path: the folder to make.

    Yields:
        An empty folder to fill.

    Raises:
        FileExistsError: ``path`` exists, either at the start or because somebody else made it
            while the block ran; theirs is left alone.
    """
    path = Path(path)
    if path.exists():
        raise _already_there(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _neighbour(path)
    temporary.mkdir()
    try:
        yield temporary
        try:
            temporary.rename(path)
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise _already_there(path) from error
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def locked(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Keep other processes that ask for the same out of ``folder`` while the block runs.

    Raises:
        BlockingIOError: another process is in it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BlockingIOError(
                f"Another process is at work in {folder}. Wait for it, or choose another folder."
            ) from None
        yield
    finally:
        os.close(descriptor)


def remove_neighbours(folder: str | os.PathLike[str]) -> None:
    """Remove the temporary neighbours that a killed process left in ``folder``."""
    for path in Path(folder).glob(".????????-*"):
        path.unlink()


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write ``value`` as JSON, atomically: keys in the given order, two spaces of indent, UTF-8.

    Args:
        path: the file to write.
        value: dicts, lists, strings, plain numbers, booleans and ``None``.

    Raises:
        ValueError: a number is NaN or infinite, which JSON cannot say; write ``None``.
        TypeError: something else JSON cannot say, such as a numpy array.
    """
    try:
        text = json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False)
    except ValueError as error:
        raise ValueError(
            f"{path} was not written: {error}. Use None for what is undefined."
        ) from error
    with atomic_write(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _neighbour(path: Path) -> Path:
    # Hidden, so that a server watching the folder passes it over. Not from `tempfile`, whose
    # files only their owner may read: a renamed file keeps its permissions.
    return path.with_name(f".{secrets.token_hex(4)}-{path.name}")


def _already_there(path: Path) -> FileExistsError:
    return FileExistsError(f"{path} exists already. Remove it or choose another folder.")

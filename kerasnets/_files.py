"""Atomic writes: a file or folder appears when it is complete, or not at all."""

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
    """Yield a temporary file that replaces ``path`` when the block succeeds.

    The temporary file is in the same folder. Its name ends with the name of ``path``, because some
    writers choose the format by the suffix (``.keras``, ``.weights.h5``, ``.png``). If the block
    raises, the temporary file is removed and ``path`` stays unchanged. Missing parent folders are
    created.

    Args:
        path: the file to write.

    Yields:
        The path to write to. It does not exist yet.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary_path(path)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary folder that is renamed to ``path`` when the block succeeds.

    If the block raises, the temporary folder is removed with its content. Missing parent folders
    are created.

    Args:
        path: the folder to create.

    Yields:
        An empty folder to fill.

    Raises:
        FileExistsError: ``path`` exists, at the start or because another process created it while
            the block ran. The existing folder stays unchanged.
    """
    path = Path(path)
    if path.exists():
        raise _exists_error(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary_path(path)
    temporary.mkdir()
    try:
        yield temporary
        try:
            temporary.rename(path)
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise _exists_error(path) from error
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def locked(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Lock a folder while the block runs, so that only one process works in it.

    Raises:
        BlockingIOError: another process has locked the folder.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BlockingIOError(
                f"Another process is using {folder}. Wait for it, or choose another folder."
            ) from None
        yield
    finally:
        os.close(descriptor)


def remove_neighbours(folder: str | os.PathLike[str]) -> None:
    """Remove the temporary files that a killed process left in ``folder``."""
    for path in Path(folder).glob(".????????-*"):
        path.unlink()


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write JSON atomically, as UTF-8, with keys in their order and an indent of two spaces.

    Args:
        path: the file to write.
        value: dicts, lists, strings, plain numbers, booleans and ``None``.

    Raises:
        ValueError: a number is NaN or infinite, which JSON does not support. Use ``None``.
        TypeError: a type that JSON does not support, such as a NumPy array.
    """
    try:
        text = json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False)
    except ValueError as error:
        raise ValueError(
            f"{path} was not written: {error}. Use None for undefined values."
        ) from error
    with atomic_write(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _temporary_path(path: Path) -> Path:
    # Hidden, so that a server that watches the folder ignores it. `tempfile` does not fit, because
    # only the owner may read its files, and a renamed file keeps its permissions.
    return path.with_name(f".{secrets.token_hex(4)}-{path.name}")


def _exists_error(path: Path) -> FileExistsError:
    return FileExistsError(f"{path} exists already. Remove it, or choose another path.")

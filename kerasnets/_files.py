"""Atomic writes: a file or folder appears when it is complete, or not at all.

Everything is written to a temporary neighbour, flushed to the disk and then renamed. So it also
survives a power failure. A process that is killed leaves its temporary file or folder behind. The
next write to the same path removes it. A process locks what it writes to, so that no other process
removes it earlier.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kerasnets._errors import WriteError
from kerasnets._temporary import leftovers, remove, temporary

_MOVED = ".moved"  # in a temporary folder: the names that are moved out of it
_FULL = (
    *map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)),
    "database or disk is full",  # SQLite
)


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
        The path of an empty file to write to.

    Raises:
        RuntimeError: the block has written nothing.
        WriteError: the disk is full or fails.
    """
    path = Path(path)
    with name_full_disk(path), temporary(path.parent, path.name, Path.touch) as new:
        yield new
        if new.stat().st_size == 0:
            raise RuntimeError(f"Nothing was written to {path}.")
        publish(new, path)


def publish(new: Path, path: Path) -> None:
    """Flush a complete file to the disk, and rename it to ``path`` in the same file system."""
    _sync(new)
    new.replace(path)
    _sync(path.parent)


def publish_folder(new: Path, path: Path, *, flush: bool = True) -> None:
    """Rename a complete folder to ``path`` in the same file system.

    Args:
        new: the folder.
        path: its new name.
        flush: whether to flush its content to the disk first.

    Raises:
        FileExistsError: ``path`` exists.
    """
    if flush:
        _sync_tree(new)
    try:
        new.rename(path)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            raise _exists_error(path) from error
        raise
    _sync(path.parent)


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
        WriteError: the disk is full or fails.
    """
    path = Path(path)
    if os.path.lexists(path):
        raise _exists_error(path)
    with name_full_disk(path), temporary(path.parent, path.name, Path.mkdir) as new:
        yield new
        publish_folder(new, path)


@contextlib.contextmanager
def atomic_content(path: str | os.PathLike[str], last: str) -> Iterator[Path]:
    """Yield a temporary folder whose content is moved into the empty folder ``path``.

    A mount point cannot be replaced, and a link should not be. So the content is moved into the
    folder: one entry after the other, ``last`` at the end. Without ``last``, the content is not
    complete, and :func:`remove_incomplete_content` removes it. If the block raises, ``path`` stays
    empty.

    Args:
        path: an empty folder.
        last: name of the file that marks the content as complete.

    Yields:
        An empty folder to fill.

    Raises:
        FileExistsError: the folder is not empty.
        WriteError: the disk is full or fails.
    """
    path = Path(path)
    with name_full_disk(path), temporary(path, "content", Path.mkdir) as new:
        _check_empty(path, new)
        yield new
        _check_empty(path, new)
        names = sorted((file.name for file in new.iterdir()), key=lambda name: name == last)
        (new / _MOVED).write_text("\n".join(names), encoding="utf-8")
        _sync_tree(new)
        try:
            for name in names:
                (new / name).rename(path / name)
                _sync(path)
        except BaseException:
            for name in names:
                remove(path / name)
            raise


def remove_incomplete_content(path: str | os.PathLike[str], last: str) -> None:
    """Remove what a killed process left in a folder that :func:`atomic_content` should fill.

    Args:
        path: the folder.
        last: name of the file that marks the content as complete.
    """
    for leftover in leftovers(Path(path), "content"):
        moved = leftover / _MOVED
        if moved.is_file() and not (Path(path) / last).exists():
            for name in moved.read_text(encoding="utf-8").splitlines():
                remove(Path(path) / name)
        remove(leftover)


@contextlib.contextmanager
def name_full_disk(path: object) -> Iterator[None]:
    """Name the path if the disk is full or fails while the block runs.

    Libraries raise many kinds of errors then, most of them without the path.

    Raises:
        WriteError: in place of an error that says so.
    """
    try:
        yield
    except Exception as error:
        if (reason := full_disk(error)) is None:
            raise
        raise WriteError(path, reason) from error


def full_disk(error: BaseException) -> str | None:
    """Return the reason if an error, or its cause, says that a disk is full or fails."""
    cause: BaseException | None = error
    while cause is not None:
        for reason in _FULL:
            if reason in str(cause):
                return reason
        cause = cause.__cause__ or cause.__context__
    return None


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read a JSON file.

    Raises:
        ValueError: it is not JSON. The message names the file.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} is damaged: {error}. Restore it from a copy, or remove it."
        ) from error


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write JSON atomically, as UTF-8, with keys in their order and an indent of two spaces.

    Args:
        path: the file to write.
        value: dicts, lists, strings, plain numbers, booleans and ``None``.

    Raises:
        ValueError: a number is NaN or infinite, which JSON does not support. Use ``None``.
        TypeError: a type that JSON does not support, such as a NumPy array.
        WriteError: the disk is full or fails.
    """
    try:
        text = json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False)
    except ValueError as error:
        raise ValueError(
            f"{path} was not written: {error}. Use None for undefined values."
        ) from error
    with atomic_write(path) as new:
        new.write_text(text + "\n", encoding="utf-8")


def entries(folder: Path) -> list[Path]:
    """Return the files in a folder, without the empty ``lost+found`` of a newly formatted disk."""
    return [path for path in folder.iterdir() if path.name != "lost+found"]


def _check_empty(path: Path, new: Path) -> None:
    """Refuse a folder in which another process writes."""
    if entries(path) != [new]:
        raise FileExistsError(f"{path} is not empty. Choose another folder.")


def _sync_tree(folder: Path) -> None:
    """Flush a folder and everything in it to the disk."""
    for subfolder, _, files in os.walk(folder):
        for name in files:
            _sync(Path(subfolder, name))
        _sync(Path(subfolder))


def _sync(path: Path) -> None:
    """Flush a file or the names in a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems cannot flush folders
            raise
    finally:
        os.close(descriptor)


def _exists_error(path: Path) -> FileExistsError:
    return FileExistsError(f"{path} exists already. Remove it, or choose another path.")

"""Atomic writes: a file or folder appears when it is complete, or not at all.

Everything is written to a temporary folder in the same file system, flushed to the disk and then
renamed. So it also survives a power failure. A process that is killed leaves its temporary folder
behind. The next write to the same path removes it. The process holds a lock on the folder, so that
no other process removes it earlier.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kerasnets._errors import WriteError

_TEMPORARY = re.compile(r"\.[0-9a-f]{8}-.+")
_MOVED = ".moved"  # in a temporary folder: the names that are moved out of it
_FULL = tuple(map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)))


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary file that replaces ``path`` when the block succeeds.

    The temporary file has the name of ``path`` and is in a temporary folder beside it. If the block
    raises, the temporary file is removed and ``path`` stays unchanged. Missing parent folders are
    created.

    Args:
        path: the file to write.

    Yields:
        The path to write to. It does not exist yet.

    Raises:
        WriteError: the disk is full or fails.
    """
    path = Path(path)
    with name_full_disk(path), _temporary_folder(path.parent, path.name) as folder:
        temporary = folder / path.name
        yield temporary
        _sync(temporary)
        temporary.replace(path)
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
    with name_full_disk(path), _temporary_folder(path.parent, path.name) as temporary:
        yield temporary
        _sync_tree(temporary)
        try:
            temporary.rename(path)
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise _exists_error(path) from error
            raise
        _sync(path.parent)


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
    with name_full_disk(path), _temporary_folder(path, "content") as temporary:
        _check_no_others(path, temporary)
        yield temporary
        _check_no_others(path, temporary)
        names = sorted((file.name for file in temporary.iterdir()), key=lambda name: name == last)
        (temporary / _MOVED).write_text("\n".join(names), encoding="utf-8")
        _sync_tree(temporary)
        try:
            for name in names:
                (temporary / name).rename(path / name)
                _sync(path)
        except BaseException:
            for name in names:
                _remove(path / name)
            raise


def remove_incomplete_content(path: str | os.PathLike[str], last: str) -> None:
    """Remove what a killed process left in a folder that :func:`atomic_content` should fill.

    Args:
        path: the folder.
        last: name of the file that marks the content as complete.
    """
    for leftover in _leftovers(Path(path), "content"):
        moved = leftover / _MOVED
        if moved.is_file() and not (Path(path) / last).exists():
            for name in moved.read_text(encoding="utf-8").splitlines():
                _remove(Path(path) / name)
        _remove(leftover)


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


def remove_leftovers(folder: str | os.PathLike[str]) -> None:
    """Remove the temporary folders of killed processes in ``folder`` and its subfolders."""
    for subfolder, names, _ in os.walk(folder):
        for leftover in _leftovers(Path(subfolder), "*"):
            _remove(leftover)
        names[:] = [name for name in names if not _TEMPORARY.fullmatch(name)]


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
    """Return the reason if an error says that a disk is full or fails, otherwise ``None``."""
    return next((reason for reason in _FULL if reason in str(error)), None)


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
    with atomic_write(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


@contextlib.contextmanager
def _temporary_folder(parent: Path, name: str) -> Iterator[Path]:
    """Yield a new folder that this process has locked, and remove it afterwards."""
    parent.mkdir(parents=True, exist_ok=True)
    for leftover in _leftovers(parent, name):
        _remove(leftover)
    folder, descriptor = _make_locked_folder(parent, name)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _make_locked_folder(parent: Path, name: str) -> tuple[Path, int]:
    while True:
        # Hidden, so that a server that watches the folder ignores it. `tempfile` does not fit,
        # because only the owner may read its files, and a renamed file keeps its permissions.
        folder = parent / f".{secrets.token_hex(4)}-{name}"
        folder.mkdir()
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            continue
        with contextlib.suppress(OSError):  # some network file systems have no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if folder.exists():
            return folder, descriptor
        os.close(descriptor)  # removed by another process before it was locked


def _leftovers(parent: Path, name: str) -> Iterator[Path]:
    """Yield the temporary folders for a name that no living process has locked."""
    pattern = name if name == "*" else glob.escape(name)
    for path in sorted(parent.glob(f".????????-{pattern}")):
        if not _TEMPORARY.fullmatch(path.name):
            continue
        try:
            with locked(path):
                yield path
        except OSError:  # locked, or removed by another process
            continue


def _check_no_others(path: Path, temporary: Path) -> None:
    """Refuse a folder in which another process writes."""
    if list(path.iterdir()) != [temporary]:
        raise FileExistsError(f"{path} is not empty. Choose another folder.")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


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

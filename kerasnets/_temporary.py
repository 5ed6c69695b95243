"""Temporary files and folders that are locked by their process, so that leftovers are recognised.

A process that is killed leaves its temporary files behind, and the system unlocks them. What is
not locked belongs to no living process and can be removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

_NAME = re.compile(r"\.[0-9a-f]{8}-(.+)")


@contextlib.contextmanager
def locked(folder: str | os.PathLike[str], *, wait: bool = False) -> Iterator[None]:
    """Lock a folder while the block runs, so that only one process works in it.

    Args:
        folder: the folder.
        wait: whether to wait for a process that has locked the folder.

    Raises:
        BlockingIOError: another process has locked the folder, and ``wait`` is false.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise BlockingIOError(
                f"Another process is using {folder}. Wait for it, or choose another folder."
            ) from None
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """Make a folder if it does not exist. If the block fails before it writes, remove it again."""
    existed = folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        if not existed and not any(folder.iterdir()):
            folder.rmdir()
        raise


def remove_leftovers(folder: str | os.PathLike[str]) -> None:
    """Remove what killed processes left in a folder and its subfolders."""
    for subfolder, names, _ in os.walk(folder):
        for path in leftovers(Path(subfolder), "*"):
            remove(path)
        names[:] = [name for name in names if not _NAME.fullmatch(name)]


@contextlib.contextmanager
def temporary(parent: Path, name: str, make: Callable[[Path], None]) -> Iterator[Path]:
    """Make a temporary file or folder that this process has locked, and remove it afterwards."""
    parent.mkdir(parents=True, exist_ok=True)
    for path in leftovers(parent, name):
        remove(path)
    path, descriptor = _make_locked(parent, name, make)
    try:
        yield path
    finally:
        remove(path)
        os.close(descriptor)


def _make_locked(parent: Path, name: str, make: Callable[[Path], None]) -> tuple[Path, int]:
    while True:
        # Hidden, so that a server that watches the folder ignores it. `tempfile` does not fit,
        # because only the owner may read its files, and a renamed file keeps its permissions.
        path = parent / f".{secrets.token_hex(4)}-{name}"
        make(path)
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            continue
        with contextlib.suppress(OSError):  # some network file systems have no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if path.exists():
            return path, descriptor
        os.close(descriptor)  # removed by another process before it was locked


def leftovers(parent: Path, name: str) -> Iterator[Path]:
    """Yield the temporary files and folders for a name that no living process has locked.

    Args:
        parent: the folder that they are in.
        name: name of the file or folder that they would have replaced; ``"*"`` for any.
    """
    with os.scandir(parent) as entries:
        names = sorted(entry.name for entry in entries)
    for found in filter(None, map(_NAME.fullmatch, names)):
        if name not in ("*", found[1]):
            continue
        try:
            with locked(parent / found[0]):
                yield parent / found[0]
        except OSError:  # locked, or removed by another process
            continue


def remove(path: Path) -> None:
    """Remove a file or folder, if it exists."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)

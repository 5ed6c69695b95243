"""The version folders ``<folder>/1``, ``<folder>/2``, … of an exported model."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

_EXPORTED_FILES = ("card.json", "reference.npz", "model.onnx", "saved_model.pb")


def list_versions(folder: Path) -> list[int]:
    """The version numbers in ``folder``, lowest first; empty if the folder does not exist."""
    if not folder.is_dir():
        return []
    names = (entry.name for entry in folder.iterdir() if entry.is_dir())
    return sorted(int(name) for name in names if name.isascii() and name.isdigit())


def find_version(path: Path) -> Path:
    """Find the version folder for a path.

    Returns:
        ``path`` itself if it is a version folder, otherwise the highest version in it.

    Raises:
        FileNotFoundError: ``path`` is not a version folder and contains none.
    """
    if any((path / name).exists() for name in _EXPORTED_FILES):
        return path
    versions = list_versions(path)
    if versions:
        return path / str(versions[-1])
    raise FileNotFoundError(
        f"{path} is not an exported version and contains none. Pass a folder that export wrote, "
        "such as exported/seizure-gru or exported/seizure-gru/1."
    )


def new_version(folder: Path, version: int | None = None) -> Path:
    """The path of a version that does not exist yet.

    Args:
        folder: the parent of the version folders.
        version: a positive integer. Default: the next free number.

    Raises:
        NotADirectoryError: ``folder`` is a file.
        ValueError: ``version`` is not a positive integer.
        FileExistsError: the version exists.
    """
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file. Pass a folder for the versions.")
    next_version = max(list_versions(folder), default=0) + 1
    if version is None:
        version = next_version
    elif isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ValueError(f"version must be a positive integer; got {version!r}.")
    target = folder / str(version)
    if target.exists():
        raise FileExistsError(
            f"{target} exists, and an exported version is never overwritten. Leave version out to "
            f"write the next one, {next_version}."
        )
    return target


@contextlib.contextmanager
def remove_new_parents_on_error(folder: Path) -> Iterator[None]:
    """If the block raises, remove ``folder`` and those of its parents that did not exist before."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        yield
    except BaseException:
        for path in missing:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise

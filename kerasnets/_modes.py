"""Modes of files and folders that hold rows of persons: only their owner may read them."""

from __future__ import annotations

from pathlib import Path


def owner_only(path: Path) -> None:
    """Let only the owner read a folder, or a file that is to be written; creates the file.

    Called before anything is written, so that nobody can open the file earlier.
    """
    if path.is_dir():
        path.chmod(0o700)
    else:
        path.touch(0o600)
        path.chmod(0o600)

"""Check the files of a version folder before any of them is read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

CHECKSUMS = "SHA256SUMS"
# Verification writes this file again.
RESULT = "verification.json"
# Owners edit the model card, in the editor of a hub too, and no runtime reads it.
_UNCHECKED = frozenset({CHECKSUMS, RESULT, "README.md"})


def write_checksums(folder: Path) -> None:
    """Write ``SHA256SUMS``, which ``sha256sum --check`` also reads.

    It has one line per file of the folder, except for itself, the result of verification,
    ``README.md``, and hidden files.
    """
    lines = [f"{_digest(folder / name)}  {name}\n" for name in sorted(_names(folder))]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def _names(folder: Path) -> set[str]:
    """The files that have a checksum."""
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return {name for name in names - _UNCHECKED if not name.startswith(".")}


def file_failures(folder: Path) -> Iterator[str]:
    """The files that are not regular files inside the folder: devices, pipes and other links."""
    inside = folder.resolve()
    for parent, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(parent, name)
            shown = path.relative_to(folder)
            if path.is_symlink() and not path.resolve().is_relative_to(inside):
                yield f"{shown}: it is a link to a file outside of the folder"
            elif not (path.is_file() or path.is_dir()):
                yield f"{shown}: it is neither a file nor a folder"


def checksum_failures(folder: Path) -> Iterator[str]:
    """The files that were changed, removed or added after the export.

    Older exports have no checksums; they have no failures.
    """
    path = folder / CHECKSUMS
    if not path.exists():
        return
    listed = set()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        digest, _, name = line.partition("  ")
        file = folder / name
        listed.add(name)
        if not name or ".." in file.parts or not file.is_relative_to(folder):
            yield f"{CHECKSUMS}: line {number} is not a checksum and a name: {line[:100]!r}"
        elif not file.is_file():
            yield f"{name}: it is missing"
        elif _digest(file) != digest:
            yield f"{name}: it was changed after the export; its checksum differs from {CHECKSUMS}"
    for name in sorted(_names(folder) - listed):
        yield f"{name}: it is not in {CHECKSUMS}, so it was added after the export"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Check the files of a version folder before any of them is read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

CHECKSUMS = "SHA256SUMS"
# Kubernetes mounts files as links to hidden folders next to them, such as ``..data``.
_KUBERNETES = ".."
# Older exports have no checksum for it.
RESULT = "verification.json"


def write_checksums(folder: Path) -> None:
    """Write ``SHA256SUMS``, which ``sha256sum --check`` also reads.

    It has one line per file of the folder, except for itself.
    """
    lines = [f"{_digest(folder / name)}  {name}\n" for name in sorted(_names(folder))]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def _names(folder: Path) -> set[str]:
    """The files that have a checksum."""
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return {name for name in names - {CHECKSUMS} if not name.startswith(_KUBERNETES)}


def file_failures(folder: Path) -> Iterator[str]:
    """What is neither a file nor a folder: links, devices and pipes.

    Links to the folders of Kubernetes next to them are allowed.
    """
    inside = folder.resolve()
    for parent, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(parent, name)
            shown = path.relative_to(folder)
            if path.is_symlink() and not _is_mounted(path, inside):
                yield f"{shown}: it is a link, not a file of the export"
            elif not (path.is_file() or path.is_dir()):
                yield f"{shown}: it is neither a file nor a folder"


def _is_mounted(link: Path, inside: Path) -> bool:
    target = link.resolve()
    return target.is_relative_to(inside) and (
        target != inside and target.relative_to(inside).parts[0].startswith(_KUBERNETES)
    )


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
    for name in sorted(_names(folder) - listed - {RESULT}):
        yield f"{name}: it is not in {CHECKSUMS}, so it was added after the export"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

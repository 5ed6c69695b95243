"""Reads members of zip archives and limits what they may unpack to."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from kerasnets.data.content import MAX_UNPACKED
from kerasnets.data.tables.cells import DataError

# Raised by zipfile for damaged, encrypted or unsupported archives. RuntimeError is for encrypted
# ones, ValueError for impossible offsets and names, OSError for bzip2.
_BAD_ZIP = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError,
    NotImplementedError, ValueError, OverflowError, OSError,
)  # fmt: skip


def read_members(
    path: Path, wanted: Callable[[str], bool], largest: int = MAX_UNPACKED
) -> Iterator[tuple[str, bytes]]:
    """Read the members of a zip archive, sorted by name.

    Args:
        path: the archive.
        wanted: whether to read the member with this name.
        largest: largest unpacked size of a member, in bytes.

    Yields:
        Name and content of each member.

    Raises:
        DataError: if the archive is damaged, or its members have the same name or are too large.
        OSError: if the file cannot be opened.
    """
    with path.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                for member in archive.infolist():
                    archive.open(member).close()  # its local header agrees with the directory
                members = [member for member in archive.infolist() if wanted(member.filename)]
                _check_members(path, members, largest)
                for member in sorted(members, key=lambda member: member.filename):
                    yield member.filename, archive.read(member)
        except DataError:
            raise
        except _BAD_ZIP as error:
            fault = f"the archive is truncated or damaged ({error})"
            raise DataError(f"{path}: {fault}. Download or save it again.") from None


def _check_members(path: Path, members: list[zipfile.ZipInfo], largest: int) -> None:
    names: set[str] = set()
    for member in members:
        if member.filename in names:
            raise DataError(f"{path}, {member.filename}: there are two members with this name.")
        names.add(member.filename)
        if member.file_size > largest:
            raise DataError(
                f"{path}, {member.filename}: unpacks to {member.file_size:,} bytes; at most "
                f"{largest:,} are allowed."
            )
    # Members that are not compressed are at most as large as the archive.
    total, most = sum(m.file_size for m in members), max(MAX_UNPACKED, path.stat().st_size)
    if total > most:
        raise DataError(
            f"{path}: unpacks to {total:,} bytes; at most {most:,} are allowed. If you trust it, "
            "save it without compression."
        )

"""Reads data files, plain or gzip, and limits how much a gzip file may unpack to."""

from __future__ import annotations

import contextlib
import gzip
import io
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from kerasnets.data.tables.cells import DataError

# The largest content of a packed file. A larger one has to be unpacked by the user: an unpacked
# file cannot be larger than it looks.
MAX_UNPACKED = 2**30
_GZIP_MAGIC = b"\x1f\x8b"
# Text is compressed to a tenth or so; a file that is made to fill the memory, to a thousandth.
_MAX_RATIO = 100
_ANY_RATIO = 2**24  # a content of this size is allowed whatever the ratio
_CHUNK = 2**20


@contextlib.contextmanager
def open_unpacked(path: Path) -> Iterator[io.BufferedIOBase]:
    """Open a file to read its content, unpacked if it is gzip, whatever its name.

    Raises:
        DataError: if it is a device or a pipe, which may never end, or if the gzip file is
            truncated or damaged, also while the block reads from it.
        OSError: if the file cannot be read.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise DataError(f"{path}: a device, a pipe or a folder. Expected a file.")
    try:
        with path.open("rb") as file:
            packed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
            file.seek(0)
            if not packed:
                yield file
                return
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield unpacked
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path}: the gzip file is truncated or damaged ({error}). Download it again."
        ) from None


def read_text_content(path: Path, lines: int | None = None) -> bytes:
    """Read the bytes of a text file, plain or gzip.

    Args:
        path: the file.
        lines: number of lines to read; all by default.

    Raises:
        DataError: if it has zero bytes, so it is not text, or if the gzip file is damaged or
            unpacks to too much.
        OSError: if the file cannot be read.
    """
    chunks, ends = [], 0
    for chunk in _text_chunks(path):
        chunks.append(chunk)
        ends += chunk.count(b"\n") if lines else 0
        if lines and ends >= lines:
            break
    content = b"".join(chunks)
    if lines and ends >= lines:
        return b"".join(line + b"\n" for line in content.split(b"\n", lines)[:lines])
    return content


def read_text_blocks(path: Path, size: int) -> Iterator[bytes]:
    """Read a text file, plain or gzip, as blocks of complete lines.

    Args:
        path: the file.
        size: bytes per block; a block is larger if a line is. The last block may be smaller, and
            its last line need not end with a line break.

    Raises:
        DataError: see :func:`read_text_content`.
        OSError: if the file cannot be read.
    """
    chunks: list[bytes] = []
    held = 0
    for chunk in _text_chunks(path):
        chunks.append(chunk)
        held += len(chunk)
        end = chunk.rfind(b"\n") + 1
        if held >= size and end:
            chunks[-1] = chunk[:end]
            yield b"".join(chunks)
            chunks, held = [chunk[end:]], len(chunk) - end
    if held:
        yield b"".join(chunks)


def _text_chunks(path: Path) -> Iterator[bytes]:
    """The content of a text file in chunks, each checked before the next one is read."""
    size = 0
    with open_unpacked(path) as file:
        while chunk := file.read(_CHUNK):
            # Checked here, so that a large file that is not text is not read to its end.
            if b"\0" in chunk:
                raise DataError(
                    f"{path}: a binary file, or not UTF-8. Expected text, plain or gzip."
                )
            size += len(chunk)
            # Checked for what was unpacked so far, so that little of a large content is unpacked.
            limit = _limit(file)
            if limit is not None and size > limit:
                raise DataError(
                    f"{path}: the gzip file unpacks to more than {limit:,} bytes, the most that "
                    "is allowed for its packed size. If you trust it, unpack it (gunzip) and load "
                    "the unpacked file."
                )
            yield chunk


def read_up_to(file: io.BufferedIOBase, size: int) -> bytes:
    """Read at most ``size`` bytes, without reserving memory for bytes that do not exist."""
    chunks: list[bytes] = []
    while size > 0 and (chunk := file.read(min(size, _CHUNK))):
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)


def _limit(file: io.BufferedIOBase) -> int | None:
    """The largest content of the packed bytes that were read so far; ``None`` if not packed."""
    if not isinstance(file, gzip.GzipFile):
        return None
    packed = cast(BinaryIO, file.fileobj).tell()
    return max(_ANY_RATIO, min(MAX_UNPACKED, _MAX_RATIO * packed))

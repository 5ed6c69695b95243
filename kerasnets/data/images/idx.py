"""IDX files, plain or gzip: arrays of bytes behind a magic number and their sizes.

The format of MNIST: two zero bytes, the type of the values, the number of axes, the size of each
as a big-endian 32-bit number, then the values, the last axis fastest.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from kerasnets.data.tables.cells import DataError

_UNSIGNED_BYTES = 0x08
_GZIP_MAGIC = b"\x1f\x8b"
_AXES = {1: "labels, one axis", 3: "images, three axes"}
# What the four files of a set are called; some copies have a dot before idx.
FILES = {
    "train images": "train-images-idx3-ubyte",
    "train labels": "train-labels-idx1-ubyte",
    "test images": "t10k-images-idx3-ubyte",
    "test labels": "t10k-labels-idx1-ubyte",
}


def find_files(folder: Path) -> dict[str, Path]:
    """The files of a set that are in a folder, by what they hold (see :data:`FILES`)."""
    found: dict[str, Path] = {}
    for what, name in FILES.items():
        for known in (name, name.replace("-idx", ".idx")):
            for path in (folder / known, folder / f"{known}.gz"):
                if path.is_file():
                    found.setdefault(what, path)
    return found


def read_idx(path: Path, axes: int, sha256: str | None = None) -> np.ndarray:
    """Read an IDX file of unsigned bytes.

    Args:
        path: the file, plain or gzip.
        axes: how many axes it must have: 3 for images, 1 for labels.
        sha256: of the unpacked content, if only one content will do.

    Returns:
        The array, uint8, of the sizes that the file says.

    Raises:
        DataError: if the file is damaged, truncated, or not what it should be.
    """
    content = _unpacked(path)
    zeros, kind, given = struct.unpack(">HBB", content[:4].ljust(4, b"\xff"))
    if zeros != 0:
        raise DataError(
            f"{path}: not an IDX file: it starts with {content[:4].hex(' ') or 'nothing'}, not "
            "with two zero bytes. Expected a file such as train-images-idx3-ubyte(.gz)."
        )
    if (kind, given) != (_UNSIGNED_BYTES, axes):
        raise DataError(
            f"{path}: magic number {content[:4].hex(' ')}; expected 00 00 08 {axes:02x} "
            f"({_AXES[axes]}, of unsigned bytes). Are images and labels swapped?"
        )
    start = 4 + 4 * axes
    if len(content) < start:
        raise DataError(f"{path}: truncated within its sizes, {len(content)} bytes. Get it again.")
    shape = struct.unpack(f">{axes}I", content[4:start])
    expected = start + math.prod(shape)
    if len(content) != expected:
        fault = "truncated" if len(content) < expected else "followed by something else"
        raise DataError(
            f"{path}: {fault}: {len(content):,} bytes unpacked, but the sizes "
            f"{' × '.join(map(str, shape))} make {expected:,}. Get it again."
        )
    digest = hashlib.sha256(content).hexdigest()
    if sha256 not in (None, digest):
        raise DataError(
            f"{path}: unpacked SHA-256 is {digest}, not {sha256}: another data set, or a damaged "
            "file. Another set of the same form loads under the name 'idx'."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def read_set(
    files: Mapping[str, Path], sha256: Mapping[str, str] | None = None
) -> dict[str, np.ndarray]:
    """Read the four files of a set and check that they belong together.

    Args:
        files: the paths by what they hold, all of :data:`FILES`.
        sha256: the checksum of each unpacked file by its name in :data:`FILES`, if known.

    Returns:
        The arrays, uint8, by what they hold: images ``(n, rows, columns)``, labels ``(n,)``.

    Raises:
        DataError: as :func:`read_idx`, or if there is not one label an image, no images, or
            training and test images differ in size.
    """
    arrays = {
        what: read_idx(files[what], 3 if "images" in what else 1, (sha256 or {}).get(name))
        for what, name in FILES.items()
    }
    for part in ("train", "test"):
        images, labels = arrays[f"{part} images"], arrays[f"{part} labels"]
        if len(images) != len(labels) or not images.size:
            raise DataError(
                f"{files[f'{part} images']}: {len(images):,} images of {images.shape[1:]} pixels "
                f"and {len(labels):,} labels in {files[f'{part} labels'].name}; expected images, "
                "and a label for each."
            )
    train, test = arrays["train images"].shape[1:], arrays["test images"].shape[1:]
    if train != test:
        raise DataError(
            f"{files['test images']}: images of {test} pixels, but those to train on have {train}."
        )
    return arrays


def _unpacked(path: Path) -> bytes:
    content = path.read_bytes()
    if not content.startswith(_GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path}: the gzip file is truncated or damaged ({error}). Get it again."
        ) from None

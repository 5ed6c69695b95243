"""Reads IDX files, plain or gzip: the format of MNIST.

An IDX file holds two zero bytes, the type of the values, the number of axes, the size of each axis
as a big-endian 32-bit integer, and the values in row-major order. The first four bytes are called
the magic number.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from kerasnets.data.content import MAX_UNPACKED, open_unpacked, read_up_to
from kerasnets.data.tables.cells import DataError

_UNSIGNED_BYTES = 0x08
_AXES = {1: "labels, one axis", 3: "images, three axes"}
# Names of the four files of a set; some copies have a dot before idx.
FILES = {
    "train images": "train-images-idx3-ubyte",
    "train labels": "train-labels-idx1-ubyte",
    "test images": "t10k-images-idx3-ubyte",
    "test labels": "t10k-labels-idx1-ubyte",
}


def find_files(folder: Path) -> dict[str, Path]:
    """The files of a set that exist in a folder, by their content (see :data:`FILES`)."""
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
        axes: number of axes it must have: 3 for images, 1 for labels.
        sha256: required checksum of the unpacked content, if any.

    Returns:
        The array, uint8, with the sizes that the file states.

    Raises:
        DataError: if the file is damaged, truncated, or has another format or content.
    """
    with open_unpacked(path) as file:
        header = read_up_to(file, 4 + 4 * axes)
        shape = _read_header(path, header, axes)
        expected = math.prod(shape)
        content = read_up_to(file, expected + 1)  # a byte more shows that it is too long
    if len(content) != expected:
        fault, more = ("too long", " or more") if len(content) > expected else ("truncated", "")
        raise DataError(
            f"{path}: {fault}: {len(content):,} bytes{more} of values, but the sizes "
            f"{' × '.join(map(str, shape))} make {expected:,}. Download it again."
        )
    digest = hashlib.sha256(header + content).hexdigest()
    if sha256 not in (None, digest):
        raise DataError(
            f"{path}: unpacked SHA-256 is {digest}, not {sha256}: another data set, or a damaged "
            "file. Load other data sets of this format under the name 'idx'."
        )
    return np.frombuffer(content, np.uint8).reshape(shape)


def read_set(
    files: Mapping[str, Path], sha256: Mapping[str, str] | None = None
) -> dict[str, np.ndarray]:
    """Read the four files of a set and check that they belong together.

    Args:
        files: all four paths by their content, see :data:`FILES`.
        sha256: checksum of each unpacked file by its name in :data:`FILES`, if known.

    Returns:
        The arrays, uint8, by their content: images ``(n, rows, columns)``, labels ``(n,)``.

    Raises:
        DataError: as :func:`read_idx`, or if there are no images, not one label per image, or
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
                f"and {len(labels):,} labels in {files[f'{part} labels'].name}; expected one "
                "label per image."
            )
    train, test = arrays["train images"].shape[1:], arrays["test images"].shape[1:]
    if train != test:
        raise DataError(
            f"{files['test images']}: images of {test} pixels, but the images of the training "
            f"split have {train}."
        )
    return arrays


def _read_header(path: Path, header: bytes, axes: int) -> tuple[int, ...]:
    """The sizes of the axes."""
    zeros, kind, file_axes = struct.unpack(">HBB", header[:4].ljust(4, b"\xff"))
    if zeros != 0:
        raise DataError(
            f"{path}: not an IDX file: it starts with {header[:4].hex(' ') or 'nothing'}, not "
            "with two zero bytes. Expected a file such as train-images-idx3-ubyte(.gz)."
        )
    if (kind, file_axes) != (_UNSIGNED_BYTES, axes):
        raise DataError(
            f"{path}: magic number {header[:4].hex(' ')}; expected 00 00 08 {axes:02x} "
            f"({_AXES[axes]}, of unsigned bytes). Are images and labels swapped?"
        )
    if len(header) < 4 + 4 * axes:
        raise DataError(
            f"{path}: truncated within its header, {len(header)} bytes. Download it again."
        )
    shape: tuple[int, ...] = struct.unpack(f">{axes}I", header[4:])
    if math.prod(shape) > MAX_UNPACKED:
        raise DataError(
            f"{path}: the sizes {' × '.join(map(str, shape))} make {math.prod(shape):,} bytes; at "
            f"most {MAX_UNPACKED:,} are allowed. The header may be damaged."
        )
    return shape

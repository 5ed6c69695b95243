"""Reads the Bonn recordings in their original form: archives or folders Z O N F S of text files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kerasnets.data.archive import read_members
from kerasnets.data.eeg.bonn import CHUNKS, RECORDING_SAMPLES, SAMPLES, SETS, Rows
from kerasnets.data.tables.cells import DataError, number_fault

_LARGEST_RECORDING = 2**20  # bytes; the published files have about 22,000


def find_sets(folder: Path) -> dict[str, Path]:
    """Archives ``S.zip`` or folders ``S`` of the five sets in a folder, in upper or lower case."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        letter = path.name.upper().removesuffix(".ZIP")
        fits = path.is_dir() if letter == path.name.upper() else path.is_file()
        if letter in SETS and fits:
            found.setdefault(letter, path)
    return found


def read_archives(sets: dict[str, Path]) -> Rows:
    """Read recordings from archives or folders and divide each into 23 rows.

    Args:
        sets: archive or folder of each of the five sets, by its letter.

    Returns:
        The rows, sorted by set and recording.

    Raises:
        DataError: if an archive is damaged or a recording is not 4,097 numbers.
    """
    samples, labels, names = [], [], []
    for label, letter in enumerate(SETS):
        for name, where, content in _recordings(sets[letter], letter):
            samples.append(parse_recording(content, where))
            labels.append(label)
            names.append(name)
    x = np.stack(samples)[:, : CHUNKS * SAMPLES].reshape(-1, SAMPLES)
    y = np.array(labels, dtype=np.int32).repeat(CHUNKS)
    chunks = np.tile(np.arange(CHUNKS), len(names))
    return Rows(x, y, np.array(names).repeat(CHUNKS), chunks)


def parse_recording(content: bytes, where: str) -> np.ndarray:
    """The samples of one recording, float32 of shape ``(4097,)``.

    Args:
        content: content of a text file with one number per line.
        where: name of the file, for error messages.

    Raises:
        DataError: if a line is not a finite number, there are too few or too many, or the last
            line is not complete.
    """
    if b"\0" in content:
        raise DataError(f"{where}: a binary file. Expected text with one number per line.")
    lines = content.removeprefix(b"\xef\xbb\xbf").rstrip().splitlines()
    try:
        with np.errstate(over="ignore"):  # values beyond float32 become infinite
            samples = np.array(lines).astype(np.float64).astype(np.float32)
        # Python reads 1_000 as a number; in a recording it is a mistake.
        valid = bool(np.isfinite(samples).all()) and b"_" not in content
    except ValueError:
        valid = False
    if not valid:
        faults = (number_fault(line.decode("utf-8", "replace")) for line in lines)
        found = ((row, fault) for row, fault in enumerate(faults, 1) if fault)
        row, fault = next(found, (1, "not one number per line"))
        raise DataError(f"{where}, row {row}, column 1: {fault}. Allowed: a finite number, in µV.")
    if content and not content.endswith((b"\n", b"\r")):
        raise DataError(
            f"{where}, row {len(lines)}: the last line does not end with a line break, so the file "
            "may have been cut. Download it again, or if it is complete, add a line break."
        )
    if len(samples) != RECORDING_SAMPLES:
        few = "few" if len(samples) < RECORDING_SAMPLES else "many"
        raise DataError(
            f"{where}: {len(samples)} samples, too {few}; a recording has {RECORDING_SAMPLES:,}."
        )
    return samples


def _recordings(path: Path, letter: str) -> Iterator[tuple[str, str, bytes]]:
    """Name, path and content of each recording of a set, sorted by name."""
    files = _zipped(path) if path.is_file() else _unpacked(path)
    names: set[str] = set()
    for member, content in files:
        # Skip read-me files and hidden files of operating systems.
        match = re.fullmatch(r"([ZONFS])\d+\.TXT", member.rpartition("/")[2].upper())
        if not match:
            continue
        where = f"{path}, {member}"
        name = match[0]
        if match[1] != letter:
            raise DataError(f"{where}: a recording of set {match[1]} in the files of set {letter}.")
        if name in names:
            raise DataError(f"{where}: there are two recordings with this name; keep one.")
        names.add(name)
        yield name, where, content
    if not names:
        raise DataError(f"{path}: no recordings found. Expected files {letter}001.txt and so on.")


def _zipped(path: Path) -> Iterator[tuple[str, bytes]]:
    return read_members(path, lambda name: name.upper().endswith(".TXT"), _LARGEST_RECORDING)


def _unpacked(path: Path) -> Iterator[tuple[str, bytes]]:
    for file in sorted(path.rglob("*")):
        if file.is_file() and file.suffix.upper() == ".TXT":
            if file.stat().st_size > _LARGEST_RECORDING:
                raise DataError(
                    f"{file}: {file.stat().st_size:,} bytes; a recording has at most "
                    f"{_LARGEST_RECORDING:,}."
                )
            yield file.relative_to(path).as_posix(), file.read_bytes()

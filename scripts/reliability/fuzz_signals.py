"""Fuzz targets: the EEG recordings as archives, folders and table, and images as IDX files."""

from __future__ import annotations

import gzip
import io
import math
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from fuzzing import Target, UnreadableError, register
from mutations import Files
from reading import csv_file, number, table, unpack

from kerasnets.data import load_data

_SETS = "SFNOZ"  # in the order of the labels
_CLASSES = ("seizure", "tumour area", "healthy area", "eyes closed", "eyes open")
_CHUNKS, _SAMPLES, _LENGTH = 23, 178, 4097


def recordings() -> np.ndarray:
    """One recording of each set."""
    rng = np.random.default_rng(0)
    return rng.integers(-999, 999, (5, _LENGTH))


def archive_files() -> Files:
    """An archive per set."""
    files = {}
    for letter, samples in zip(_SETS, recordings(), strict=True):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            text = "".join(f"{sample}\r\n" for sample in samples)
            archive.writestr(zipfile.ZipInfo(f"{letter}001.txt"), text)
        files[f"{letter}.zip"] = content.getvalue()
    return files


def folder_files() -> Files:
    """A folder of text files per set."""
    return {
        f"{letter}/{letter}001.txt": "".join(f"{sample}\r\n" for sample in samples).encode()
        for letter, samples in zip(_SETS, recordings(), strict=True)
    }


def seizure_load(folder: Path) -> np.ndarray:
    """Load the rows of the recordings, with their labels in the last column."""
    return in_order(load_data("seizure", data_dir=folder, split="row"))


def in_order(data: Any) -> np.ndarray:
    """All rows with their labels, sorted."""
    x = np.concatenate([part.x for part in data.splits.values()])
    y = np.concatenate([part.y for part in data.splits.values()])
    return sort(np.column_stack([x, y]))


def sort(rows: np.ndarray) -> np.ndarray:
    """Rows in lexicographic order."""
    return rows[np.lexsort(rows.T[::-1])]


def archives_read(files: Files, _: Any) -> np.ndarray:
    """Read the archives."""
    members: Files = {}
    for letter in _SETS:
        try:
            with zipfile.ZipFile(io.BytesIO(files[f"{letter}.zip"])) as archive:
                for info in archive.infolist():
                    name = f"{letter}/{info.filename}"
                    if name in members:
                        raise UnreadableError(f"{name} is there twice")
                    members[name] = archive.read(info)
        except (KeyError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise UnreadableError(f"an archive is damaged ({error})") from None
    return folders_read(members, _)


def folders_read(files: Files, _: Any) -> np.ndarray:
    """Read the text files."""
    rows, seen = [], set()
    for name, content in files.items():
        letter, file = name[0].upper(), name.rpartition("/")[2].upper()
        if not re.fullmatch(r"[ZONFS]\d+\.TXT", file):
            continue
        if file[0] != letter or file in seen:
            raise UnreadableError(f"{name} is in the wrong set or there twice")
        seen.add(file)
        text = content.removeprefix(b"\xef\xbb\xbf")
        if not text.endswith((b"\n", b"\r")):
            raise UnreadableError(f"the last line of {name} does not end")
        lines = text.rstrip().splitlines()
        if len(lines) != _LENGTH:
            raise UnreadableError(f"{name} has {len(lines)} lines")
        samples = [number(line.decode("latin-1").strip()) for line in lines]
        label = _SETS.index(letter)
        rows += [[*samples[n * _SAMPLES : (n + 1) * _SAMPLES], label] for n in range(_CHUNKS)]
    if {row[-1] for row in rows} != set(range(5)):
        raise UnreadableError("a set is missing")
    return sort(np.array(rows, np.float32))


def bonn_table_files() -> Files:
    """The rows of the recordings as a table."""
    rows = []
    for label, samples in enumerate(recordings(), 1):
        for chunk in range(_CHUNKS):
            values = samples[chunk * _SAMPLES : (chunk + 1) * _SAMPLES].tolist()
            rows.append([f'"X{chunk + 1}.V1.{label}"', *values, label])
    np.random.default_rng(1).shuffle(rows)
    content = csv_file(['""', *(f"X{n}" for n in range(1, _SAMPLES + 1)), "y"], rows)
    return {"Epileptic Seizure Recognition.csv": content}


def bonn_table_read(files: Files, _: Any) -> np.ndarray:
    """Read the table."""
    (content,) = files.values()
    header, rows = table(content)
    names = [name.lower() for name in header]
    expected = {f"x{n}" for n in range(1, _SAMPLES + 1)} | {"y"}
    first = names[0] in ("", "unnamed", "unnamed: 0", "id", "index")
    if set(names[first:]) != expected or len(names) != len(expected) + first:
        raise UnreadableError("the header has other columns")
    places = [names.index(f"x{n}") for n in range(1, _SAMPLES + 1)]
    counts: dict[tuple[str, float], list[str]] = {}
    found = []
    for cells in rows:
        label = number(cells[names.index("y")])
        if label not in (1, 2, 3, 4, 5):
            raise UnreadableError(f"{label} is not a label")
        found.append([*(number(cells[place]) for place in places), label - 1])
        if first:
            match = re.fullmatch(r"X(\d+)\.(V\d+(?:\.\d+)?)", cells[0], re.ASCII)
            if not match:
                raise UnreadableError(f"{cells[0]!r} is not an id")
            counts.setdefault((match[2], label), []).append(match[1])
    chunks = sorted(str(n) for n in range(1, _CHUNKS + 1))
    if any(sorted(names_) != chunks for names_ in counts.values()):
        raise UnreadableError("a recording is not complete")
    return sort(np.array(found, np.float32))


def idx_files() -> Files:
    """24 training and 8 test images of 3 × 2 pixels, of 2 classes."""
    rng = np.random.default_rng(2)
    arrays = {
        "train-images-idx3-ubyte.gz": rng.integers(0, 255, (24, 3, 2)),
        "train-labels-idx1-ubyte": np.arange(24) % 2,
        "t10k-images-idx3-ubyte": rng.integers(0, 255, (8, 3, 2)),
        "t10k-labels-idx1-ubyte.gz": np.arange(8) % 2,
    }
    files = {}
    for name, array in arrays.items():
        header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
        content = header + array.astype(np.uint8).tobytes()
        files[name] = gzip.compress(content, mtime=0) if name.endswith("gz") else content
    return files


def idx_load(folder: Path) -> dict[str, list[Any]]:
    """Load the images with their labels, of training and test."""
    data = load_data("idx", data_dir=folder, validation=6)
    flat = {name: part.x.reshape(len(part), -1).tolist() for name, part in data.splits.items()}
    labelled = {
        name: [(*row, int(label)) for row, label in zip(flat[name], part.y, strict=True)]
        for name, part in data.splits.items()
    }
    return {
        "train": sorted(labelled["train"] + labelled["validation"]),
        "test": labelled["test"],
    }


def idx_read(files: Files, _: Any) -> dict[str, list[Any]]:
    """Read the images and labels byte by byte."""
    arrays = {}
    for start, axes in (("train-images", 3), ("train-labels", 1),
                        ("t10k-images", 3), ("t10k-labels", 1)):  # fmt: skip
        found = [content for name, content in files.items() if name.startswith(start)]
        if len(found) != 1:
            raise UnreadableError(f"{start} is missing")
        content = unpack(found[0])
        if content[:4] != bytes([0, 0, 8, axes]) or len(content) < 4 + 4 * axes:
            raise UnreadableError(f"{start} has another magic number")
        sizes = [int.from_bytes(content[4 + 4 * n : 8 + 4 * n]) for n in range(axes)]
        values = content[4 + 4 * axes :]
        if len(values) != math.prod(sizes):
            raise UnreadableError(f"{start} has another size than its header says")
        width = math.prod(sizes[1:])
        arrays[start] = [tuple(map(float, values[n * width : (n + 1) * width]))
                         for n in range(sizes[0])]  # fmt: skip
    train, test = (
        [(*image, int(label[0])) for image, label in
         zip(arrays[f"{part}-images"], arrays[f"{part}-labels"], strict=True)]
        for part in ("train", "t10k")
    )  # fmt: skip
    return {"train": sorted(train), "test": test}


for target in (
    Target("Bonn archives", archive_files, seizure_load, archives_read),
    Target("Bonn folders", folder_files, seizure_load, folders_read),
    Target("Bonn table", bonn_table_files, seizure_load, bonn_table_read),
    Target("IDX", idx_files, idx_load, idx_read),
):
    register(target)

"""Small data in the formats of the real files, for the tests of data sets."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from kerasnets.data.eeg.bonn import CHUNKS, SAMPLES, SETS
from kerasnets.data.eeg.simulate import simulate_recordings

WriteTable = Callable[..., Path]

HEADER = [f"X{number}" for number in range(1, SAMPLES + 1)]


class Bonn:
    """A few recordings, in every supported file format."""

    def __init__(self, recordings: int) -> None:
        self.signals = simulate_recordings(recordings, seed=3).astype(int)
        self.recordings = recordings

    def table(self, *, ids: bool = True, seed: int = 0) -> list[list[str]]:
        """Header and shuffled rows as cells; recordings are numbered in random order."""
        rng = np.random.default_rng(seed)
        numbers = iter(rng.permutation(len(self.signals) * self.recordings) + 1)
        rows = []
        for label, recordings in enumerate(self.signals, 1):
            for recording in recordings:
                number = next(numbers)
                for chunk in range(CHUNKS):
                    values = recording[chunk * SAMPLES : (chunk + 1) * SAMPLES]
                    name = [f"X{chunk + 1}.V1.{number}"] if ids else []
                    rows.append([*name, *map(str, values), str(label)])
        rng.shuffle(rows)
        return [["", *HEADER, "y"] if ids else [*HEADER, "y"], *rows]

    def files(self) -> list[tuple[str, str, bytes]]:
        """Set, name and content of each recording's text file; set N has upper-case suffixes."""
        return [
            (
                letter,
                f"{letter}{number:03d}.{'TXT' if letter == 'N' else 'txt'}",
                "".join(f"{value}\r\n" for value in recording).encode(),
            )
            for letter, recordings in zip(SETS, self.signals, strict=True)
            for number, recording in enumerate(recordings, 1)
        ]

    def write_archives(self, folder: Path) -> Path:
        for letter, name, content in self.files():
            with zipfile.ZipFile(folder / f"{letter}.zip", "a", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(name, content)
        return folder

    def write_folders(self, folder: Path) -> Path:
        for letter, name, content in self.files():
            (folder / letter).mkdir(exist_ok=True)
            (folder / letter / name).write_bytes(content)
        return folder


def idx(array: np.ndarray) -> bytes:
    """The content of an IDX file of unsigned bytes."""
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


def patients(rows: int = 60) -> pd.DataFrame:
    """Three rows per patient: numbers, categories, unique notes and two targets."""
    return pd.DataFrame(
        {
            "patient": [f"p{number // 3}" for number in range(rows)],
            "age": np.arange(rows) % 50,
            "sex": ["f", "m"] * (rows // 2),
            "note": [f"note {number}" for number in range(rows)],
            "died": (["no", "no", "yes"] * rows)[:rows],
            "days": np.linspace(1, 30, rows),
        }
    )

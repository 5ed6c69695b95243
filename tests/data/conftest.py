"""Small files in the form of the Bonn recordings."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kerasnets.data.eeg.bonn import CHUNKS, SAMPLES, SETS
from kerasnets.data.eeg.simulate import simulate_recordings

HEADER = [f"X{number}" for number in range(1, SAMPLES + 1)]


class Bonn:
    """A few recordings, and every form in which they may lie on a disk."""

    def __init__(self, recordings: int) -> None:
        self.signals = simulate_recordings(recordings, seed=3).astype(int)
        self.recordings = recordings

    def table(self, *, ids: bool = True, seed: int = 0) -> list[list[str]]:
        """Header and rows as cells, shuffled; recordings numbered in an order of their own."""
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
        """Set, name and content of every recording's text file; set N is in capitals."""
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


WriteTable = Callable[..., Path]


@pytest.fixture(scope="session")
def bonn() -> Bonn:
    return Bonn(recordings=3)


@pytest.fixture
def write_table(tmp_path: Path) -> WriteTable:
    """Write rows of cells as CSV, in the way of one program or another."""

    def write(
        rows: list[list[str]],
        name: str = "Epileptic Seizure Recognition.csv",
        *,
        newline: str = "\n",
        bom: bool = False,
        compress: bool = False,
    ) -> Path:
        text = "".join(",".join(cells) + newline for cells in rows)
        content = text.encode("utf-8-sig" if bom else "utf-8")
        path = tmp_path / name
        path.write_bytes(gzip.compress(content) if compress else content)
        return path

    return write

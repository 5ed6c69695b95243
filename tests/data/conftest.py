"""Fixtures for the tests of data sets."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.data.helpers import Bonn, WriteTable


@pytest.fixture(scope="session")
def bonn() -> Bonn:
    return Bonn(recordings=3)


@pytest.fixture
def write_table(tmp_path: Path) -> WriteTable:
    """Write rows of cells as CSV, in the formats of different programs."""

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

"""What tests of every room share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data_dir() -> Path:
    """The folder of the real files: ``$KERASNETS_DATA`` or ``shared/data`` beside us."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("KERASNETS_DATA") or beside)
    if not folder.is_dir():
        pytest.skip("the real files are not here")
    return folder

"""One exported detector with step models in every format; no test changes it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from kerasnets.cli import main
from tests.exporting.streaming.helpers import detector


@pytest.fixture(scope="session")
def streamed(
    tmp_path_factory: pytest.TempPathFactory,
    verification_in_this_process: Callable[[Path], AbstractContextManager[None]],
) -> Path:
    """The verified version folder of the detector, exported by the command.

    ``test_write_step.py`` verifies a step model in a process of its own.
    """
    folder = tmp_path_factory.mktemp("streamed")
    detector().save(folder / "detector.keras")
    command = ["export", str(folder / "detector.keras"), "--out", str(folder / "detector")]
    with verification_in_this_process(folder):
        assert main([*command, "--formats", "saved_model,onnx,litert", "--streaming"]) == 0
    return folder / "detector" / "1"


@pytest.fixture
def copy(streamed: Path, tmp_path: Path) -> Path:
    """A copy of the version folder that a test may damage."""
    return Path(shutil.copytree(streamed, tmp_path / "copy" / "1"))

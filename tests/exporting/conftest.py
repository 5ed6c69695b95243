"""One exported classifier that the tests of this folder share; none of them changes it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import kerasnets as kn
from tests.exporting.helpers import TrainedNet


@pytest.fixture(scope="session")
def trained() -> TrainedNet:
    return TrainedNet()


@pytest.fixture(scope="session")
def exported(
    trained: TrainedNet,
    tmp_path_factory: pytest.TempPathFactory,
    verification_in_this_process: Callable[[Path], AbstractContextManager[None]],
) -> Path:
    """The verified version folder of the trained net."""
    folder = tmp_path_factory.mktemp("exported")
    with verification_in_this_process(folder):
        return kn.export(trained, folder / "seizure-mlp")


@pytest.fixture
def copy(exported: Path, tmp_path: Path) -> Path:
    """A copy of the version folder that a test may damage."""
    return Path(shutil.copytree(exported, tmp_path / "copy" / "1"))

"""One exported classifier that the tests of this folder share; none of them changes it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import kerasnets as kn
from tests.exporting.helpers import TrainedNet


@pytest.fixture(scope="session")
def trained() -> TrainedNet:
    return TrainedNet()


@pytest.fixture(scope="session")
def exported(trained: TrainedNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The verified version folder of the trained net."""
    return kn.export(trained, tmp_path_factory.mktemp("exported") / "seizure-mlp")


@pytest.fixture
def copy(exported: Path, tmp_path: Path) -> Path:
    """A copy of the version folder that a test may damage."""
    return Path(shutil.copytree(exported, tmp_path / "copy" / "1"))

"""One exported detector with step models in every format; no test changes it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import kerasnets as kn
from tests.exporting.streaming.helpers import detector

CLASSES = ("seizure", "tumour", "healthy")


@pytest.fixture(scope="session")
def streamed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The verified version folder of the detector."""
    samples = np.random.default_rng(2).normal(0, 1, (64, 24, 2)).astype("float32")
    return kn.export(
        detector(),
        tmp_path_factory.mktemp("streamed") / "detector",
        ("saved_model", "onnx", "litert"),
        class_names=CLASSES,
        samples=samples,
        keras_file=False,
        streaming=True,
    )


@pytest.fixture
def copy(streamed: Path, tmp_path: Path) -> Path:
    """A copy of the version folder that a test may damage."""
    return Path(shutil.copytree(streamed, tmp_path / "copy" / "1"))

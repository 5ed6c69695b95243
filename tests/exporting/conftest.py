"""One exported classifier that the tests of this folder share; none of them changes it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import kerasnets as kn
from kerasnets._lazy import keras

CLASSES = ("seizure", "tumour", "healthy", "closed", "open")


class TrainedNet:
    """The part of a run that export takes."""

    def __init__(self) -> None:
        rows = np.random.default_rng(1).normal(20, 150, (70, 178)).astype("float32")
        normalization = keras.layers.Normalization(name="rescale")
        normalization.adapt(rows)
        keras.utils.set_random_seed(3)
        net = kn.build("seizure-mlp")
        # As after training; a bias of zeros is folded away.
        net.get_layer("logits").bias.assign([0.1, -0.2, 0.3, -0.4, 0.5])
        x = normalization(net.input)
        for layer in net.layers[1:]:
            x = layer(x)
        self.model = keras.Model(net.input, x, name="trained-mlp")
        self.name = "seizure-mlp"
        self.class_names = CLASSES
        self.units = "µV"
        self.example_inputs = rows
        self.provenance = {"net": "seizure-mlp", "seed": "3", "data_checksum": "abc"}


@pytest.fixture(scope="session")
def trained() -> TrainedNet:
    return TrainedNet()


@pytest.fixture(scope="session")
def exported(trained: TrainedNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The version folder of the trained net, verified."""
    return kn.export(trained, tmp_path_factory.mktemp("exported") / "seizure-mlp")


@pytest.fixture
def copy(exported: Path, tmp_path: Path) -> Path:
    """A version folder to break."""
    return Path(shutil.copytree(exported, tmp_path / "copy" / "1"))

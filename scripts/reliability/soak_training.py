"""The subject "train" of soak.py: complete trainings, each with a new model and a run folder."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import kerasnets as kn

NETS = ("seizure-mlp", "seizure-cnn-dropout", "seizure-gru")


@contextlib.contextmanager
def train(work: Path) -> Iterator[Callable[[int], None]]:
    """Yield a function that trains a dense, a convolutional or a recurrent net for two epochs.

    Args:
        work: a temporary folder.
    """
    rng = np.random.default_rng(0)
    x = rng.normal(0, 100, (60, 178)).astype("float32")
    y = np.arange(60) % 3
    data = kn.Dataset.from_arrays(x, y, seed=0)

    def call(number: int) -> None:
        folder = work / str(number)
        net = NETS[number % len(NETS)]
        run = kn.train(net, data=data, out=folder, epochs=2, progress=False, seed=number % 7)
        if len(run.history["loss"]) != 2:
            raise RuntimeError(f"training {number} has {len(run.history['loss'])} epochs")
        shutil.rmtree(folder)

    yield call

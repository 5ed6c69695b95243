"""Models in ``.keras`` files, which may hold this package's own layers."""

from __future__ import annotations

import importlib
from pathlib import Path

from kerasnets._lazy import keras

# The modules with layers of this package's own.
_LAYERS = ("length_mask", "random_affine", "random_gain", "random_signal", "signal_statistics")


def load_model(path: str | Path, compile: bool = True) -> keras.Model:  # noqa: A002  # Keras's own
    """Load a ``.keras`` file.

    Keras finds a layer outside itself only once its module has been imported, which
    ``keras.saving.load_model`` alone does not do.

    Args:
        path: the file.
        compile: whether to restore loss and optimizer too.
    """
    importlib.import_module("kerasnets.nets.losses")
    for module in _LAYERS:
        importlib.import_module(f"kerasnets.nets.layers.{module}")
    return keras.saving.load_model(path, compile=compile)

"""Models in ``.keras`` files, which may hold this package's own layers."""

from __future__ import annotations

import importlib
from pathlib import Path

from kerasnets._lazy import keras


def load_model(path: str | Path, compile: bool = True) -> keras.Model:  # noqa: A002  # Keras's own
    """Load a ``.keras`` file.

    Keras finds a layer outside itself only once its module has been imported, which
    ``keras.saving.load_model`` alone does not do.

    Args:
        path: the file.
        compile: whether to restore loss and optimizer too.
    """
    importlib.import_module("kerasnets.nets.length_mask")
    return keras.saving.load_model(path, compile=compile)

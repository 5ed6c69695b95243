"""Load models from ``.keras`` files that may contain layers of this package."""

from __future__ import annotations

import importlib
from pathlib import Path

from kerasnets._lazy import keras

# The modules of ``kerasnets.nets.layers``.
_LAYERS = ("length_mask", "random_affine", "random_gain", "random_signal", "signal_statistics")


def load_model(path: str | Path, compile: bool = True) -> keras.Model:  # noqa: A002  # Keras's own
    """Load a ``.keras`` file.

    Keras can load a custom layer only if its module was imported before. This function imports
    the layers of this package; ``keras.saving.load_model`` does not.

    Args:
        path: the file.
        compile: also restore the loss and the optimizer.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if Keras cannot load it: it is damaged, or has a layer that is not registered.
            The message names the file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    importlib.import_module("kerasnets.nets.losses")
    for module in _LAYERS:
        importlib.import_module(f"kerasnets.nets.layers.{module}")
    try:
        return keras.saving.load_model(path, compile=compile)
    except Exception as error:  # of zipfile, json, h5py, Keras and TensorFlow
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"{path} cannot be loaded as a Keras model: {reason}") from error

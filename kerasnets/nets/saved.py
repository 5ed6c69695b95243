"""Load models from ``.keras`` files that may contain layers of this package."""

from __future__ import annotations

import importlib
from pathlib import Path

from kerasnets._lazy import keras
from kerasnets.nets.new_arguments import loadable, saved_by_newer_keras

# The modules of ``kerasnets.nets.layers``.
_LAYERS = ("length_mask", "random_affine", "random_gain", "random_signal", "signal_statistics")


def load_model(path: str | Path, compile: bool = True) -> keras.Model:  # noqa: A002  # Keras's own
    """Load a ``.keras`` file.

    Keras can load a custom layer only if its module was imported before. This function imports
    the layers of this package; ``keras.saving.load_model`` does not. It also loads files that a
    newer version of Keras saved, if they need nothing that the installed version does not have.

    Args:
        path: the file.
        compile: also restore the loss and the optimizer.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if Keras cannot load it: it is damaged, or has a layer that is not registered.
            The message names the file, and the newer version of Keras that saved it, if any.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    importlib.import_module("kerasnets.nets.losses")
    for module in _LAYERS:
        importlib.import_module(f"kerasnets.nets.layers.{module}")
    try:
        with loadable(path) as file:
            return keras.saving.load_model(file, compile=compile)
    except Exception as error:  # of zipfile, json, h5py, Keras and TensorFlow
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        newer = saved_by_newer_keras(path)
        if newer:
            reason += f" (saved by Keras {newer}; Keras {keras.__version__} is installed)"
        raise ValueError(f"{path} cannot be loaded as a Keras model: {reason}") from error

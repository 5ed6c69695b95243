"""A model as a TensorFlow SavedModel, which TensorFlow Serving reads."""

from __future__ import annotations

from pathlib import Path

from kerasnets._lazy import keras
from kerasnets.exporting._quiet import quiet
from kerasnets.exporting.signature import Served


def write_saved_model(served: Served, folder: Path) -> None:
    """Write ``saved_model.pb`` and ``variables/`` with the signature ``serving_default``.

    Args:
        served: the model under its serving names.
        folder: the version folder.
    """
    archive = keras.export.ExportArchive()
    with quiet("absl", "tensorflow"):
        archive.add_endpoint("serving_default", served, served.specs)
        archive.write_out(str(folder), verbose=False)

"""Keras and TensorFlow, imported at first use, so that names, help and errors come at once.

Importing TensorFlow takes seconds. Modules that only need it inside functions write
``from kerasnets._lazy import keras, tf``; the first attribute taken does the import, quietly.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
import tempfile
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any


class _LazyModule(types.ModuleType):
    """A stand-in that imports the module it is named after when an attribute is asked for."""

    def __getattr__(self, attribute: str) -> Any:
        import_tensorflow()
        return getattr(importlib.import_module(self.__name__), attribute)


def import_tensorflow() -> None:
    """Import TensorFlow, with Keras on it, without its start-up lines.

    ``TF_CPP_MIN_LOG_LEVEL`` silences what TensorFlow logs later, unless the user has set it. It
    comes too late for the lines its libraries write while they load, so those are held back,
    and shown only where the import fails.
    """
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    with _stderr_held_back():
        importlib.import_module("tensorflow")
    # It warns of a loop where many nets are used one after the other, as in a search.
    logging.getLogger("tensorflow").addFilter(
        lambda record: "triggered tf.function retracing" not in record.getMessage()
    )


@contextlib.contextmanager
def _stderr_held_back() -> Iterator[None]:
    """Hold back what the process writes to standard error; show it if the block raises."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(saved, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)


if TYPE_CHECKING:
    import keras
    import tensorflow as tf
else:
    keras = _LazyModule("keras")
    tf = _LazyModule("tensorflow")

__all__ = ["import_tensorflow", "keras", "tf"]

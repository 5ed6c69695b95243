"""Import Keras and TensorFlow at first use.

Importing TensorFlow takes seconds. Listing names, help and error messages should not wait for it.
Modules that use them only inside functions write ``from kerasnets._lazy import keras, tf``. The
first access to an attribute imports TensorFlow.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import logging
import os
import sys
import tempfile
import types
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any


class _LazyModule(types.ModuleType):
    """A module that is imported when one of its attributes is accessed."""

    def __getattr__(self, attribute: str) -> Any:
        import_tensorflow()
        return getattr(importlib.import_module(self.__name__), attribute)


def import_tensorflow() -> None:
    """Import TensorFlow without its start-up messages, and select it as the backend of Keras.

    ``TF_CPP_MIN_LOG_LEVEL`` silences later log messages, unless the user has set it. It does not
    affect the messages that libraries print while they are loaded. These are held back and shown
    only if the import fails.
    """
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    with _stderr_held_back():
        importlib.import_module("tensorflow")
    # TensorFlow warns about retracing when a search trains many nets one after the other.
    logging.getLogger("tensorflow").addFilter(
        lambda record: "triggered tf.function retracing" not in record.getMessage()
    )


def import_name(package: str, name: str, modules: Mapping[str, str]) -> Any:
    """Import a public name of a package at its first use, for the ``__getattr__`` of the package.

    Args:
        package: the full name of the package.
        name: the name that was looked up.
        modules: the module of the package that defines each public name.

    Raises:
        AttributeError: the package has no such name.
    """
    if name not in modules:
        close = difflib.get_close_matches(name, modules, n=1)
        hint = f". Did you mean {close[0]!r}?" if close else ""
        raise AttributeError(f"module {package!r} has no attribute {name!r}{hint}", name=name)
    value = getattr(importlib.import_module(f"{package}.{modules[name]}"), name)
    vars(sys.modules[package])[name] = value
    return value


@contextlib.contextmanager
def _stderr_held_back() -> Iterator[None]:
    """Hold back what the process writes to standard error. Show it if the block raises."""
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

__all__ = ["import_name", "import_tensorflow", "keras", "tf"]

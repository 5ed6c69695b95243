"""Import Keras and TensorFlow at first use.

Importing TensorFlow takes seconds. Listing names, help and error messages should not wait for it.
Modules that use them only inside functions write ``from kerasnets._lazy import keras, tf``. The
first access to an attribute imports TensorFlow.

TensorFlow cannot run in a process that was forked after TensorFlow had run: its threads do not
exist there, so it would wait for them forever. Therefore, each access in such a process raises an
error.
"""

from __future__ import annotations

import contextlib
import difflib
import gc
import importlib
import logging
import os
import sys
import tempfile
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any


class _LazyModule(types.ModuleType):
    """A module that is imported when one of its attributes is accessed."""

    def __getattr__(self, attribute: str) -> Any:
        check_not_forked()
        import_tensorflow()
        return getattr(importlib.import_module(self.__name__), attribute)


# Keras and TensorFlow import these libraries if they are installed, for scikit-learn wrappers,
# image galleries, DataFrames, sparse matrices and notebooks. They take a third of the import time.
_OPTIONAL_FOR_KERAS = ("IPython", "matplotlib", "pandas", "scipy", "sklearn")
_skip_optional = False


def skip_optional_imports() -> None:
    """Let Keras do without its optional libraries, to save a second at the start of a command.

    Keras then has no scikit-learn wrappers, and its own ``fit`` takes no DataFrame, in the whole
    process. So this is for processes that belong to kerasnets alone.
    """
    global _skip_optional
    _skip_optional = True


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
    skipped = _OPTIONAL_FOR_KERAS if _skip_optional else ()
    with stderr_held_back(), _without(skipped), _garbage_kept():
        importlib.import_module("tensorflow")
    # TensorFlow warns about retracing when a search trains many nets one after the other.
    logging.getLogger("tensorflow").addFilter(
        lambda record: "triggered tf.function retracing" not in record.getMessage()
    )


def check_not_forked() -> None:
    """Refuse to run TensorFlow in a process in which it would wait forever.

    Raises:
        RuntimeError: the process was forked after TensorFlow had run.
    """
    if _forked:
        raise RuntimeError(
            "TensorFlow had run before this process was forked, so it cannot run here. Start "
            "processes with multiprocessing.get_context('spawn'), or fork before you use "
            "TensorFlow or Keras."
        )


_forked = False  # whether this process was forked after TensorFlow had run


def _after_fork() -> None:
    global _forked
    # Without an import, because this runs after every fork, also where nothing uses TensorFlow.
    module = sys.modules.get("tensorflow.python.eager.context")
    context = module.context_safe() if module is not None else None
    if context is not None and context._initialized:
        _forked = True


os.register_at_fork(after_in_child=_after_fork)


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
    setattr(sys.modules[package], name, value)
    return value


@contextlib.contextmanager
def _without(names: Sequence[str]) -> Iterator[None]:
    """Make imports of these libraries fail in the block, except those imported before."""
    blocked = [name for name in names if name not in sys.modules]
    sys.modules |= dict.fromkeys(blocked)  # type: ignore[arg-type]  # None blocks an import
    try:
        yield
    finally:
        for name in blocked:
            del sys.modules[name]


@contextlib.contextmanager
def _garbage_kept() -> Iterator[None]:
    """Collect no garbage in the block, and never look at the objects it creates again.

    The import creates a million objects that live as long as the process. To search them for
    garbage again and again takes a fifth of the import time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


@contextlib.contextmanager
def stderr_held_back() -> Iterator[None]:
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

__all__ = ["import_name", "import_tensorflow", "keras", "skip_optional_imports", "tf"]

"""Protect random generators and models that several threads share."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from kerasnets._lazy import keras

# Held while the global random generators of Python, NumPy and Keras are seeded or used, so that a
# training draws the same initial weights whatever other threads do.
SEEDING = threading.RLock()

_LOCK = threading.Lock()
_owners: dict[int, int] = {}  # the thread that trains a model, by the id of the model


@contextlib.contextmanager
def only_training_of(model: keras.Model) -> Iterator[None]:
    """Refuse to train a model while another thread trains it.

    Raises:
        RuntimeError: if another thread trains the model.
    """
    thread = threading.get_ident()
    with _LOCK:
        is_nested = id(model) in _owners
        if _owners.setdefault(id(model), thread) != thread:
            raise RuntimeError(
                f"Another thread is training {model.name}. Wait for it, or train a copy: "
                "keras.models.clone_model(model)."
            )
    try:
        yield
    finally:
        if not is_nested:
            with _LOCK:
                del _owners[id(model)]

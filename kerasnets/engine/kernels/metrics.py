"""The loss of each output, averaged over batches as Keras's ``fit`` does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kerasnets._lazy import keras
from kerasnets._patching import patched


@contextmanager
def equal_batches(model: keras.Model) -> Iterator[None]:
    """While the block runs, trace the loss of each output with the same weight for every batch.

    Keras takes the static batch size as the weight. In ``fit``, it is the same number for every
    batch, or unknown for every batch, so all batches have equal weights. Here only full batches
    that XLA compiles have a static size.
    """
    trackers = getattr(model._compile_loss, "metrics", [])
    changes = ((tracker, "update_state", _unweighted(tracker.update_state)) for tracker in trackers)
    with patched(*changes):
        yield


def _unweighted(update: Any) -> Any:
    return lambda value, sample_weight=None: update(value)

"""Cache compiled functions on a model, and compile again if the model has changed.

A compiled function contains the layers, activations and optimizer it was traced from. A snapshot of
them is stored with the function, and the next call compares the model with it. The function is
traced again after a changed activation, a replaced or quantized layer, a frozen weight or a new
``compile``. Values of variables are read when a function runs, so training does not invalidate it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any, TypeVar

from kerasnets._lazy import keras
from kerasnets._patching import own_attributes

T = TypeVar("T")

_CACHE_NAME = "_kerasnets_compiled"
_MAX_FUNCTIONS = 16  # functions per model; the oldest is dropped

# Attributes that change when a model is used, but do not affect traced functions.
_IGNORED = frozenset({
    _CACHE_NAME, "train_function", "test_function", "predict_function", "history", "stop_training",
    "stop_evaluating", "stop_predicting", "_eval_epoch_iterator", "_initial_epoch", "_losses",
    "_loss_ids", "_inbound_nodes", "_outbound_nodes", "_called", "_parent_path", "_tracker",
    "_obj_reference_counts_dict", "_self_unconditional_checkpoint_dependencies",
    "_self_unconditional_dependency_names", "_self_update_uid", "_self_name_based_restores",
    "_self_saveable_object_factories", "_self_setattr_tracking", "_compute_dtype_cache",
    "_dropout_mask", "_recurrent_dropout_mask", "_tracked",
})  # fmt: skip
_PLAIN = (bool, int, float, str, bytes, type(None))


class _Cache:
    """Compiled functions with their snapshots. Keras does not save objects of this class."""

    def __init__(self) -> None:
        self.functions: dict[Hashable, tuple[list[Any], Any]] = {}


def compiled_for(model: keras.Model, key: Hashable, make: Callable[[], T]) -> T:
    """Return the cached function of a model, or make a new one if the model has changed.

    Args:
        model: any built model. The function is stored on it and deleted with it.
        key: anything else that the function depends on, such as the form of its inputs.
        make: makes the function.
    """
    # Not with setattr, because Keras would track the cache as a part of the model.
    cache = vars(model).setdefault(_CACHE_NAME, _Cache())
    now = _snapshot(model)
    if key in cache.functions:
        before, function = cache.functions[key]
        if _same(before, now):
            return function
    function = make()
    cache.functions.pop(key, None)
    cache.functions[key] = now, function
    while len(cache.functions) > _MAX_FUNCTIONS:
        cache.functions.pop(next(iter(cache.functions)))
    return function


def _snapshot(model: keras.Model) -> list[Any]:
    """References to everything that a function traced from the model may depend on."""
    return [part for thing in _parts(model) for part in _state(thing)]


def _parts(model: keras.Model) -> Iterator[Any]:
    yield from model._flatten_layers()
    for name in ("optimizer", "_compile_loss", "_compile_metrics"):
        if (part := getattr(model, name, None)) is not None:
            yield part


def _state(thing: Any) -> Iterator[Any]:
    yield thing
    for name, value in own_attributes(thing).items():
        if name in _IGNORED:
            continue
        yield name
        yield value
        # Also the elements, because a list can change and stay the same object.
        if isinstance(value, dict):
            yield from value.items()
        elif isinstance(value, list | tuple | set | frozenset):
            yield from value


def _same(before: list[Any], now: list[Any]) -> bool:
    return len(before) == len(now) and all(map(_is_same, before, now))


def _is_same(a: Any, b: Any) -> bool:
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, _PLAIN):
        return bool(a == b)
    return isinstance(a, tuple) and len(a) == len(b) and all(map(_is_same, a, b))

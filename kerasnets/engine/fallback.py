"""Use Keras's own ``fit`` or ``predict`` where the compiled loop cannot run a model or data."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

from kerasnets._lazy import keras, tf
from kerasnets.engine.sources import Source


class FallbackWarning(UserWarning):
    """Keras's own method is used, which is slower."""


class CannotCompileError(ValueError):
    """The engine cannot run this model or these data; the message is the reason."""


# Methods that the engine replaces. If a class overrides one, only Keras can run the model.
TRAINING = ("fit", "evaluate", "make_train_function", "make_test_function")
PREDICTION = ("predict", "make_predict_function")


def check_model(model: keras.Model, methods: tuple[str, ...] = TRAINING) -> None:
    """Refuse a model that only Keras can run.

    Args:
        model: any Keras model.
        methods: the methods that the engine replaces.

    Raises:
        CannotCompileError: with the reason.
    """
    if model.run_eagerly or tf.config.functions_run_eagerly():
        raise CannotCompileError("the model runs eagerly")
    for name in methods:
        if getattr(type(model), name) is not getattr(keras.Model, name):
            raise CannotCompileError(f"{type(model).__name__} overrides {name}")
    if tf.distribute.has_strategy() or model._distribute_strategy is not None:
        raise CannotCompileError("the model is distributed by tf.distribute")
    if keras.distribution.distribution() is not None:
        raise CannotCompileError("keras.distribution is in use")
    if type(model).call is keras.Model.call:
        raise CannotCompileError(f"{type(model).__name__} has no call method")
    for limit in ("max_epochs", "max_steps_per_epoch"):
        if getattr(keras.config, limit, lambda: None)():
            raise CannotCompileError(f"keras.config.{limit} is set")


def check_arrays(*structures: Any) -> None:
    """Refuse data that the engine cannot hold in memory as arrays.

    Args:
        structures: inputs, labels or weights, nested or ``None``.

    Raises:
        CannotCompileError: with the reason.
    """
    for leaf in keras.tree.flatten(structures):
        if leaf is None or isinstance(leaf, Source):
            continue
        if isinstance(leaf, tf.RaggedTensor | tf.SparseTensor) or hasattr(leaf, "tocoo"):
            raise CannotCompileError(f"the data contain a {type(leaf).__name__}")
        if not hasattr(leaf, "shape") or not hasattr(leaf, "__array__"):
            raise CannotCompileError(f"the data are a {type(leaf).__name__}, not arrays")


def dense(x: Any) -> Any:
    """Return inputs that Keras's own methods take: the padded arrays of a source, else ``x``."""
    return x.take(slice(None)) if isinstance(x, Source) else x


@contextlib.contextmanager
def tracing_errors() -> Iterator[None]:
    """Convert any error of tracing to a ``CannotCompileError``.

    Keras's own method then runs, or raises its own error.
    """
    try:
        yield
    except Exception as error:
        lines = str(error).strip().splitlines() or [""]
        text = f"{type(error).__name__}: {lines[0][:200]}"
        raise CannotCompileError(f"the step cannot be traced in a loop ({text})") from error


def fall_back(
    method: str, reason: CannotCompileError, *, strict: bool = False, stacklevel: int = 3
) -> None:
    """Warn that Keras's own method is used, and why, or raise an error.

    Args:
        method: name of the method, such as ``"fit"``.
        reason: why the engine cannot run.
        strict: raise instead of warning.
        stacklevel: as in ``warnings.warn``.

    Raises:
        CannotCompileError: if ``strict``.
    """
    if strict:
        raise reason
    warnings.warn(
        f"Keras's own {method} is used, because {reason}.", FallbackWarning, stacklevel=stacklevel
    )

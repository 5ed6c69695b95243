"""Helpers for the tests of the engine: compare a training by kerasnets with one by Keras."""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

import kerasnets as kn
from kerasnets.engine import FallbackWarning
from kerasnets.engine.ragged import RaggedCodes


def fit(model: keras.Model, **arguments: Any) -> dict[str, list[float]]:
    """Return the history of ``kerasnets.fit``, which must not fall back to Keras."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", FallbackWarning)
        return kn.fit(model, **({"verbose": 0} | arguments)).history


def keras_fit(model: keras.Model, **arguments: Any) -> dict[str, list[float]]:
    """Return the history of Keras's own ``fit``.

    It runs eagerly, because tracing takes longer than a few steps. Exceptions are models that have
    their train function already, and those of several losses: Keras weights batches of different
    sizes differently in the mean of each loss when it runs eagerly.
    """
    one_loss = isinstance(model.loss, str | keras.losses.Loss)
    if one_loss and model.train_function is None:
        model.run_eagerly = True
    return model.fit(**({"verbose": 0} | arguments)).history


def assert_same_history(
    ours: dict[str, list[float]], expected: dict[str, list[float]], tolerance: float = 1e-5
) -> None:
    """Check that keys, their order and values are the same."""
    assert list(ours) == list(expected)
    for key, values in expected.items():
        np.testing.assert_allclose(ours[key], values, atol=tolerance, rtol=0, err_msg=key)


def assert_same_weights(ours: keras.Model, expected: keras.Model, tolerance: float = 2e-5) -> None:
    """Check that the variables of model and optimizer are the same."""
    if not expected.optimizer.built:  # no epoch was trained
        expected.optimizer.build(expected.trainable_variables)
    pairs = zip(_variables(ours), _variables(expected), strict=True)
    for a, b in pairs:
        np.testing.assert_allclose(a, b, atol=tolerance, rtol=tolerance, err_msg=b.path)


def _variables(model: keras.Model) -> list[Any]:
    return [*model.variables, *model.optimizer.variables]


def reference(build: Callable[[], keras.Model]) -> keras.Model:
    """Return a model for Keras's own ``fit``, with the weights and optimizer of a new one.

    Calls with the same function return the same object, so that Keras traces its step once. Use it
    only with data of the same shapes and types.
    """
    model, state = _model_and_state(build)
    for variable, value in zip(_variables(model), state, strict=True):
        variable.assign(value)
    return model


@functools.cache
def _model_and_state(build: Callable[[], keras.Model]) -> tuple[keras.Model, list[np.ndarray]]:
    model = build()
    model.optimizer.build(model.trainable_variables)
    model.make_train_function()
    return model, [variable.numpy() for variable in _variables(model)]


def assert_same_fit(
    build: Callable[[], keras.Model],
    tolerance: float = 1e-5,
    expected: keras.Model | None = None,
    **arguments: Any,
) -> keras.Model:
    """Train two equal models, one by Keras and one by kerasnets, and compare; return ours.

    Keras trains ``expected``, or a new model.
    """
    xla = arguments.pop("xla", "auto")
    expected, ours = expected or build(), build()
    history = keras_fit(expected, **arguments)
    assert_same_history(fit(ours, xla=xla, **arguments), history, tolerance)
    assert_same_weights(ours, expected, max(tolerance, 2e-5))
    return ours


class Sequences(RaggedCodes):
    """Random sequences of sets of codes."""

    def __init__(self, rows: int, features: int = 5, longest: int = 6, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        lengths = rng.integers(1, longest + 1, rows)
        visits = rng.random((lengths.sum(), features)) < 0.4
        self.visit_offsets = np.concatenate([[0], np.cumsum(lengths)])
        self.code_offsets = np.concatenate([[0], np.cumsum(visits.sum(axis=1))])
        self.codes = np.nonzero(visits)[1]
        self._visits, self._features = visits, features

    @property
    def features(self) -> int:
        """Number of different codes."""
        return self._features

    def take(self, rows: np.ndarray | slice, length: int | None = None) -> dict[str, np.ndarray]:
        """Multi-hot visits, written one by one."""
        chosen = np.arange(len(self))[rows]
        lengths = self.lengths[chosen]
        length = int(lengths.max()) if length is None else length
        dense = np.zeros((len(chosen), length, self.features), "float32")
        for at, row in enumerate(chosen):
            start, end = self.visit_offsets[row : row + 2]
            dense[at, : end - start] = self._visits[start:end]
        return {"visits": dense, "length": lengths}


def module_of(name: str) -> Any:
    """Return a module of the engine, even if the package has a function with the same name."""
    return importlib.import_module(f"kerasnets.engine.{name}")


def assert_same(actual: Any, expected: Any) -> None:
    """Check that two nested structures have equal arrays."""
    for a, b in zip(tf.nest.flatten(actual), tf.nest.flatten(expected), strict=True):
        if b is None:
            assert a is None
        else:
            np.testing.assert_array_equal(a, b)


def frame(array: np.ndarray) -> pd.DataFrame:
    """The array as a data frame."""
    return pd.DataFrame(array, columns=[f"f{column}" for column in range(array.shape[1])])

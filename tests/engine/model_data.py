"""Data for the models of ``models.py``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Data = tuple[Any, ...]


def floats(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Standard normal numbers, float32."""
    return rng.normal(size=shape).astype("float32")


def regression_data(rows: int, rng: np.random.Generator) -> Data:
    """Eight features, and a target that depends on them."""
    x = floats(rng, rows, 8)
    return x, np.tanh(x[:, :1]) + x[:, 1:2] / 2


def binary_data(rows: int, rng: np.random.Generator) -> Data:
    """Eight features and 0 or 1."""
    x = floats(rng, rows, 8)
    return x, (x.sum(axis=1) > 0).astype("int32")


def onehot_data(rows: int, rng: np.random.Generator) -> Data:
    """Eight features and one of three classes, one-hot."""
    x = floats(rng, rows, 8)
    return x, np.eye(3, dtype="float32")[x[:, :3].argmax(axis=1)]


def multilabel_data(rows: int, rng: np.random.Generator) -> Data:
    """Eight features and four labels that are 0 or 1."""
    x = floats(rng, rows, 8)
    return x, (x[:, :4] > 0).astype("float32")


def token_data(rows: int, rng: np.random.Generator) -> Data:
    """Seven tokens, with zeros at the end, and two classes."""
    x = rng.integers(1, 12, (rows, 7)) * (np.arange(7) < rng.integers(1, 8, (rows, 1)))
    return x, (x.sum(axis=1) % 2).astype("int32")


def image_data(rows: int, rng: np.random.Generator) -> Data:
    """Images of 8 × 8 pixels and three classes."""
    return floats(rng, rows, 8, 8, 1), rng.integers(0, 3, rows)


def two_inputs_data(rows: int, rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """Both inputs and the target."""
    a, y = regression_data(rows, rng)
    return a, rng.integers(0, 5, (rows, 2)).astype("int32"), y


def two_outputs_data(rows: int, rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """Features, numbers and classes."""
    x, y = regression_data(rows, rng)
    return x, y, rng.integers(0, 3, rows)


def masked_values_data(rows: int, rng: np.random.Generator) -> Data:
    """Sequences that end with steps of zeros."""
    x = floats(rng, rows, 6, 3) * (np.arange(6) < rng.integers(1, 7, (rows, 1)))[..., None]
    return x, x.sum(axis=(1, 2))


def by_length_data(rows: int, rng: np.random.Generator) -> Data:
    """Sequences padded with noise, their lengths, and two classes."""
    x = {"visits": floats(rng, rows, 5, 3), "length": rng.integers(1, 6, rows).astype("int32")}
    return x, rng.integers(0, 2, rows)


def weighted_data(rows: int, rng: np.random.Generator) -> Data:
    x, number, kind = two_outputs_data(rows, rng)
    return x, [number, kind], [rng.uniform(size=rows), rng.uniform(size=rows)]


def pair_data(rows: int, rng: np.random.Generator) -> Data:
    a, b, y = two_inputs_data(rows, rng)
    return [a, b], y


def named_data(rows: int, rng: np.random.Generator) -> Data:
    a, b, y = two_inputs_data(rows, rng)
    return {"b": b, "a": a.astype("float64")}, y


def reconstructed(data: Callable[[int, np.random.Generator], Data]) -> Any:
    return lambda rows, rng: (data(rows, rng)[0],) * 2


def tag_data(rows: int, rng: np.random.Generator) -> Data:
    x, _ = token_data(rows, rng)
    return x, x % 3

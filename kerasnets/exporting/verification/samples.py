"""Inputs that a model is verified, warmed up and shown with: the user's, or drawn ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from kerasnets.exporting.signature import Served, TensorInfo

Arrays: TypeAlias = dict[str, np.ndarray]

EXAMPLES = 64
# How long a free axis is made where no examples say so.
_FREE_AXIS = 12


def as_samples(served: Served, samples: object) -> Arrays:
    """Bring example inputs into the form of the model's signature.

    Args:
        served: the model.
        samples: an array for a model with one input, or a mapping of arrays by input name, each
            of shape ``(examples, …)``.

    Raises:
        ValueError: inputs are missing or unknown, or their shape or type does not fit.
    """
    names = [info.name for info in served.inputs]
    if not isinstance(samples, Mapping):
        if len(names) > 1:
            raise ValueError(
                f"samples must be a mapping with {', '.join(names)}; got {type(samples).__name__}."
            )
        samples = {names[0]: samples}
    if set(samples) != set(names):
        raise ValueError(f"samples has {sorted(samples)}; the model takes {sorted(names)}.")
    arrays = {info.name: _sample(info, samples[info.name]) for info in served.inputs}
    counts = {name: len(array) for name, array in arrays.items()}
    if len(set(counts.values())) != 1 or not min(counts.values()):
        raise ValueError(f"samples must hold the same examples for every input; got {counts}.")
    return arrays


def _sample(info: TensorInfo, value: object) -> np.ndarray:
    array = np.asarray(value)
    fits = array.ndim == len(info.shape) and all(
        want in (None, got) for want, got in zip(info.shape[1:], array.shape[1:], strict=True)
    )
    if not fits:
        raise ValueError(
            f"samples[{info.name!r}] has shape {array.shape}; the model takes {info.shape}."
        )
    if not np.can_cast(array.dtype, info.dtype, casting="same_kind"):
        raise ValueError(
            f"samples[{info.name!r}] has type {array.dtype}; the model takes {info.dtype}."
        )
    return array.astype(info.dtype)


def draw_samples(served: Served, like: object = None) -> Arrays:
    """Draw 64 inputs, which may leave with the model whoever the examples are of.

    Args:
        served: the model.
        like: examples, as :func:`as_samples` takes them, for the number of steps and the scale:
            floats are drawn with their mean, deviation and range, all features together, those
            that are 0 and 1 only as 0 and 1 in the same share. Without any, floats are normal
            and integers 0 and 1. An input named ``length`` holds whole numbers from 1 to the
            steps of the others.

    Raises:
        ValueError: ``like`` does not fit the model.
    """
    rng = np.random.default_rng(0)
    examples = {} if like is None else as_samples(served, like)
    shapes = {
        info.name: examples[info.name].shape[1:]
        if examples
        else tuple(axis or _FREE_AXIS for axis in info.shape[1:])
        for info in served.inputs
    }
    longest = max((shapes[info.name][0] for info in served.inputs if info.is_sequence), default=1)
    drawn: Arrays = {}
    for info in served.inputs:
        shape = (EXAMPLES, *shapes[info.name])
        known = examples.get(info.name)
        if info.is_length:
            array = rng.integers(1, longest, size=shape, endpoint=True)
        elif known is None or not known.size:
            array = _draw(rng, shape, info.dtype)
        else:
            array = _draw_like(rng, shape, known)
        drawn[info.name] = array.astype(info.dtype)
    return drawn


def _draw(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    if np.issubdtype(dtype, np.floating):
        return _coarse(rng.normal(size=shape))
    return rng.integers(0, 1, size=shape, endpoint=True)


def _draw_like(rng: np.random.Generator, shape: tuple[int, ...], known: np.ndarray) -> np.ndarray:
    if np.isin(known, (0, 1)).all():
        return rng.random(shape) < known.mean()
    low, high = known.min(), known.max()
    if known.dtype.kind != "f":
        return rng.integers(low, high, size=shape, endpoint=True)
    noise = known.mean() + known.std() * _coarse(rng.normal(size=shape))
    return noise.clip(low, high)


def _coarse(noise: np.ndarray) -> np.ndarray:
    # Multiples of a sixteenth: a quarter of the bytes once compressed.
    return np.round(noise * 16) / 16

"""Inputs for verification, warm-up requests and example requests: from the user, or random."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from kerasnets.exporting.signature import Served, TensorInfo

Arrays: TypeAlias = dict[str, np.ndarray]

# The number of random inputs, and the largest batch in verification and on servers.
EXAMPLES = 64
# The size of a free axis if there are no examples.
_FREE_AXIS = 12


def as_samples(served: Served, samples: object) -> Arrays:
    """Convert example inputs to the names, shapes and types of a model's signature.

    Args:
        served: the model.
        samples: an array for a model with one input, or a mapping of arrays by input name, each
            of shape ``(examples, …)``.

    Raises:
        ValueError: inputs are missing or unknown, or a shape or type does not fit.
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
    arrays = {info.name: _as_sample(info, samples[info.name]) for info in served.inputs}
    counts = {name: len(array) for name, array in arrays.items()}
    if len(set(counts.values())) != 1 or not min(counts.values()):
        raise ValueError(
            f"samples must hold the same number of examples, at least 1, for every input; got "
            f"{counts}."
        )
    return arrays


def _as_sample(info: TensorInfo, value: object) -> np.ndarray:
    array = np.asarray(value)
    fits = array.ndim == len(info.shape) and all(
        expected in (None, size)
        for expected, size in zip(info.shape[1:], array.shape[1:], strict=True)
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


def random_samples(served: Served, like: object = None) -> Arrays:
    """Generate 64 random inputs, which can be published with the model.

    Args:
        served: the model.
        like: examples in the form that :func:`as_samples` takes. They determine the number of
            time steps and the distribution. Floats are normal with the mean, standard deviation
            and range (to two digits) of all features together; values that are only 0 and 1 stay
            0 and 1, with the same share of ones. Without examples, floats are standard normal and
            integers are 0 or 1. An input named ``length`` holds integers from 1 to the number of
            time steps.

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
    samples: Arrays = {}
    for info in served.inputs:
        shape = (EXAMPLES, *shapes[info.name])
        example = examples.get(info.name)
        if info.is_length:
            array = rng.integers(1, longest, size=shape, endpoint=True)
        elif example is None or not example.size:
            array = _random(rng, shape, info.dtype)
        else:
            array = _random_like(rng, shape, example)
        samples[info.name] = array.astype(info.dtype)
    return samples


def first_samples(samples: Arrays, count: int) -> Arrays:
    """The first ``count`` examples; they repeat if there are fewer."""
    rows = np.arange(count) % len(next(iter(samples.values())))
    return {name: array[rows] for name, array in samples.items()}


def _random(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    if np.issubdtype(dtype, np.floating):
        return _rounded(rng.normal(size=shape))
    return rng.integers(0, 1, size=shape, endpoint=True)


def _random_like(
    rng: np.random.Generator, shape: tuple[int, ...], example: np.ndarray
) -> np.ndarray:
    if np.isin(example, (0, 1)).all():
        return rng.random(shape) < example.mean()
    if example.dtype.kind != "f":
        return rng.integers(example.min(), example.max(), size=shape, endpoint=True)
    noise = example.mean() + example.std() * _rounded(rng.normal(size=shape))
    return noise.clip(_coarse(example.min(), np.ceil), _coarse(example.max(), np.floor))


def _coarse(limit: float, towards: Callable[[float], float]) -> float:
    """A limit with two digits, because the exact one is the value of a row."""
    if not limit:
        return 0.0
    unit = 10.0 ** (np.floor(np.log10(abs(float(limit)))) - 1)
    return float(towards(float(limit) / unit) * unit)


def _rounded(noise: np.ndarray) -> np.ndarray:
    # Multiples of 1/16 compress to a quarter of the bytes.
    return np.round(noise * 16) / 16

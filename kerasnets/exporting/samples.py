"""Inputs for verification, warm-up requests and example requests: from the user, or random."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from kerasnets._lazy import keras
from kerasnets.exporting.signature import Served, TensorInfo, as_text
from kerasnets.exporting.tracing import all_layers

Arrays: TypeAlias = dict[str, np.ndarray]

# The largest batch in verification and on servers.
EXAMPLES = 64
# The size of a free axis if there are no examples.
_FREE_AXIS = 12
# The words of a random text, and the largest number of different ones.
_WORDS_PER_TEXT = 6
_MOST_WORDS = 200


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
    if info.dtype == "string" and array.dtype.kind in "USO":
        return as_text(array)
    if info.dtype == "string" or not np.can_cast(array.dtype, info.dtype, casting="same_kind"):
        raise ValueError(
            f"samples[{info.name!r}] has type {array.dtype}; the model takes {info.dtype}."
        )
    return array.astype(info.dtype)


def random_samples(
    served: Served, like: object = None, free_axis: int = _FREE_AXIS, count: int = EXAMPLES
) -> Arrays:
    """Generate random inputs, which can be published with the model.

    Args:
        served: the model.
        like: examples in the form that :func:`as_samples` takes. They determine the number of
            time steps and the distribution. Floats are normal with the mean, standard deviation
            and range (to two digits) of all features together; values that are only 0 and 1 stay
            0 and 1, with the same share of ones. Without examples, floats are standard normal and
            integers are 0 or 1. An input named ``length`` holds integers from 1 to the number of
            time steps. Text is made of the words that lookup layers of the model know.
        free_axis: the size of each free axis without examples.
        count: the number of inputs.

    Raises:
        ValueError: ``like`` does not fit the model.
    """
    rng = np.random.default_rng(0)
    examples = {} if like is None else as_samples(served, like)
    shapes = {
        info.name: examples[info.name].shape[1:]
        if examples
        else tuple(axis or free_axis for axis in info.shape[1:])
        for info in served.inputs
    }
    longest = max((shapes[info.name][0] for info in served.inputs if info.is_sequence), default=1)
    samples: Arrays = {}
    for info in served.inputs:
        shape = (count, *shapes[info.name])
        example = examples.get(info.name)
        if info.is_length:
            array = rng.integers(1, longest, size=shape, endpoint=True)
        elif info.dtype == "string":
            samples[info.name] = _random_text(rng, shape, served.model)
            continue
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
    return noise.clip(coarse(example.min(), np.ceil), coarse(example.max(), np.floor))


def coarse(limit: float, towards: Callable[[float], float]) -> float:
    """A limit with two digits, because the exact one is the value of a row."""
    if not limit:
        return 0.0
    unit = 10.0 ** (np.floor(np.log10(abs(float(limit)))) - 1)
    return float(towards(float(limit) / unit) * unit)


def _rounded(noise: np.ndarray) -> np.ndarray:
    # Multiples of 1/16 compress to a quarter of the bytes.
    return np.round(noise * 16) / 16


def _random_text(
    rng: np.random.Generator, shape: tuple[int, ...], model: keras.Model
) -> np.ndarray:
    """Known words and an unknown one; several per text for a ``TextVectorization``."""
    words, count = ["unknown"], 1
    for layer in all_layers(model):
        if isinstance(layer, keras.layers.TextVectorization):
            count = _WORDS_PER_TEXT
        if isinstance(layer, keras.layers.TextVectorization | keras.layers.StringLookup):
            words += [str(word) for word in layer.get_vocabulary() if word][:_MOST_WORDS]
    texts = [" ".join(rng.choice(words, count)) for _ in range(int(np.prod(shape)))]
    return np.array(texts, str).reshape(shape)


def steps_of(served: Served, samples: Arrays, *, free_only: bool = False) -> int:
    """The number of steps of the longest sequence input, 0 if there is none.

    Args:
        served: the model.
        samples: its inputs.
        free_only: consider only inputs with a free time axis.
    """
    sequences = [i for i in served.inputs if i.is_sequence and not (free_only and i.shape[1])]
    return max((samples[info.name].shape[1] for info in sequences), default=0)


def shorten(served: Served, inputs: Arrays, steps: int) -> Arrays:
    """Cut inputs with a free time axis to a number of steps."""
    shortened = dict(inputs)
    for info in served.inputs:
        if info.is_sequence and info.shape[1] is None:
            shortened[info.name] = inputs[info.name][:, :steps]
        elif info.is_length:
            shortened[info.name] = np.minimum(inputs[info.name], steps)
    return shortened

"""What the exported files are measured against: inputs, and Keras's own answers to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from kerasnets._lazy import tf
from kerasnets.exporting.signature import Served, TensorInfo

Arrays: TypeAlias = dict[str, np.ndarray]

BATCH_SIZES = (1, 2, 7, 64)
# How long a free axis is made where no samples say so.
_FREE_AXIS = 12


@dataclass(frozen=True)
class Case:
    """One set of inputs.

    Attributes:
        name: what it shows.
        inputs: arrays by input name.
        same_as: other inputs to which the model must give the same outputs; what runtimes are
            compared with is then Keras's answer to these.
        required: whether the model must be able to run it; a convolution may need more steps
            than a shortened case has.
    """

    name: str
    inputs: Arrays
    same_as: Arrays | None = None
    required: bool = True


def write_reference(served: Served, samples: Arrays, path: Path) -> list[str]:
    """Write inputs of several batch sizes and lengths with the outputs of the Keras model.

    The arrays stand in the file as ``<case>/inputs/<name>`` and ``<case>/outputs/<name>``.

    Args:
        served: the model; it is run eagerly, so that tracing cannot hide a fault of its own.
        samples: raw inputs, as :func:`as_samples` gives them.
        path: the ``.npz`` to write.

    Returns:
        The names of the cases.
    """
    contents: Arrays = {}
    names = []
    for case in cases(served, samples):
        try:
            outputs = served.run(case.same_as or case.inputs)
        except (ValueError, tf.errors.InvalidArgumentError):
            if case.required:
                raise
            continue
        contents |= {f"{case.name}/inputs/{name}": value for name, value in case.inputs.items()}
        contents |= {f"{case.name}/outputs/{name}": value for name, value in outputs.items()}
        names.append(case.name)
    np.savez_compressed(path, **contents)  # type: ignore[arg-type]  # names are not its flags
    return names


def as_samples(served: Served, samples: object) -> Arrays:
    """Bring example inputs into the form of the model's signature.

    Args:
        served: the model.
        samples: an array for a model with one input, or a mapping of arrays by input name, each
            of shape ``(examples, …)``; ``None`` draws some: normal floats, integers 0 and 1,
            and for an input named ``length`` whole numbers from 1 to the length of the others.

    Raises:
        ValueError: inputs are missing or unknown, or their shape or type does not fit.
    """
    if samples is None:
        return _draw(served)
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


def _draw(served: Served) -> Arrays:
    rng = np.random.default_rng(0)
    examples = max(BATCH_SIZES)
    longest = max(
        (info.shape[1] or _FREE_AXIS for info in served.inputs if info.is_sequence), default=1
    )
    drawn: Arrays = {}
    for info in served.inputs:
        shape = (examples, *(axis or _FREE_AXIS for axis in info.shape[1:]))
        if np.issubdtype(info.dtype, np.floating):
            drawn[info.name] = rng.normal(size=shape).astype(info.dtype)
        else:
            low, high = (1, longest) if info.is_length else (0, 1)
            drawn[info.name] = rng.integers(low, high, size=shape, endpoint=True).astype(info.dtype)
    return drawn


def cases(served: Served, samples: Arrays) -> Iterator[Case]:
    """Batch sizes, numbers of steps, lengths and paddings to compare on.

    Args:
        served: the model.
        samples: examples, as :func:`as_samples` gives them.
    """
    examples = len(next(iter(samples.values())))

    def batch(size: int) -> Arrays:
        rows = np.arange(size) % examples
        return {name: array[rows] for name, array in samples.items()}

    for size in BATCH_SIZES:
        yield Case(f"batch-{size}", batch(size))
    time = _steps(served, samples, free=True)
    for steps in sorted({steps for steps in (1, time // 2) if 0 < steps < time}):
        yield Case(f"time-{steps}", _cut(served, batch(2), steps), required=False)
    if any(info.is_length for info in served.inputs):
        time = _steps(served, samples)
        for length in sorted({1, time // 2, time} - {0}):
            full = batch(2)
            yield Case(f"length-{length}", full | {"length": np.full_like(full["length"], length)})
        yield from _padded(served, batch(7))


def _padded(served: Served, inputs: Arrays) -> Iterator[Case]:
    """The same sequences with other values, and more of them, beyond their lengths."""
    if any(axis is None for info in served.outputs for axis in info.shape[1:]):
        return  # the outputs grow with the padding
    for fill in (0, 1000):
        padded = dict(inputs)
        for info in (i for i in served.inputs if i.is_sequence):
            array = inputs[info.name]
            more = 3 if info.shape[1] is None else 0
            array = np.pad(array, [(0, 0), (0, more), *[(0, 0)] * (array.ndim - 2)])
            beyond = np.arange(array.shape[1]) >= inputs["length"][:, np.newaxis]
            array[beyond] = fill
            padded[info.name] = array
        yield Case(f"padded-with-{fill}", padded, same_as=inputs)


def _steps(served: Served, samples: Arrays, *, free: bool = False) -> int:
    """The steps of the sequences among the inputs, 0 if there are none.

    Args:
        served: the model.
        samples: its inputs.
        free: count only where the signature leaves the number open.
    """
    sequences = [i for i in served.inputs if i.is_sequence and not (free and i.shape[1])]
    return max((samples[info.name].shape[1] for info in sequences), default=0)


def _cut(served: Served, inputs: Arrays, steps: int) -> Arrays:
    cut = dict(inputs)
    for info in served.inputs:
        if info.is_sequence and info.shape[1] is None:
            cut[info.name] = inputs[info.name][:, :steps]
        elif info.is_length:
            cut[info.name] = np.minimum(inputs[info.name], steps)
    return cut

"""What the exported files are measured against: inputs, and Keras's own answers to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np

from kerasnets._lazy import tf
from kerasnets.exporting.signature import Served, TensorInfo

Arrays: TypeAlias = dict[str, np.ndarray]

BATCH_SIZES = (1, 2, 7, 64)
# How long a free axis is made where no samples say so.
_FREE_AXIS = 12


def write_reference(served: Served, samples: object, path: Path) -> list[str]:
    """Write inputs of several batch sizes and lengths with the outputs of the Keras model.

    The arrays stand in the file as ``<case>/inputs/<name>`` and ``<case>/outputs/<name>``.

    Args:
        served: the model; it is run eagerly, so that tracing cannot hide a fault of its own.
        samples: raw inputs as :func:`as_samples` takes them.
        path: the ``.npz`` to write.

    Returns:
        The names of the cases.
    """
    arrays = as_samples(served, samples)
    contents: Arrays = {}
    cases = []
    for case, inputs, required in _cases(served, arrays):
        try:
            outputs = served.run(inputs)
        except (ValueError, tf.errors.InvalidArgumentError):
            # A convolution may need more steps than a shortened case has.
            if required:
                raise
            continue
        contents |= {f"{case}/inputs/{name}": value for name, value in inputs.items()}
        contents |= {f"{case}/outputs/{name}": value for name, value in outputs.items()}
        cases.append(case)
    np.savez_compressed(path, **contents)  # type: ignore[arg-type]  # names are not its flags
    return cases


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
        (info.shape[1] or _FREE_AXIS for info in served.inputs if len(info.shape) > 1), default=1
    )
    drawn: Arrays = {}
    for info in served.inputs:
        shape = (examples, *(axis or _FREE_AXIS for axis in info.shape[1:]))
        if np.issubdtype(info.dtype, np.floating):
            drawn[info.name] = rng.normal(size=shape).astype(info.dtype)
        else:
            low, high = (1, longest) if _is_length(info) else (0, 1)
            drawn[info.name] = rng.integers(low, high, size=shape, endpoint=True).astype(info.dtype)
    return drawn


def _is_length(info: TensorInfo) -> bool:
    return info.name == "length" and len(info.shape) == 1


def _cases(served: Served, arrays: Arrays) -> Iterator[tuple[str, Arrays, bool]]:
    """Name and inputs of each case, and whether the model must be able to run it."""
    first = next(iter(arrays.values()))
    for size in BATCH_SIZES:
        rows = np.arange(size) % len(first)
        yield f"batch-{size}", {name: array[rows] for name, array in arrays.items()}, True
    time = _free_time(served, arrays)
    if not time:
        return
    for steps in sorted({1, time // 2} - {0, time}):
        cut = _cut(served, arrays, steps)
        yield f"batch-2-time-{steps}", {name: array[:2] for name, array in cut.items()}, False


def _free_time(served: Served, arrays: Arrays) -> int:
    """The steps in the samples where the second axis of an input is free, else 0."""
    free = [i.name for i in served.inputs if len(i.shape) > 1 and i.shape[1] is None]
    return arrays[free[0]].shape[1] if free else 0


def _cut(served: Served, arrays: Arrays, steps: int) -> Arrays:
    cut = dict(arrays)
    for info in served.inputs:
        if len(info.shape) > 1 and info.shape[1] is None:
            cut[info.name] = arrays[info.name][:, :steps]
        elif _is_length(info):
            cut[info.name] = np.minimum(arrays[info.name], steps)
    return cut

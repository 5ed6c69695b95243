"""The inputs for verification: batch sizes, numbers of steps, lengths, masks and padding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from kerasnets._lazy import keras
from kerasnets.exporting.samples import EXAMPLES, Arrays, first_samples, shorten, steps_of
from kerasnets.exporting.signature import Served, TensorInfo
from kerasnets.exporting.tracing import all_layers

_T = TypeVar("_T")
# The sizes of batches beside the largest one. The last one is that of all cases but batches.
_SMALL_BATCHES = (1, 2, 7)
# The values after the end of each sequence in the padded cases. None means the first value of
# the array, with which TensorFlow Serving pads.
_PADDING = {"0": 0.0, "1000": 1000.0, "nan": np.nan, "first-value": None}


@dataclass(frozen=True)
class Case:
    """The inputs of one case.

    Attributes:
        name: the name of the case.
        inputs: arrays by input name.
        same_as: other inputs for which the model must return the same outputs. If set, runtimes
            are compared with the outputs of Keras for these.
        required: whether Keras must be able to run the case and return finite numbers. For
            example, a convolution may need more steps than a shortened case has, and a mean over
            no steps is undefined.
        invalid_rows: the rows that runtimes must refuse, or answer with NaN.
    """

    name: str
    inputs: Arrays
    same_as: Arrays | None = None
    required: bool = True
    invalid_rows: tuple[int, ...] = ()


def verification_cases(
    served: Served,
    samples: Arrays,
    shortest: int = 1,
    *,
    largest: int = EXAMPLES,
    guarded: bool = False,
) -> Iterator[Case]:
    """Generate the cases for a model.

    Args:
        served: the model.
        samples: inputs, as :func:`~kerasnets.exporting.samples.as_samples` returns them.
        shortest: the smallest number of steps that the model takes.
        largest: the number of rows of the largest batch, at least 2.
        guarded: whether the exported files check their inputs.
    """
    has_length = bool(_lengths(served))
    steps, free = steps_of(served, samples), steps_of(served, samples, free_only=True)
    sizes = sorted({*(size for size in _SMALL_BATCHES if size < largest), largest})
    for size in sizes:
        batch = first_samples(samples, size)
        yield Case(f"batch-{size}", batch)
        for fewer in sorted({shortest, max(shortest, free // 2)} - {free}) if free else ():
            shortened = shorten(served, batch, fewer)
            yield Case(f"batch-{size}-steps-{fewer}", shortened, required=False)
        for length in sorted({0, 1, steps // 2, steps}) if has_length else ():
            inputs = batch | {"length": np.full_like(batch["length"], length)}
            yield Case(f"batch-{size}-length-{length}", inputs, required=length > 0)
    some = first_samples(samples, min(largest, _SMALL_BATCHES[-1]))
    yield from _masked_cases(served, some)
    if has_length:
        yield from _padded_cases(served, some)
    if guarded:
        yield Case("batch-0", first_samples(samples, 0))
        yield from _invalid_values(served, some)
        yield from _invalid_lengths(served, some)


def mask_value(model: keras.Model) -> float | None:
    """The input value that masks a step, or ``None`` if no layer derives its mask from values."""
    for layer in all_layers(model):
        if isinstance(layer, keras.layers.Masking):
            return float(layer.mask_value)
        if isinstance(layer, keras.layers.Embedding) and layer.mask_zero:
            return 0.0
    return None


def _masked_cases(served: Served, inputs: Arrays) -> Iterator[Case]:
    """Cases with masked steps, for models that derive the mask from the input values."""
    value = mask_value(served.model)
    sequences = [info.name for info in served.inputs if info.is_sequence]
    time = max((inputs[name].shape[1] for name in sequences), default=0)
    if value is None or not time:
        return
    steps = np.arange(time)
    patterns = {
        "holes": steps % 2 == 0,
        "right": steps < (time + 1) // 2,
        "left": steps >= time // 2,
        "one-step": steps == time // 2,
        "all": steps < 0,
    }
    for name, mask in patterns.items():
        masked = {}
        for sequence in sequences:
            array = inputs[sequence].copy()
            # Every other row stays unmasked: a mask must not affect other rows of the batch.
            array[::2, ~mask[: array.shape[1]]] = value
            masked[sequence] = array
        yield Case(f"masked-{name}", inputs | masked, required=False)


def _invalid_values(served: Served, inputs: Arrays) -> Iterator[Case]:
    """Cases with rows that hold NaN or infinity."""
    lengths = _lengths(served)
    clean = inputs | {name: np.maximum(inputs[name], 1) for name in lengths}
    values = [info.name for info in served.inputs if info.dtype == "float32"]
    # The first step of a sequence is not padding; the last value may be.
    last = 0 if lengths else -1
    marks = {"nan": (np.nan, 0), "inf": (np.inf, last), "-inf": (-np.inf, 0)}
    for name in values:
        title = "invalid-values" if len(values) == 1 else f"invalid-values-of-{name}"
        for suffix, rows in _spread(marks, (1, 3, 5), inputs):
            array = inputs[name].copy()
            flat = array.reshape(len(array), -1)
            for row, (value, position) in rows.items():
                flat[row, position] = value
            invalid = clean | {name: flat.reshape(array.shape)}
            yield Case(f"{title}{suffix}", invalid, same_as=clean, invalid_rows=tuple(rows))


def _invalid_lengths(served: Served, inputs: Arrays) -> Iterator[Case]:
    """Cases with a length that the sequences do not have."""
    steps = steps_of(served, inputs)
    if not (_lengths(served) and steps):
        return
    wrong = {"above": steps + 1, "negative": -1, "max": np.iinfo(inputs["length"].dtype).max}
    for suffix, rows in _spread(wrong, (1, 2, 4), inputs):
        length = inputs["length"].copy()
        length[list(rows)] = list(rows.values())
        clean = inputs | {"length": length.clip(1, steps)}
        invalid = inputs | {"length": length}
        yield Case(f"invalid-length{suffix}", invalid, same_as=clean, invalid_rows=tuple(rows))


def _spread(
    values: Mapping[str, _T], rows: tuple[int, ...], inputs: Arrays
) -> Iterator[tuple[str, dict[int, _T]]]:
    """Give each value a row of its own.

    Returns:
        The values by row, all at once with the suffix ``""``. With too few rows, one at a time,
        with the suffix ``-<name>``.
    """
    if len(next(iter(inputs.values()))) > max(rows):
        yield "", dict(zip(rows, values.values(), strict=True))
    else:
        for name, value in values.items():
            yield f"-{name}", {rows[0]: value}


def _lengths(served: Served) -> list[str]:
    return [info.name for info in served.inputs if info.is_length]


def _padded_cases(served: Served, inputs: Arrays) -> Iterator[Case]:
    """Cases with more and different values after the end of each sequence."""
    if any(axis is None for info in served.outputs for axis in info.shape[1:]):
        return  # padding changes the shape of the outputs
    for name, fill in _PADDING.items():
        padded = dict(inputs)
        for info in (i for i in served.inputs if i.is_sequence):
            padded[info.name] = _pad(info, inputs[info.name], inputs["length"], fill)
        yield Case(f"padded-with-{name}", padded, same_as=inputs)


def _pad(info: TensorInfo, array: np.ndarray, length: np.ndarray, fill: float | None) -> np.ndarray:
    extra = 3 if info.shape[1] is None else 0
    value = array.flat[0] if fill is None else fill
    array = np.pad(array, [(0, 0), (0, extra), *[(0, 0)] * (array.ndim - 2)])
    is_padding = np.arange(array.shape[1]) >= length[:, np.newaxis]
    array[is_padding] = value if array.dtype.kind == "f" else np.nan_to_num(value)
    return array

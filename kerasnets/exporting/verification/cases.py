"""The inputs for verification: batch sizes, numbers of steps, lengths, masks and padding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kerasnets._lazy import keras
from kerasnets.exporting.samples import EXAMPLES, Arrays, first_samples, shorten, steps_of
from kerasnets.exporting.signature import Served, TensorInfo
from kerasnets.exporting.tracing import all_layers

BATCH_SIZES = (1, 2, 7, EXAMPLES)
LARGEST_CASE = f"batch-{EXAMPLES}"
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
    served: Served, samples: Arrays, shortest: int = 1, *, guarded: bool = False
) -> Iterator[Case]:
    """Generate the cases for a model.

    Args:
        served: the model.
        samples: inputs, as :func:`~kerasnets.exporting.samples.as_samples` returns them.
        shortest: the smallest number of steps that the model takes.
        guarded: whether the exported files check their inputs.
    """
    has_length = bool(_lengths(served))
    steps, free = steps_of(served, samples), steps_of(served, samples, free_only=True)
    for size in BATCH_SIZES:
        batch = first_samples(samples, size)
        yield Case(f"batch-{size}", batch)
        for fewer in sorted({shortest, max(shortest, free // 2)} - {free}) if free else ():
            shortened = shorten(served, batch, fewer)
            yield Case(f"batch-{size}-steps-{fewer}", shortened, required=False)
        for length in sorted({0, 1, steps // 2, steps}) if has_length else ():
            inputs = batch | {"length": np.full_like(batch["length"], length)}
            yield Case(f"batch-{size}-length-{length}", inputs, required=length > 0)
    yield from _masked_cases(served, first_samples(samples, 7))
    if has_length:
        yield from _padded_cases(served, first_samples(samples, 7))
    if guarded:
        yield Case("batch-0", first_samples(samples, 0))
        yield from _invalid_cases(served, first_samples(samples, 7))


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


def _invalid_cases(served: Served, inputs: Arrays) -> Iterator[Case]:
    """Cases with rows that hold NaN or infinity, or a length that the sequences do not have."""
    values = [info for info in served.inputs if info.dtype == "float32"]
    for info in values:
        array = inputs[info.name].copy()
        rows = array.reshape(len(array), -1)
        # The first step of a sequence is not padding; the last value may be.
        last = 0 if _lengths(served) else -1
        rows[[1, 3, 5], [0, last, 0]] = (np.nan, np.inf, -np.inf)
        invalid = inputs | {info.name: rows.reshape(array.shape)}
        if _lengths(served):
            invalid["length"] = np.maximum(inputs["length"], 1)
        clean = inputs | {name: invalid[name] for name in _lengths(served)}
        name = "invalid-values" if len(values) == 1 else f"invalid-values-of-{info.name}"
        yield Case(name, invalid, same_as=clean, invalid_rows=(1, 3, 5))
    steps = steps_of(served, inputs)
    if _lengths(served) and steps:
        length = inputs["length"].copy()
        length[[1, 2, 4]] = (steps + 1, -1, np.iinfo(length.dtype).max)
        clean = inputs | {"length": length.clip(1, steps)}
        invalid = inputs | {"length": length}
        yield Case("invalid-length", invalid, same_as=clean, invalid_rows=(1, 2, 4))


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

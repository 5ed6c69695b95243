"""What the exported files are measured against: inputs, and Keras's own answers to them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kerasnets._lazy import keras, tf
from kerasnets.exporting.signature import Served, TensorInfo
from kerasnets.exporting.tracing import all_layers
from kerasnets.exporting.verification.samples import EXAMPLES, Arrays

BATCH_SIZES = (1, 2, 7, EXAMPLES)
# What stands beyond the length of a sequence in the cases that pad; as TensorFlow Serving pads,
# with the first value of the batch.
_PADDING = {"0": 0.0, "1000": 1000.0, "nan": np.nan, "first-value": None}
# Steps that a mask by value shows: every other one, the first half, the last half, one, none.
_MASKS = ("holes", "right", "left", "one-step", "all")


@dataclass(frozen=True)
class Case:
    """One set of inputs.

    Attributes:
        name: what it shows.
        inputs: arrays by input name.
        same_as: other inputs to which the model must give the same outputs; what runtimes are
            compared with is then Keras's answer to these.
        required: whether the model must be able to run it, and give numbers; a convolution may
            need more steps than a shortened case has, a mean be undefined over none.
    """

    name: str
    inputs: Arrays
    same_as: Arrays | None = None
    required: bool = True


def write_reference(served: Served, samples: Arrays, path: Path) -> list[str]:
    """Write inputs of several batch sizes, lengths and masks with the outputs of the Keras model.

    The arrays stand in the file as ``<case>/inputs/<name>`` and ``<case>/outputs/<name>``; those
    that are equal stand there once, and ``same`` says as JSON which further names mean them.

    Args:
        served: the model; it is run eagerly, so that tracing cannot hide a fault of its own.
        samples: raw inputs, as :func:`~kerasnets.exporting.verification.samples.as_samples` gives.
        path: the ``.npz`` to write.

    Returns:
        The names of the cases.
    """
    contents: Arrays = {}
    names = []
    for case in cases(served, samples):
        outputs = _outputs(served, case)
        if outputs is None:
            continue
        contents |= {f"{case.name}/inputs/{name}": value for name, value in case.inputs.items()}
        contents |= {f"{case.name}/outputs/{name}": value for name, value in outputs.items()}
        names.append(case.name)
    kept, same = _without_repetition(contents)
    np.savez_compressed(path, same=json.dumps(same), **kept)  # type: ignore[arg-type]
    return names


def _outputs(served: Served, case: Case) -> Arrays | None:
    """What Keras gives; ``None`` if it cannot, and need not."""
    try:
        outputs = served.run(case.same_as or case.inputs)
    except (ValueError, tf.errors.InvalidArgumentError):
        if case.required:
            raise
        return None
    numbers = all(np.isfinite(value).all() for value in outputs.values() if value.dtype.kind == "f")
    return outputs if case.required or numbers else None


def _without_repetition(arrays: Arrays) -> tuple[Arrays, dict[str, str]]:
    """The arrays that differ, and for the names of the others the first of the same content."""
    kept: Arrays = {}
    same: dict[str, str] = {}
    first: dict[tuple[object, ...], str] = {}
    for name, array in arrays.items():
        content = hashlib.sha256(array.tobytes()).digest()
        original = first.setdefault((array.dtype.str, array.shape, content), name)
        if original == name:
            kept[name] = array
        else:
            same[name] = original
    return kept, same


def cases(served: Served, samples: Arrays) -> Iterator[Case]:
    """Batch sizes, numbers of steps, lengths, masks and paddings to compare on.

    Args:
        served: the model.
        samples: examples, as :func:`~kerasnets.exporting.verification.samples.as_samples` gives.
    """
    examples = len(next(iter(samples.values())))

    def batch(size: int) -> Arrays:
        rows = np.arange(size) % examples
        return {name: array[rows] for name, array in samples.items()}

    has_length = any(info.is_length for info in served.inputs)
    time, free_time = _steps(served, samples), _steps(served, samples, free=True)
    for size in BATCH_SIZES:
        full = batch(size)
        yield Case(f"batch-{size}", full)
        for steps in sorted({1, free_time // 2} - {0, free_time}) if free_time else ():
            cut = _cut(served, full, steps)
            yield Case(f"batch-{size}-steps-{steps}", cut, required=False)
        for length in sorted({0, 1, time // 2, time}) if has_length else ():
            inputs = full | {"length": np.full_like(full["length"], length)}
            yield Case(f"batch-{size}-length-{length}", inputs, required=length > 0)
    yield from _masked(served, batch(7))
    if has_length:
        yield from _padded(served, batch(7))


def _masked(served: Served, inputs: Arrays) -> Iterator[Case]:
    """Steps of every kind of mask, for models that read the mask from the values."""
    value = mask_value(served.model)
    sequences = [info.name for info in served.inputs if info.is_sequence]
    time = max((inputs[name].shape[1] for name in sequences), default=0)
    if value is None or not time:
        return
    steps = np.arange(time)
    shown = {
        "holes": steps % 2 == 0,
        "right": steps < (time + 1) // 2,
        "left": steps >= time // 2,
        "one-step": steps == time // 2,
        "all": steps < 0,
    }
    for kind in _MASKS:
        hidden = {}
        for name in sequences:
            array = inputs[name].copy()
            # Rows of other kinds beside it: a mask must not reach its batch mates.
            array[::2, ~shown[kind][: array.shape[1]]] = value
            hidden[name] = array
        yield Case(f"masked-{kind}", inputs | hidden, required=False)


def mask_value(model: keras.Model) -> float | None:
    """The value that masks a step, where layers take the mask from values; else ``None``."""
    for layer in all_layers(model):
        if isinstance(layer, keras.layers.Masking):
            return float(layer.mask_value)
        if isinstance(layer, keras.layers.Embedding) and layer.mask_zero:
            return 0.0
    return None


def _padded(served: Served, inputs: Arrays) -> Iterator[Case]:
    """The same sequences with other values, and more of them, beyond their lengths."""
    if any(axis is None for info in served.outputs for axis in info.shape[1:]):
        return  # the outputs grow with the padding
    for name, fill in _PADDING.items():
        padded = dict(inputs)
        for info in (i for i in served.inputs if i.is_sequence):
            padded[info.name] = _pad(info, inputs[info.name], inputs["length"], fill)
        yield Case(f"padded-with-{name}", padded, same_as=inputs)


def _pad(info: TensorInfo, array: np.ndarray, length: np.ndarray, fill: float | None) -> np.ndarray:
    more = 3 if info.shape[1] is None else 0
    value = array.flat[0] if fill is None else fill
    array = np.pad(array, [(0, 0), (0, more), *[(0, 0)] * (array.ndim - 2)])
    beyond = np.arange(array.shape[1]) >= length[:, np.newaxis]
    array[beyond] = value if array.dtype.kind == "f" else np.nan_to_num(value)
    return array


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

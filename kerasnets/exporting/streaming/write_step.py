"""Write the step model of a stream next to the model itself, with its initial states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from kerasnets.exporting.litert.write_litert import write_litert
from kerasnets.exporting.onnx.write_onnx import write_onnx
from kerasnets.exporting.samples import Arrays, first_samples, shorten, steps_of
from kerasnets.exporting.saved_model.write_saved_model import write_saved_model
from kerasnets.exporting.streaming.step_model import StepModel, as_chunk, run_in_chunks
from kerasnets.exporting.verification.runtimes.stream_check import (
    INITIAL_STATE,
    REFERENCE,
    STEP_FILES,
)

_ROWS = 2
# Samples that are joined to one long sequence if time is a free axis, and its largest length.
_JOINED = 3
_LONGEST = 512


def write_step(
    model: StepModel,
    folder: Path,
    formats: Sequence[str],
    samples: Arrays,
    metadata: Mapping[str, str],
    *,
    opset: int,
    allow_loops: bool,
    guarded: bool,
) -> dict[str, Any]:
    """Write ``step.onnx``, ``step_saved_model/`` and ``step.tflite``, as far as requested.

    Also writes ``initial_state.npz`` and, for verification, ``step_reference.npz``.

    Args:
        model: the step model.
        folder: the version folder.
        formats: the formats of the export.
        samples: inputs of the model, from which the sequences for verification are made.
        metadata: the entries of the model card for the metadata of the files.
        opset: the version of the ONNX operators.
        allow_loops: whether ONNX loops are allowed.
        guarded: whether the outputs of a row do not depend on other rows. Then rows with invalid
            values get NaN as outputs.

    Returns:
        The entry ``streaming`` of the card.

    Raises:
        ValueError: the outputs of a row depend on other rows, or the step model cannot be written
            in one of the formats.
    """
    if not guarded:
        raise ValueError(
            f"{model.model.name!r} cannot run on a live stream: its outputs for a row depend on "
            "the other rows of the batch. Export without streaming."
        )
    states = [info for info in model.inputs if info.name in model.initial_state]
    entry: dict[str, Any] = {
        "inputs": [asdict(info) for info in model.inputs if info not in states],
        "states": [asdict(info) for info in states],
        "outputs": [asdict(info) for info in model.results],
        "timing": {
            info.name: {"stride": timing.stride, "first": timing.first}
            for info, timing in zip(model.results, model.timings, strict=True)
        },
        "files": {name: STEP_FILES[name] for name in formats},
    }
    metadata = {**metadata, "streaming": "a step: states are inputs, and outputs named new_…"}
    if "saved_model" in formats:
        write_saved_model(model, folder / STEP_FILES["saved_model"], guarded=guarded)
    if "onnx" in formats:
        entry["onnx"] = write_onnx(
            model,
            folder / STEP_FILES["onnx"],
            opset=opset,
            allow_loops=allow_loops,
            guarded=guarded,
            metadata=metadata,
            doc=f"One step of a live stream of {model.model.name}.",
        )
    if "litert" in formats:
        path = folder / STEP_FILES["litert"]
        entry["litert"] = write_litert(model, path, metadata, guarded=guarded)
    np.savez(folder / INITIAL_STATE, **model.initial_state)  # type: ignore[arg-type]  # no options
    np.savez_compressed(folder / REFERENCE, **_reference(model, samples))  # type: ignore[arg-type]
    return entry


def _reference(model: StepModel, samples: Arrays) -> Arrays:
    """A sequence in one chunk, and the outputs at each of its steps.

    They come from the model itself, on the whole sequence and on the beginnings of it that its
    time axis allows, and for values at other steps from the step model in TensorFlow.
    """
    inputs = _sequences(model, samples)
    chunk = as_chunk(model, inputs)
    # Copies, in which values of the model itself replace those of the step model.
    outputs = {name: values.copy() for name, values in run_in_chunks(model, [chunk]).items()}
    steps = steps_of(model.whole, inputs)
    free = steps_of(model.whole, inputs, free_only=True)
    for length in sorted({free // 3, free // 2, steps} - {0}):
        timings = dict(zip(outputs, model.timings, strict=True))
        if all(timing.count(length) for timing in timings.values()):
            whole = model.whole.run(shorten(model.whole, inputs, length))
            for name, timing in timings.items():
                last = timing.count(length)
                expected = whole[name]
                is_sequence = expected.ndim == outputs[name].ndim
                outputs[name][:, :last] = expected if is_sequence else outputs[name][:, :last]
                if not is_sequence:
                    outputs[name][:, last - 1] = expected
    return {f"inputs/{name}": value for name, value in chunk.items()} | {
        f"outputs/{name}": value for name, value in outputs.items()
    }


def _sequences(model: StepModel, samples: Arrays) -> Arrays:
    """Long sequences without padding, made of samples."""
    served = model.whole
    free = steps_of(served, samples, free_only=True)
    joined = _JOINED if free else 1
    rows = first_samples(samples, _ROWS * joined)
    inputs = {
        info.name: rows[info.name].reshape(_ROWS, -1, *rows[info.name].shape[2:])[:, :_LONGEST]
        if info.is_sequence and free
        else rows[info.name][:_ROWS]
        for info in served.inputs
    }
    steps = steps_of(served, inputs) or max(
        array.shape[1] for array in inputs.values() if array.ndim > 1
    )
    return inputs | {
        info.name: np.full_like(inputs[info.name], steps)
        for info in served.inputs
        if info.is_length
    }

"""Run an exported model on a live signal, chunk by chunk, in ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerasnets.exporting.verification.runtimes.arrays import Arrays, read_arrays
from kerasnets.exporting.verification.runtimes.stream_check import (
    INITIAL_STATE,
    NEW,
    STEP_FILES,
    run_chunks,
)
from kerasnets.exporting.versions import find_version

# Longer chunks run in parts, so that memory does not grow with them.
_LARGEST_PART = 4096
_STEPS = "steps"  # in a state_dict: the number of steps so far


class Stream:
    """A model that sees a signal in chunks, and carries its states from one chunk to the next.

    For each step of a chunk, it returns what the model returns for the sequence up to this step.
    So the division into chunks does not matter. TensorFlow is not needed.

    A stream is used by one thread at a time. ``copy.copy(stream)`` is another stream with the same
    states, which shares the loaded file.

    Attributes:
        path: the file ``step.onnx``.
        steps: the number of steps so far.
    """

    def __init__(self, path: str | os.PathLike[str], *, rows: int = 1, threads: int = 1) -> None:
        """Open a stream at its start.

        Args:
            path: a folder or a version folder that :func:`export` wrote with ``streaming=True``,
                or its file ``step.onnx``.
            rows: the number of signals that run side by side, such as the channels of a net for
                one channel. They start together.
            threads: the number of threads of ONNX Runtime. More than one rarely helps.

        Raises:
            FileNotFoundError: there is no exported model, or no step model.
            ValueError: the files are damaged, or ``rows`` or ``threads`` is not a positive integer.
        """
        for name, value in (("rows", rows), ("threads", threads)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a positive integer; got {value!r}.")
        self.path = _find_step(Path(path))
        self._session = _load(self.path, threads)
        initial = _read_initial_state(self.path.with_name(INITIAL_STATE))
        self._initial = {name: np.repeat(x, rows, axis=0) for name, x in initial.items()}
        inputs = {item.name: item for item in self._session.get_inputs()}
        outputs = {item.name: item for item in self._session.get_outputs()}
        new = {NEW + name for name in initial}
        if not (initial.keys() < inputs.keys() and new < outputs.keys()):
            raise ValueError(
                f"{self.path.with_name(INITIAL_STATE)} has other states than {self.path.name}: "
                f"{', '.join(initial)}. Export the model again."
            )
        self._inputs = {name: item for name, item in inputs.items() if name not in initial}
        self._outputs = {name: item for name, item in outputs.items() if name not in new}
        self._rows = rows
        self._state = dict(self._initial)
        self.steps = 0

    def __call__(self, chunk: np.ndarray | Mapping[str, np.ndarray]) -> Arrays:
        """Run the next steps of the signal.

        Args:
            chunk: the steps, of shape ``(1, steps, features)``; any number of them, including
                none. A mapping of arrays by input name if the model has several sequences.

        Returns:
            The outputs at these steps by name, each of shape ``(1, steps, …)``. A model with
            strides returns fewer steps, and a model without padding has no outputs for the first
            steps; the card of the export says how many.

        Raises:
            ValueError: the shape or the type is wrong, or the chunk holds NaN or infinity. The
                states stay as they were.
        """
        chunks = self._checked(chunk)
        steps = next(iter(chunks.values())).shape[1]
        if not steps:
            return self._nothing()
        names = [*self._outputs, *(NEW + name for name in self._state)]

        def run(inputs: Arrays) -> Arrays:
            return dict(zip(names, self._session.run(names, inputs), strict=True))

        parts = (
            {name: x[:, start : start + _LARGEST_PART] for name, x in chunks.items()}
            for start in range(0, steps, _LARGEST_PART)
        )
        outputs, self._state = run_chunks(run, parts, self._state)
        self.steps += steps
        return outputs

    def reset(self) -> None:
        """Go back to the start of a stream, for example after a gap in the signal."""
        self._state = dict(self._initial)
        self.steps = 0

    def state_dict(self) -> Arrays:
        """A copy of the states, which ``numpy.savez`` can write to a file."""
        states = {name: value.copy() for name, value in self._state.items()}
        return states | {_STEPS: np.array(self.steps)}

    def load_state_dict(self, states: Mapping[str, np.ndarray]) -> None:
        """Continue a stream from saved states.

        Args:
            states: what :meth:`state_dict` returned, or the file that it was saved to, opened with
                ``numpy.load``.

        Raises:
            ValueError: the states are those of another model, or hold NaN or infinity. The states
                of this stream stay as they were.
        """
        expected = {**self._initial, _STEPS: np.array(0)}
        if set(states) != set(expected):
            raise ValueError(
                f"the states are {', '.join(sorted(states))}; this model has "
                f"{', '.join(sorted(expected))}."
            )
        loaded = {}
        for name, initial in expected.items():
            value = np.array(states[name])
            if value.shape != initial.shape or value.dtype.kind != initial.dtype.kind:
                raise ValueError(
                    f"the state {name!r} has shape {value.shape} and type {value.dtype}; this "
                    f"model has {initial.shape} and {initial.dtype}."
                )
            if value.dtype.kind == "f" and not np.isfinite(value).all():
                raise ValueError(f"the state {name!r} holds NaN or infinity.")
            loaded[name] = value.astype(initial.dtype)
        steps = int(loaded.pop(_STEPS))
        self._state, self.steps = loaded, steps

    def __repr__(self) -> str:
        takes = ", ".join(f"{name} {_axes(item)}" for name, item in self._inputs.items())
        returns = ", ".join(f"{name} {_axes(item)}" for name, item in self._outputs.items())
        return f"Stream({str(self.path)!r}: {takes} → {returns}; after {self.steps} steps)"

    def _checked(self, chunk: object) -> Arrays:
        """The chunk by input name, with the types and shapes of the model."""
        if not isinstance(chunk, Mapping):
            chunk = {next(iter(self._inputs)): chunk} if len(self._inputs) == 1 else {}
        if set(chunk) != set(self._inputs):
            raise ValueError(
                f"a chunk of this model is a mapping with an array for each of "
                f"{', '.join(self._inputs)}; got {', '.join(map(str, chunk)) or 'one array'}."
            )
        arrays = {name: self._checked_array(name, chunk[name]) for name in self._inputs}
        if len({array.shape[1] for array in arrays.values()}) > 1:
            shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
            raise ValueError(f"all inputs of a chunk must have the same number of steps; {shapes}.")
        return arrays

    def _checked_array(self, name: str, value: object) -> np.ndarray:
        item, array = self._inputs[name], np.asarray(value)
        dtype, features = _numpy_type(item), tuple(item.shape[2:])
        if (
            array.ndim != 2 + len(features)
            or array.shape[2:] != features
            or (array.shape[0] != self._rows)
        ):
            raise ValueError(
                f"{name} must have the shape {(self._rows, 'steps', *features)}, with any number "
                f"of steps; got {array.shape}."
            )
        if not np.can_cast(array.dtype, dtype, casting="same_kind"):
            raise ValueError(f"{name} must have the type {dtype}; got {array.dtype}.")
        if array.dtype.kind == "f" and not (finite := np.isfinite(array)).all():
            step = np.argwhere(~finite)[:, 1].min()
            raise ValueError(
                f"{name} holds NaN or infinity at step {step} of the chunk. The states are "
                "unchanged: replace these values, or leave out the gap and call reset()."
            )
        return array.astype(dtype, copy=False)

    def _nothing(self) -> Arrays:
        """The outputs for a chunk without steps."""
        return {
            name: np.zeros((self._rows, 0, *item.shape[2:]), _numpy_type(item))
            for name, item in self._outputs.items()
        }


def _find_step(path: Path) -> Path:
    step = path if path.suffix == ".onnx" else find_version(path) / STEP_FILES["onnx"]
    if not step.is_file():
        raise FileNotFoundError(
            f"{step} does not exist. Export the model with streaming=True (--streaming), and with "
            "'onnx' among the formats."
        )
    return step


def _load(path: Path, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises many types
        first = str(error).strip().partition("\n")[0]
        raise ValueError(f"{path} cannot be loaded: {first}. Export the model again.") from error


def _read_initial_state(path: Path) -> Arrays:
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist. It belongs next to step.onnx; copy both files."
        )
    try:
        return read_arrays(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is damaged: {error}. Export the model again.") from error


def _numpy_type(item: Any) -> np.dtype[Any]:
    """The NumPy type of an input or output, such as ``tensor(float)``."""
    name = item.type.removeprefix("tensor(").removesuffix(")")
    return np.dtype({"float": "float32", "double": "float64"}.get(name, name))


def _axes(item: Any) -> str:
    features = "".join(f", {size}" for size in item.shape[2:])
    return f"(1, steps{features})"

"""Run the step models of a stream in chunks, and compare with the whole sequence."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .arrays import Arrays, read_arrays
from .card import Card
from .compare import compare, signature_failures, signature_of
from .load import Runtime, load_graph, reasons_not_to_load_graph
from .report import Report, describe

STEP_FILES = {"saved_model": "step_saved_model", "onnx": "step.onnx", "litert": "step.tflite"}
INITIAL_STATE = "initial_state.npz"
REFERENCE = "step_reference.npz"
NEW = "new_"  # before the name of a state, the output for the next chunk
# The first steps of a sequence that run one by one.
_SINGLE_STEPS = 64


def run_chunks(
    run: Callable[[Arrays], Mapping[str, np.ndarray]], chunks: Iterable[Arrays], state: Arrays
) -> tuple[Arrays, Arrays]:
    """Run chunks one after the other.

    Args:
        run: runs a chunk with the states before it; returns outputs and new states.
        chunks: the chunks, at least one, each with an array per input.
        state: the states before the first chunk.

    Returns:
        The outputs of all chunks, and the states after the last one.
    """
    parts: list[Arrays] = []
    for chunk in chunks:
        found = dict(run(chunk | state))
        state = {name: found.pop(NEW + name) for name in state}
        parts.append(found)
    if len(parts) == 1:
        return parts[0], state
    outputs = {name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]}
    return outputs, state


def check_stream(folder: Path, card: Card, tolerance: float, report: Report) -> None:
    """Check the step models of a version folder, if it has any.

    Args:
        folder: the version folder.
        card: the content of ``card.json``.
        tolerance: the largest difference allowed.
        report: the report to which differences and failures are added.
    """
    if not card.get("streaming"):
        report.failures += (
            f"{name}: the card does not describe it"
            for name in STEP_FILES.values()
            if (folder / name).exists()
        )
        return
    report.enter(REFERENCE)
    try:
        initial = read_arrays(folder / INITIAL_STATE)
        reference = read_arrays(folder / REFERENCE)
        chunk, expected = _side(reference, "inputs"), _side(reference, "outputs")
        divisions = dict(_divisions(chunk))
    except Exception as error:  # noqa: BLE001  # damaged files can raise anything
        report.failures.append(f"streaming: {INITIAL_STATE} or {REFERENCE}: {describe(error)}")
        return
    for name in card["formats"]:
        runtime = _load(name, folder, card, report)
        if runtime is None:
            continue
        stream = Step(f"{name}-stream", runtime, initial, tolerance, report)
        for division, chunks in divisions.items():
            stream.check_equal(division, chunks, expected)
        stream.check_no_steps(chunk)
        stream.check_invalid(chunk, expected, refuses=name == "saved_model")
        report.max_abs_diff[stream.name] = max(stream.differences, default=0.0)


@dataclass
class Step:
    """A loaded step model, with checks that add their failures to the report.

    Attributes:
        name: the name in the report, such as ``"onnx-stream"``.
        runtime: the loaded file.
        initial: the initial states, for one row.
        tolerance: the largest difference allowed.
        report: the report.
        differences: the differences from Keras.
    """

    name: str
    runtime: Runtime
    initial: Arrays
    tolerance: float
    report: Report
    differences: list[float] = field(default_factory=list)

    def check_equal(self, division: str, chunks: Sequence[Arrays], expected: Arrays) -> None:
        """Check that chunks give the outputs of the whole sequence."""
        found = self._run(division, chunks)
        if found is None:
            return
        for output, values in expected.items():
            where = f"{self.name}: output {output!r} in {division}"
            difference, failures = compare(where, found[0][output], values, self.tolerance)
            self.differences.append(difference)
            self.report.failures += failures

    def check_no_steps(self, chunk: Arrays) -> None:
        """Check that a chunk without steps has no outputs and changes no state."""
        nothing = {name: array[:, :0] for name, array in chunk.items()}
        found = self._run("a chunk without steps", [nothing])
        if found is None:
            return
        outputs, states = found
        if any(value.shape[1] for value in outputs.values()):
            self.report.failures.append(f"{self.name}: a chunk without steps has outputs")
        if any(not np.array_equal(states[key], x) for key, x in self._start(chunk).items()):
            self.report.failures.append(f"{self.name}: a chunk without steps changes the states")

    def check_invalid(self, chunk: Arrays, expected: Arrays, *, refuses: bool) -> None:
        """Check that a row with NaN is refused, or answered with NaN in all of its outputs."""
        damaged = {name: array.copy() for name, array in chunk.items()}
        for array in damaged.values():
            if array.dtype.kind != "f":
                return
            array[-1, -1] = np.nan
        if refuses:
            try:
                self.runtime.run(damaged | self._start(chunk))
            except Exception:  # noqa: BLE001  # each runtime raises different types
                return
            self.report.failures.append(f"{self.name}: a chunk with NaN is accepted")
            return
        marked = {name: array.copy() for name, array in expected.items()}
        for array in marked.values():
            if array.dtype.kind == "f":
                array[-1] = np.nan
        self.check_equal("a chunk with NaN", [damaged], marked)
        found = self._run("a chunk with NaN", [damaged])
        states = [] if found is None else [x for x in found[1].values() if x.dtype.kind == "f"]
        if not all(np.isnan(state[-1]).all() for state in states):
            self.report.failures.append(f"{self.name}: a state is not NaN after a chunk with NaN")

    def _start(self, chunk: Arrays) -> Arrays:
        """The states at the start, for the rows of a chunk."""
        rows = len(next(iter(chunk.values())))
        return {name: np.repeat(value, rows, axis=0) for name, value in self.initial.items()}

    def _run(self, what: str, chunks: Sequence[Arrays]) -> tuple[Arrays, Arrays] | None:
        """The outputs of all chunks, and the last states; ``None`` if that is not possible."""
        self.report.enter(f"{self.name}: {what}")
        try:
            return run_chunks(self.runtime.run, chunks, self._start(chunks[0]))
        except Exception as error:  # noqa: BLE001  # each runtime raises different types
            self.report.failures.append(f"{self.name}: {what} cannot be run: {describe(error)}")
            return None


def _load(name: str, folder: Path, card: Card, report: Report) -> Runtime | None:
    """Load a step model; ``None`` with a failure in the report if that is not possible."""
    path, stream = folder / STEP_FILES[name], f"{name}-stream"
    report.enter(f"{stream}: {path.name}")
    try:
        refused = reasons_not_to_load_graph(name, path, card)
        report.failures += (f"{stream}: {path.name} was not loaded: {r}" for r in refused)
        if refused:
            return None
        runtime = load_graph(name, path)
    except Exception as error:  # noqa: BLE001  # a corrupt file can raise anything
        report.failures.append(f"{stream}: {path.name} cannot be loaded: {describe(error)}")
        return None
    entry = card["streaming"]
    states = signature_of(entry["states"])
    inputs = signature_of(entry["inputs"]) | states
    outputs = signature_of(entry["outputs"])
    outputs |= {NEW + state: value for state, value in states.items()}
    report.failures += signature_failures(stream, "input", runtime.inputs, inputs)
    report.failures += signature_failures(stream, "output", runtime.outputs, outputs)
    return runtime if set(runtime.inputs) == set(inputs) else None


def _divisions(chunk: Arrays) -> Iterator[tuple[str, list[Arrays]]]:
    """Divisions of a sequence into chunks."""
    steps = next(iter(chunk.values())).shape[1]
    rng = np.random.default_rng(0)
    cuts = {
        "one chunk": [],
        "single steps": list(range(1, min(steps, _SINGLE_STEPS))),
        "random chunks": sorted(rng.integers(1, steps, 7).tolist()) if steps > 1 else [],
    }
    for name, inner in cuts.items():
        edges = [0, *dict.fromkeys(inner), steps]
        yield (
            name,
            [
                {key: array[:, start:end] for key, array in chunk.items()}
                for start, end in itertools.pairwise(edges)
            ],
        )


def _side(arrays: Arrays, side: str) -> Arrays:
    return {
        name.removeprefix(f"{side}/"): value
        for name, value in arrays.items()
        if name.startswith(f"{side}/")
    }

"""Run the step models of a stream in chunks, and compare with the whole sequence."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .card import Card
from .compare import Signature, compare, signature_failures
from .litert_check import litert_failures, load_litert
from .load import Arrays, Runtime, import_tensorflow, load_onnx, load_saved_model
from .onnx_check import onnx_failures
from .report import Report, describe
from .saved_model_check import saved_model_failures

STEP_FILES = {"saved_model": "step_saved_model", "onnx": "step.onnx", "litert": "step.tflite"}
INITIAL_STATE = "initial_state.npz"
REFERENCE = "step_reference.npz"
NEW = "new_"
# The first steps of a sequence that run one by one.
_SINGLE_STEPS = 64
_MOST_REASONS = 20


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
        initial = _read(folder / INITIAL_STATE)
        reference = _read(folder / REFERENCE)
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
        state, parts = self._start(chunks[0]), []
        try:
            for chunk in chunks:
                found = dict(self.runtime.run(chunk | state))
                state = {name: found.pop(NEW + name) for name in state}
                parts.append(found)
            names = parts[0]
            return {k: np.concatenate([part[k] for part in parts], axis=1) for k in names}, state
        except Exception as error:  # noqa: BLE001  # each runtime raises different types
            self.report.failures.append(f"{self.name}: {what} cannot be run: {describe(error)}")
            return None


def _load(name: str, folder: Path, card: Card, report: Report) -> Runtime | None:
    """Load a step model; ``None`` with a failure in the report if that is not possible."""
    path, stream = folder / STEP_FILES[name], f"{name}-stream"
    report.enter(f"{stream}: {path.name}")
    try:
        refused = list(itertools.islice(_reasons(name, path, card), _MOST_REASONS))
        report.failures += (f"{stream}: {path.name} was not loaded: {r}" for r in refused)
        if refused:
            return None
        runtime = _loaded(name, path)
    except Exception as error:  # noqa: BLE001  # a corrupt file can raise anything
        report.failures.append(f"{stream}: {path.name} cannot be loaded: {describe(error)}")
        return None
    entry = card["streaming"]
    states = _signature(entry["states"])
    inputs = _signature(entry["inputs"]) | states
    outputs = _signature(entry["outputs"])
    outputs |= {NEW + state: value for state, value in states.items()}
    report.failures += signature_failures(stream, "input", runtime.inputs, inputs)
    report.failures += signature_failures(stream, "output", runtime.outputs, outputs)
    return runtime if set(runtime.inputs) == set(inputs) else None


def _reasons(name: str, path: Path, card: Card) -> Iterator[str]:
    if name == "saved_model":
        import_tensorflow()
        return saved_model_failures(path)
    if name == "litert":
        return litert_failures(path)
    return onnx_failures(path, bool((card.get("onnx") or {}).get("allow_loops")))


def _loaded(name: str, path: Path) -> Runtime:
    if name == "saved_model":
        return load_saved_model(path)
    return Runtime(*load_litert(path)) if name == "litert" else load_onnx(path)


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


def _read(path: Path) -> Arrays:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return {name: np.array(stored[name]) for name in stored.files}


def _side(arrays: Arrays, side: str) -> Arrays:
    return {
        name.removeprefix(f"{side}/"): value
        for name, value in arrays.items()
        if name.startswith(f"{side}/")
    }


def _signature(tensors: list[dict[str, Any]]) -> Signature:
    return {t["name"]: (t["dtype"], tuple(t["shape"])) for t in tensors}

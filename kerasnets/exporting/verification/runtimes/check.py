"""Compare every exported format of a version folder with ``reference.npz``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .compare import Signature, compare, signature_failures
from .load import FILES, Arrays, Card, Runtime, load, runtimes_of

_FORMATS = {"saved_model", "onnx"}
# The batch size for additional inputs.
_BATCH_SIZE = 256


@dataclass
class Report:
    """The result: every failure, and the largest difference of each runtime."""

    max_abs_diff: dict[str, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Expected:
    """The expected signature, inputs and outputs."""

    card: Card
    inputs: Signature
    outputs: Signature
    cases: dict[str, tuple[Arrays, Arrays]]
    tolerance: float


def check(
    folder: Path, tolerance: float, inputs: Path | None = None, outputs: Path | None = None
) -> Report:
    """Compare every exported format in a version folder with the reference.

    Args:
        folder: the version folder.
        tolerance: the largest difference allowed.
        inputs: an ``.npz`` of additional inputs by name, each of shape ``(examples, …)``.
        outputs: the ``.npz`` for their outputs, with the names ``<runtime>/<output>``.
    """
    report = Report()
    reading = "card.json"
    try:
        card = _read_card(folder / reading)
        signatures = _signature(card, "inputs"), _signature(card, "outputs")
        reading = "reference.npz"
        cases = read_reference(folder / reading)
    except Exception as error:  # noqa: BLE001  # a corrupt file can raise anything
        report.failures.append(f"{reading}: {_describe(error)}")
        return report
    expected = Expected(card, *signatures, cases, tolerance)
    report.failures += _reference_failures(expected)
    extra_inputs = _load_arrays(inputs) if inputs else {}
    extra_outputs: Arrays = {}
    for name in runtimes_of(card):
        runtime = _check_runtime(name, folder, expected, report)
        if runtime and extra_inputs:
            extra_outputs |= _run_batches(name, runtime, extra_inputs, report)
    if outputs:
        np.savez(outputs, **extra_outputs)  # type: ignore[arg-type]  # names, not options
    return report


def _read_card(path: Path) -> Card:
    card: Card = json.loads(path.read_text(encoding="utf-8"))
    formats = [str(name) for name in card["formats"]]
    if not formats or set(formats) - _FORMATS:
        raise ValueError(f"formats are {formats}; expected one or more of {sorted(_FORMATS)}")
    return card


def _signature(card: Card, side: str) -> Signature:
    return {t["name"]: (t["dtype"], tuple(t["shape"])) for t in card[side]}


def read_reference(path: Path) -> dict[str, tuple[Arrays, Arrays]]:
    """Read the inputs and outputs of each case from ``reference.npz``.

    See :func:`kerasnets.exporting.verification.reference.write_reference` for its content.

    Raises:
        ValueError: there are no cases.
    """
    arrays = _load_arrays(path)
    arrays |= {name: arrays[first] for name, first in json.loads(str(arrays.pop("same"))).items()}
    cases: dict[str, tuple[Arrays, Arrays]] = {}
    for key, array in arrays.items():
        case, side, name = key.split("/", 2)
        inputs, outputs = cases.setdefault(case, ({}, {}))
        {"inputs": inputs, "outputs": outputs}[side][name] = array
    if not cases:
        raise ValueError("there are no cases")
    return cases


def _load_arrays(path: Path) -> Arrays:
    # NumPy does not close the file if the archive is damaged.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return dict(stored)


def _reference_failures(expected: Expected) -> Iterator[str]:
    for case, sides in expected.cases.items():
        signatures = (expected.inputs, expected.outputs)
        for side, arrays, signature in zip(("inputs", "outputs"), sides, signatures, strict=True):
            if set(arrays) != set(signature):
                yield (
                    f"reference.npz: {case} has {side} {sorted(arrays)}, "
                    f"the card has {sorted(signature)}"
                )
            for name, array in arrays.items():
                padding = side == "inputs" and case == "padded-with-nan"
                if array.dtype.kind == "f" and not padding and not np.isfinite(array).all():
                    yield f"reference.npz: {side} {name!r} of {case} holds NaN or infinity"


def _check_runtime(name: str, folder: Path, expected: Expected, report: Report) -> Runtime | None:
    if not (folder / FILES[name]).is_file():
        report.failures.append(f"{name}: {FILES[name]} is missing")
        return None
    try:
        runtime = load(name, folder, expected.card)
    except Exception as error:  # noqa: BLE001  # a corrupt file can raise anything
        report.failures.append(f"{name}: cannot be loaded: {_describe(error)}")
        return None
    if name == "onnx":
        loops = bool(expected.card.get("onnx", {}).get("allow_loops"))
        report.failures += _node_failures(folder / FILES[name], loops)
    report.failures += signature_failures(name, "input", runtime.inputs, expected.inputs)
    report.failures += signature_failures(name, "output", runtime.outputs, expected.outputs)
    if set(runtime.inputs) != set(expected.inputs):
        return None
    _compare_cases(name, runtime, expected, report)
    return runtime


def _compare_cases(name: str, runtime: Runtime, expected: Expected, report: Report) -> None:
    report.max_abs_diff[name] = 0.0
    for case, (inputs, outputs) in expected.cases.items():
        try:
            got = runtime.run(inputs)
        except Exception as error:  # noqa: BLE001  # each runtime raises different types
            report.failures.append(f"{name}: {case} cannot be run: {_describe(error)}")
            continue
        for output in sorted(set(outputs) & set(got)):
            where = f"{name}: output {output!r} of {case}"
            difference, failures = compare(where, got[output], outputs[output], expected.tolerance)
            report.max_abs_diff[name] = max(report.max_abs_diff[name], difference)
            report.failures += failures


def _run_batches(name: str, runtime: Runtime, inputs: Arrays, report: Report) -> Arrays:
    """The outputs of a runtime for the additional inputs."""
    rows = len(next(iter(inputs.values())))
    parts = []
    for start in range(0, rows, _BATCH_SIZE):
        batch = {key: array[start : start + _BATCH_SIZE] for key, array in inputs.items()}
        try:
            parts.append(runtime.run(batch))
        except Exception as error:  # noqa: BLE001  # each runtime raises different types
            report.failures.append(f"{name}: the test split cannot be run: {_describe(error)}")
            return {}
    return {f"{name}/{key}": np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _node_failures(path: Path, loops: bool) -> Iterator[str]:
    """The nodes that are slow or do not run in every runtime."""
    import onnx

    for node in onnx.load(path).graph.node:
        if node.domain not in ("", "ai.onnx"):
            operator = f"{node.domain}.{node.op_type}"
            yield f"onnx: node {node.name!r} has the operator {operator}, not one of ONNX"
        if node.op_type in ("Loop", "Scan") and not loops:
            yield f"onnx: node {node.name!r} is a {node.op_type}, which the card does not allow"


def _describe(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:500]}" if text else type(error).__name__

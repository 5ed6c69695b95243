"""Runs exported files and compares them with the reference written beside them.

This file is executed by path in a process of its own, where neither Keras nor kerasnets can be
imported, so that what it finds holds for every server that has only the files::

    python -P _runtimes.py FOLDER TOLERANCE RESULT.json
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

Signature = dict[str, tuple[str, tuple[int | None, ...]]]  # dtype and axes, by name
Arrays = dict[str, np.ndarray]
FILES = {"saved_model": "saved_model.pb", "onnx": "model.onnx"}


@dataclass
class Report:
    """What was found: every failure, and the largest difference of each runtime."""

    max_abs_diff: dict[str, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Runtime:
    """An exported file, loaded: its signature, and a function that runs it."""

    inputs: Signature
    outputs: Signature
    run: Callable[[Arrays], Arrays]


@dataclass(frozen=True)
class Expected:
    """What the card and the reference say."""

    formats: list[str]
    loops: bool
    inputs: Signature
    outputs: Signature
    cases: dict[str, tuple[Arrays, Arrays]]
    tolerance: float


def check(folder: Path, tolerance: float) -> Report:
    """Compare every exported format in a version folder with the reference.

    Args:
        folder: the version folder.
        tolerance: the largest difference allowed.
    """
    report = Report()
    reading = "card.json"
    try:
        formats, loops, inputs, outputs = _read_card(folder / reading)
        reading = "reference.npz"
        cases = read_reference(folder / reading)
    except Exception as error:  # noqa: BLE001  # a corrupt file can raise anything
        report.failures.append(f"{reading}: {_describe(error)}")
        return report
    expected = Expected(formats, loops, inputs, outputs, cases, tolerance)
    report.failures += _reference_failures(expected)
    for name in expected.formats:
        _check_runtime(name, folder, expected, report)
    return report


def _read_card(path: Path) -> tuple[list[str], bool, Signature, Signature]:
    card = json.loads(path.read_text(encoding="utf-8"))
    formats = [str(name) for name in card["formats"]]
    if not formats or set(formats) - set(FILES):
        raise ValueError(f"formats are {formats}; there must be some of {sorted(FILES)}")
    loops = bool(card.get("onnx", {}).get("allow_loops"))
    return formats, loops, _signature(card["inputs"]), _signature(card["outputs"])


def read_reference(path: Path) -> dict[str, tuple[Arrays, Arrays]]:
    """Inputs and outputs by case, from names of the form ``<case>/inputs/<name>``."""
    cases: dict[str, tuple[Arrays, Arrays]] = {}
    # numpy leaves the file open if the archive is broken.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        for key in stored.files:
            case, side, name = key.split("/", 2)
            inputs, outputs = cases.setdefault(case, ({}, {}))
            {"inputs": inputs, "outputs": outputs}[side][name] = stored[key]
    if not cases:
        raise ValueError("it holds no cases")
    return cases


def _signature(tensors: list[Any]) -> Signature:
    return {t["name"]: (t["dtype"], tuple(t["shape"])) for t in tensors}


def _reference_failures(expected: Expected) -> Iterator[str]:
    for case, sides in expected.cases.items():
        signatures = (expected.inputs, expected.outputs)
        for side, arrays, signature in zip(("inputs", "outputs"), sides, signatures, strict=True):
            if set(arrays) != set(signature):
                yield (
                    f"reference.npz: {case} has {side} {sorted(arrays)}, "
                    f"the card says {sorted(signature)}"
                )
            for name, array in arrays.items():
                if array.dtype.kind == "f" and not np.isfinite(array).all():
                    yield f"reference.npz: {side} {name!r} of {case} holds NaN or infinity"


def _check_runtime(name: str, folder: Path, expected: Expected, report: Report) -> None:
    if not (folder / FILES[name]).is_file():
        report.failures.append(f"{name}: {FILES[name]} is missing")
        return
    load = {"saved_model": load_saved_model, "onnx": load_onnx}[name]
    try:
        runtime = load(folder)
    except Exception as error:  # noqa: BLE001  # a corrupt file can raise anything
        report.failures.append(f"{name}: cannot be loaded: {_describe(error)}")
        return
    if name == "onnx":
        report.failures += _node_failures(folder / FILES[name], expected.loops)
    report.failures += _signature_failures(name, "input", runtime.inputs, expected.inputs)
    report.failures += _signature_failures(name, "output", runtime.outputs, expected.outputs)
    if set(runtime.inputs) == set(expected.inputs):
        _compare_cases(name, runtime, expected, report)


def _compare_cases(name: str, runtime: Runtime, expected: Expected, report: Report) -> None:
    report.max_abs_diff[name] = 0.0
    for case, (inputs, outputs) in expected.cases.items():
        try:
            got = runtime.run(inputs)
        except Exception as error:  # noqa: BLE001
            report.failures.append(f"{name}: {case} cannot be run: {_describe(error)}")
            continue
        for output in sorted(set(outputs) & set(got)):
            where = f"{name}: output {output!r} of {case}"
            difference, failures = compare(where, got[output], outputs[output], expected.tolerance)
            report.max_abs_diff[name] = max(report.max_abs_diff[name], difference)
            report.failures += failures


def _signature_failures(
    runtime: str, side: str, got: Signature, expected: Signature
) -> Iterator[str]:
    if set(got) != set(expected):
        yield f"{runtime}: {side}s are named {sorted(got)}, the card says {sorted(expected)}"
    for name in sorted(set(got) & set(expected)):
        (dtype, shape), (card_dtype, card_shape) = got[name], expected[name]
        if dtype != card_dtype:
            yield f"{runtime}: {side} {name!r} has type {dtype}, the card says {card_dtype}"
        if not _same_axes(shape, card_shape):
            yield f"{runtime}: {side} {name!r} has axes {shape}, the card says {card_shape}"


def _same_axes(got: tuple[int | None, ...], card: tuple[int | None, ...]) -> bool:
    """Whether what is free in the card is free here; a runtime may leave more axes unsaid."""
    return len(got) == len(card) and all(
        a is None or a == b for a, b in zip(got, card, strict=True)
    )


def compare(
    where: str, got: np.ndarray, reference: np.ndarray, tolerance: float
) -> tuple[float, list[str]]:
    """The largest difference, and what is wrong.

    A float32 has seven digits, so the difference is absolute for values up to 1 and in parts of
    the array's largest value above that. Whole numbers and booleans must be equal.

    Args:
        where: what the failures begin with.
        got: what the runtime gave.
        reference: what Keras gave.
        tolerance: the largest difference allowed.
    """
    if got.dtype != reference.dtype:
        return 0.0, [f"{where} has type {got.dtype}, Keras gives {reference.dtype}"]
    if got.shape != reference.shape:
        return 0.0, [f"{where} has shape {got.shape}, Keras gives {reference.shape}"]
    if not got.size:
        return 0.0, []
    if got.dtype.kind != "f":
        same = np.array_equal(got, reference)
        return 0.0, [] if same else [f"{where} differs from Keras"]
    if not np.isfinite(got).all():
        return 0.0, [f"{where} holds NaN or infinity"]
    if not np.isfinite(reference).all():
        return 0.0, []  # already said of the reference
    scale = max(1.0, float(np.abs(reference).max()))
    difference = float(np.abs(got.astype("float64") - reference.astype("float64")).max()) / scale
    if difference > tolerance:
        return difference, [f"{where} differs from Keras by {difference:.3g} (> {tolerance:.3g})"]
    return difference, []


def load_saved_model(folder: Path) -> Runtime:
    """The ``serving_default`` signature of the SavedModel in ``folder``."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder))
    if "serving_default" not in loaded.signatures:
        raise ValueError(f"no signature serving_default among {sorted(loaded.signatures)}")
    function = loaded.signatures["serving_default"]

    def run(inputs: Arrays) -> Arrays:
        outputs = function(**{name: tf.constant(value) for name, value in inputs.items()})
        return {name: value.numpy() for name, value in outputs.items()}

    def read(specs: Mapping[str, Any]) -> Signature:
        return {
            name: (spec.dtype.name, tuple(spec.shape) if spec.shape.rank is not None else ())
            for name, spec in specs.items()
        }

    # The function keeps only a weak hold on the variables of what it was loaded with.
    run.owner = loaded  # type: ignore[attr-defined]
    inputs = read(function.structured_input_signature[1])
    return Runtime(inputs, read(function.structured_outputs), run)


def load_onnx(folder: Path) -> Runtime:
    """``model.onnx`` in ONNX Runtime, after the full check of the ``onnx`` package."""
    import onnx
    import onnxruntime

    path = str(folder / "model.onnx")
    onnx.checker.check_model(path, full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run(inputs: Arrays) -> Arrays:
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, inputs), strict=True))

    def read(values: list[Any]) -> Signature:
        return {
            v.name: (
                _NUMPY_NAMES.get(v.type, v.type),
                tuple(axis if isinstance(axis, int) else None for axis in v.shape),
            )
            for v in values
        }

    return Runtime(read(session.get_inputs()), read(session.get_outputs()), run)


def _node_failures(path: Path, loops: bool) -> Iterator[str]:
    """Nodes that run slowly or only in some runtimes; graphs inside nodes are inside loops."""
    import onnx

    for node in onnx.load(path).graph.node:
        if node.domain not in ("", "ai.onnx"):
            yield f"onnx: node {node.name!r} is {node.op_type} of the domain {node.domain!r}"
        if node.op_type in ("Loop", "Scan") and not loops:
            yield f"onnx: node {node.name!r} is a {node.op_type}, which the card does not allow"


_NUMPY_NAMES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(bool)": "bool",
    **{
        f"tensor({sign}int{bits})": f"{sign}int{bits}"
        for sign in ("", "u")
        for bits in (8, 16, 32, 64)
    },
}


def _describe(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:500]}" if text else type(error).__name__


def main(arguments: list[str]) -> None:
    """Write the report on ``FOLDER`` to ``RESULT.json``."""
    # TensorFlow imports Keras where it finds it; here nobody finds it.
    sys.modules |= dict.fromkeys(("keras", "kerasnets"))  # type: ignore[arg-type]
    folder, tolerance, result = arguments
    report = check(Path(folder), float(tolerance))
    Path(result).write_text(json.dumps(vars(report)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

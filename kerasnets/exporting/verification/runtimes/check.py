"""Compare every exported format of a version folder with ``reference.npz``."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .arrays import Arrays, read_arrays
from .c_array_check import c_array_failures
from .card import Card, read_card
from .compare import Signature, compare, signature_failures, signature_of
from .consistency import classify_failures, folder_failures, metadata_failures
from .files import CHECKSUMS, checksum_failures, file_failures
from .load import FILES, Runtime, load, reasons_not_to_load, runtimes_of
from .reference import read_reference
from .report import Report, describe
from .rounding import with_rounding
from .small_weights import SMALL_WEIGHTS, recorded, recorded_difference, recorded_failures
from .stream_check import check_stream

# The batch size for additional inputs.
_BATCH_SIZE = 256
# The cases that only exported graphs must handle: no rows, and rows with invalid values.
NO_ROWS = "batch-0"
INVALID = "invalid-"
# Failures of files that are reported. A hostile folder may have millions.
_MOST_FILES = 50


@dataclass(frozen=True)
class Expected:
    """The expected signature, inputs and outputs."""

    card: Card
    inputs: Signature
    outputs: Signature
    cases: dict[str, tuple[Arrays, Arrays]]
    tolerance: float


def check(
    folder: Path,
    tolerance: float,
    *,
    report: Report | None = None,
    modules: Sequence[str] = (),
    inputs: Path | None = None,
    outputs: Path | None = None,
) -> Report:
    """Compare every exported format in a version folder with the reference.

    Args:
        folder: the version folder.
        tolerance: the largest difference allowed.
        report: the report to write to.
        modules: the modules with classes of the user that ``model.keras`` may need. They are
            imported.
        inputs: an ``.npz`` of additional inputs by name, each of shape ``(examples, …)``.
        outputs: the ``.npz`` for their outputs, with the names ``<runtime>/<output>``.

    Returns:
        The report, which is not marked as complete.
    """
    report = Report() if report is None else report
    expected = read_expected(folder, tolerance, report)
    if expected is None:
        return report
    extra_inputs = read_arrays(inputs) if inputs else {}
    extra_outputs: Arrays = {}
    check_stream(folder, expected.card, tolerance, report)
    for name in runtimes_of(expected.card, modules):
        runtime = _check_runtime(name, folder, expected, modules, report)
        if runtime and extra_inputs:
            report.enter(f"{name}: the test split")
            extra_outputs |= _run_batches(name, runtime, extra_inputs, report)
        del runtime  # its memory is free for the next one
    if outputs:
        np.savez(outputs, **extra_outputs)  # type: ignore[arg-type]  # names, not options
    return report


def read_expected(folder: Path, tolerance: float, report: Report) -> Expected | None:
    """Check the files of a version folder, and read the card and the reference.

    Args:
        folder: the version folder.
        tolerance: the largest difference allowed.
        report: the report to which failures are added.

    Returns:
        What is expected of the runtimes, or ``None`` if it cannot be read.
    """
    report.enter("the files of the folder")
    report.failures += itertools.islice(file_failures(folder), _MOST_FILES)
    if report.failures:
        return None
    reading = ""
    try:
        for reading in ("checksums", "card.json", "reference.npz"):
            report.enter(reading)
            if reading == "checksums":
                report.failures += itertools.islice(checksum_failures(folder), _MOST_FILES)
            elif reading == "card.json":
                card = read_card(folder / reading)
            else:
                cases = read_reference(folder / reading)
    except FileNotFoundError:
        report.failures.append(f"{reading}: it is missing")
    except ValueError as error:
        report.failures.append(f"{reading}: {error}")
    except OSError as error:
        report.failures.append(f"{reading}: it cannot be read: {describe(error)}")
    else:
        signatures = signature_of(card["inputs"]), signature_of(card["outputs"])
        expected = Expected(card, *signatures, cases, tolerance)
        report.failures += _content_failures(folder, expected)
        return expected
    return None


def _content_failures(folder: Path, expected: Expected) -> Iterator[str]:
    if expected.card.get("checksums") and not (folder / CHECKSUMS).exists():
        yield f"{CHECKSUMS}: it is missing"
    yield from folder_failures(folder, expected.card)
    yield from c_array_failures(folder, expected.card)
    listed = expected.card.get("cases")
    if listed is not None and set(listed) != set(expected.cases):
        yield (
            f"reference.npz: its cases are {sorted(expected.cases)}, the card has {sorted(listed)}"
        )
    for case, sides in expected.cases.items():
        signatures = (expected.inputs, expected.outputs)
        for side, arrays, signature in zip(("inputs", "outputs"), sides, signatures, strict=True):
            if set(arrays) != set(signature):
                yield (
                    f"reference.npz: {case} has {side} {sorted(arrays)}, "
                    f"the card has {sorted(signature)}"
                )
            for name, array in arrays.items():
                allowed = case.startswith(INVALID) or (
                    side == "inputs" and case == "padded-with-nan"
                )
                if array.dtype.kind == "f" and not allowed and not np.isfinite(array).all():
                    yield f"reference.npz: {side} {name!r} of {case} holds NaN or infinity"


def _check_runtime(
    name: str, folder: Path, expected: Expected, modules: Sequence[str], report: Report
) -> Runtime | None:
    report.enter(f"{name}: {FILES[name]}")
    if not (folder / FILES[name]).is_file():
        report.failures.append(f"{name}: {FILES[name]} is missing")
        return None
    try:
        refused = reasons_not_to_load(name, folder, expected.card, modules)
        report.failures += (f"{name}: {FILES[name]} was not loaded: {r}" for r in refused)
        if refused:
            return None
        runtime = load(name, folder, expected.card, modules)
    except Exception as error:  # noqa: BLE001  # a corrupt file can raise anything
        report.failures.append(f"{name}: {FILES[name]} cannot be loaded: {describe(error)}")
        return None
    report.failures += signature_failures(name, "input", runtime.inputs, expected.inputs)
    report.failures += signature_failures(name, "output", runtime.outputs, expected.outputs)
    if set(runtime.inputs) != set(expected.inputs):
        return None
    _compare_cases(name, runtime, expected, report)
    if name == "saved_model":
        report.enter("saved_model: the signature classify")
        report.failures += classify_failures(runtime, expected.card, expected.cases)
    if name != "openvino":  # it runs the same file as ONNX Runtime
        report.failures += metadata_failures(name, folder / FILES[name], expected.card)
    if name in SMALL_WEIGHTS:
        report.failures += recorded_failures(name, folder, expected.card, runtime, expected.cases)
    return runtime


def _compare_cases(name: str, runtime: Runtime, expected: Expected, report: Report) -> None:
    differences = report.small_weights if name in SMALL_WEIGHTS else report.max_abs_diff
    differences[name] = 0.0
    tolerance = expected.tolerance + recorded_difference(name, expected.card)
    for case, (inputs, outputs) in expected.cases.items():
        if case.startswith(INVALID) and not _is_guarded(name, expected.card):
            continue
        if (name, case) == ("keras", NO_ROWS):
            continue  # the guards are in the exported graphs
        report.enter(f"{name}: {case}")
        if name == "saved_model" and case.startswith(INVALID):
            report.failures += _not_refused(name, case, runtime, inputs)
            continue
        try:
            got = runtime.run(inputs)
        except Exception as error:  # noqa: BLE001  # each runtime raises different types
            # OpenVINO refuses to pool no rows. An error harms nobody.
            if (name, case) != ("openvino", NO_ROWS):
                report.failures.append(f"{name}: {case} cannot be run: {describe(error)}")
            continue
        for output in sorted(set(outputs) & set(got)):
            if case.startswith(INVALID) and outputs[output].dtype.kind != "f":
                continue  # an integer cannot be NaN
            where = f"{name}: output {output!r} of {case}"
            allowed = with_rounding(tolerance, expected.card, output)
            difference, failures = compare(where, got[output], outputs[output], allowed)
            differences[name] = max(differences[name], difference)
            report.failures += failures
    # OpenVINO assumes that inputs whose first axes have the same name have the same size.
    if name not in ("keras", "openvino") and expected.card.get("checks_rows"):
        report.enter(f"{name}: too few lengths")
        report.failures += _too_few_lengths(name, runtime, expected)


def _is_guarded(name: str, card: Card) -> bool:
    """Whether a file checks its inputs. Integers have no NaN, and Keras has no guards."""
    if name in SMALL_WEIGHTS:
        return bool(recorded(name, card).get("checks_rows", True))
    return name != "keras"


def _not_refused(name: str, case: str, runtime: Runtime, inputs: Arrays) -> Iterator[str]:
    try:
        runtime.run(inputs)
    except Exception:  # noqa: BLE001  # each runtime raises different types
        return
    yield f"{name}: {case} is accepted, although its inputs are invalid"


def _too_few_lengths(name: str, runtime: Runtime, expected: Expected) -> Iterator[str]:
    """One length for two rows must be refused."""
    sequences = [key for key, (_, shape) in expected.inputs.items() if len(shape) > 2]
    inputs = expected.cases.get("batch-2", ({}, {}))[0]
    if sequences and "length" in inputs and inputs["length"].ndim == 1:
        inputs = inputs | {"length": inputs["length"][:1]}
        yield from _not_refused(name, "one length for two rows", runtime, inputs)


def _run_batches(name: str, runtime: Runtime, inputs: Arrays, report: Report) -> Arrays:
    """The outputs of a runtime for the additional inputs."""
    rows = len(next(iter(inputs.values())))
    parts = []
    for start in range(0, rows, _BATCH_SIZE):
        batch = {key: array[start : start + _BATCH_SIZE] for key, array in inputs.items()}
        try:
            parts.append(runtime.run(batch))
        except Exception as error:  # noqa: BLE001  # each runtime raises different types
            report.failures.append(f"{name}: the test split cannot be run: {describe(error)}")
            return {}
    return {f"{name}/{key}": np.concatenate([part[key] for part in parts]) for key in parts[0]}

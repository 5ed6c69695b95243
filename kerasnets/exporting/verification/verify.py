"""Compare exported files with Keras, in a new process that does not need kerasnets."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kerasnets._display import html_block
from kerasnets._errors import WorkFailedError
from kerasnets._files import write_json
from kerasnets.exporting.verification import runtimes
from kerasnets.exporting.verification.task_metrics import (
    Labelled,
    metric_failures,
    metrics_by_runtime,
    read_labelled,
)
from kerasnets.exporting.versions import find_version

TOLERANCE = 1e-5


@dataclass(frozen=True, repr=False)
class Verification:
    """The result of a verification.

    Attributes:
        path: the version folder.
        max_abs_diff: the largest difference from Keras per runtime: ``"saved_model"``,
            ``"onnx"``, ``"openvino"`` if it is installed, and ``"keras"``, which loads
            ``model.keras``. Differences are absolute if the largest value of the output is at
            most 1, and relative to that value otherwise.
        failures: every failure, one line each.
        test_metrics: the metrics of each runtime on labelled examples, if any were passed:
            ``accuracy`` and ``auroc``, or ``mae`` and ``r2`` for regression.
    """

    path: Path
    max_abs_diff: dict[str, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    test_metrics: dict[str, dict[str, float | None]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether there are no failures."""
        return not self.failures

    def __repr__(self) -> str:
        differences = ", ".join(f"{name} {d:.1e}" for name, d in self.max_abs_diff.items())
        count = len(self.failures)
        result = "ok" if self.ok else f"{count} {'failure' if count == 1 else 'failures'}"
        return f"Verification({result}, {str(self.path)!r}, differences: {differences or 'none'})"

    def _repr_html_(self) -> str:
        """Describe the result in a notebook."""
        title = f"{self.path}: {'verified' if self.ok else 'FAILED'}"
        rows = [(name, f"{difference:.2e}") for name, difference in self.max_abs_diff.items()]
        headers = ("runtime", "largest difference from Keras")
        return html_block(title, None, headers, rows, "lr", self.failures)


class VerificationError(WorkFailedError, ValueError):
    """The outputs of exported files differ from those of the Keras model.

    Attributes:
        verification: the result, with every failure.
    """

    def __init__(self, verification: Verification) -> None:
        failures = verification.failures
        super().__init__(
            f"{verification.path} failed verification with {len(failures)} "
            f"{'failure' if len(failures) == 1 else 'failures'}:\n"
            + "\n".join(f"- {failure}" for failure in failures)
        )
        self.verification = verification


def verify(
    path: str | Path, *, tolerance: float = TOLERANCE, test: Labelled | None = None
) -> Verification:
    """Compare every file of an exported version with the outputs of Keras.

    Loads the files in a new process, runs them on the inputs in ``reference.npz``, and compares
    names, types, shapes and values. The process cannot import Keras or kerasnets, except to load
    ``model.keras``. The result is written to
    ``verification.json`` in the folder.

    Args:
        path: a version folder that :func:`export` wrote, or its parent for the highest version.
        tolerance: the largest difference allowed, measured as in :class:`Verification`.
        test: labelled examples, such as ``data.test``. The metrics of each runtime on them must
            equal those of Keras: accuracy and AUROC for classifiers, mean absolute error and R²
            for regression. The examples are not saved.

    Returns:
        The result, if there are no failures.

    Raises:
        FileNotFoundError: there is no exported version at ``path``.
        ValueError: ``tolerance`` is not a positive number, or ``test`` does not fit the model.
        VerificationError: verification failed; it lists every failure.
    """
    check_tolerance(tolerance)
    folder = find_version(Path(path))
    verification = run_verification(folder, tolerance, test)
    with contextlib.suppress(OSError):  # the folder may be read-only
        write_verification(folder, verification, tolerance)
    if not verification.ok:
        raise VerificationError(verification)
    return verification


def write_verification(folder: Path, verification: Verification, tolerance: float) -> None:
    """Write ``verification.json``.

    Args:
        folder: the version folder.
        verification: the result.
        tolerance: the tolerance of the verification.
    """
    content = {
        "ok": verification.ok,
        "tolerance": tolerance,
        "max_abs_diff": verification.max_abs_diff,
        "failures": verification.failures,
    }
    # A verification without labelled examples keeps the metrics of an earlier one.
    if metrics := verification.test_metrics or _recorded_metrics(folder):
        content["test_metrics"] = metrics
    write_json(folder / "verification.json", content)


def _recorded_metrics(folder: Path) -> Any:
    """The test metrics in ``verification.json``; ``None`` if there are none."""
    try:
        recorded = json.loads((folder / "verification.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return recorded.get("test_metrics") if isinstance(recorded, dict) else None


def check_tolerance(tolerance: float) -> None:
    """Check that a tolerance is a positive, finite number.

    Raises:
        ValueError: ``tolerance`` is not positive and finite.
    """
    if not 0 < tolerance < float("inf"):
        raise ValueError(f"tolerance must be a positive number; got {tolerance}.")


def run_verification(folder: Path, tolerance: float, test: Labelled | None = None) -> Verification:
    """Verify a version folder as :func:`verify` does, without raising an error for failures."""
    with tempfile.TemporaryDirectory() as scratch:
        result, inputs, outputs = (
            Path(scratch) / name for name in ("result.json", "inputs.npz", "outputs.npz")
        )
        if test is None:
            return Verification(folder, **_run_process(folder, tolerance, result))
        task, arrays, labels = read_labelled(folder, test)
        np.savez(inputs, **arrays)  # type: ignore[arg-type]  # the names are not options of savez
        found = _run_process(folder, tolerance, result, inputs, outputs)
        if outputs.exists():
            found["test_metrics"] = metrics_by_runtime(outputs, task, labels)
            found["failures"] += metric_failures(found["test_metrics"], labels)
        return Verification(folder, **found)


def _run_process(folder: Path, tolerance: float, result: Path, *arrays: Path) -> dict[str, Any]:
    """Run the verifying process and return its report."""
    # -P: do not add the folder of the program to the module path. Its modules form a package.
    program = Path(runtimes.__file__).with_name("__main__.py")
    command = [sys.executable, "-P", program, folder, repr(tolerance), result, *arrays]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if not result.exists():
        tail = " ".join(done.stderr.split())[-500:]
        return {"failures": [f"the verifying process exited with code {done.returncode}: {tail}"]}
    report: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return report

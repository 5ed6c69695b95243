"""Compare exported files with Keras, in a new process that does not need kerasnets."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kerasnets._display import html_block
from kerasnets._errors import WorkFailedError
from kerasnets._files import write_json
from kerasnets.exporting.signing import SignatureChecker
from kerasnets.exporting.verification.process import Limits, default_memory, run_process
from kerasnets.exporting.verification.runtimes.rounding import TOLERANCE as TOLERANCE
from kerasnets.exporting.verification.task_metrics import (
    Labelled,
    metric_failures,
    metrics_by_runtime,
    read_labelled,
    recorded_metric_failures,
)
from kerasnets.exporting.versions import find_version


@dataclass(frozen=True, repr=False)
class Verification:
    """The result of a verification.

    Attributes:
        path: the version folder.
        max_abs_diff: the largest difference from Keras per runtime: ``"saved_model"``,
            ``"onnx"``, ``"openvino"`` if it is installed, ``"litert"``, and ``"keras"``, which
            loads ``model.keras``; and ``"onnx-stream"`` and so on for the step models of a live
            stream. Differences are absolute if the largest value of the output is at
            most 1, and relative to that value otherwise.
        small_weights: the same for the ONNX files with smaller weights, which must not be larger
            than the card states.
        failures: every failure, one line each.
        test_metrics: the metrics of each runtime on labelled examples, if any were passed:
            ``accuracy`` and ``auroc``, or ``mae`` and ``r2`` for regression.
    """

    path: Path
    max_abs_diff: dict[str, float] = field(default_factory=dict)
    small_weights: dict[str, float] = field(default_factory=dict)
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
    path: str | Path,
    *,
    tolerance: float = TOLERANCE,
    test: Labelled | None = None,
    custom_modules: Sequence[str] = (),
    timeout: float | None = 600.0,
    max_memory: int | None = None,
    public_key: str | os.PathLike[str] | None = None,
) -> Verification:
    """Compare every file of an exported version with the outputs of Keras.

    Loads the files in a new process, runs them on the inputs in ``reference.npz``, and compares
    names, types, shapes and values. The process cannot import Keras or kerasnets, except to load
    ``model.keras``. Nothing in the folder is changed.

    The files may come from strangers. A file is not loaded if it has operations that may use other
    files, the network or Python code. The process is stopped if it exceeds ``timeout`` or
    ``max_memory``. On Linux it has no network, and can only write to its own temporary folder, if
    the kernel allows this. ``SECURITY.md`` says what this does not protect from.

    Args:
        path: a version folder that :func:`export` wrote, or its parent for the highest version.
        tolerance: the largest difference allowed, measured as in :class:`Verification`.
        test: labelled examples, such as ``data.test``. The metrics of each runtime on them must
            equal those of Keras: accuracy and AUROC for classifiers, mean absolute error and R²
            for regression. The examples are not saved.
        custom_modules: names of modules or packages with your own layers and functions, such as
            ``("my_package.layers",)``. They are imported to load ``model.keras``. Without them,
            a ``model.keras`` that needs such classes is not verified.
        timeout: seconds until the process must have ended. ``None``: no limit.
        max_memory: the largest memory of the process in bytes, on Linux. Default: 8 GiB, or three
            quarters of the memory of the machine if that is less.
        public_key: the public key (PEM) of whoever must have signed the files, as ``sign=`` of
            :func:`export` does. Files with another signature, or none, are not loaded.

    Returns:
        The result, if there are no failures.

    Raises:
        FileNotFoundError: there is no exported version at ``path``.
        ValueError: ``tolerance`` or a limit is not a positive number, ``test`` does not fit the
            model, or ``public_key`` is not a public key.
        VerificationError: verification failed; it lists every failure.
    """
    check_tolerance(tolerance)
    _check_modules(custom_modules)
    limits = Limits(timeout, default_memory() if max_memory is None else max_memory)
    checker = None if public_key is None else SignatureChecker(public_key)
    folder = find_version(Path(path))
    if checker is not None and (failures := checker.failures(folder)):
        raise VerificationError(Verification(folder, failures=failures))
    verification = run_verification(folder, tolerance, test, limits, custom_modules)
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
    if verification.test_metrics:
        content["test_metrics"] = verification.test_metrics
    write_json(folder / "verification.json", content)


def check_tolerance(tolerance: float) -> None:
    """Check that a tolerance is a positive, finite number.

    Raises:
        ValueError: ``tolerance`` is not positive and finite.
    """
    if not 0 < tolerance < float("inf"):
        raise ValueError(f"tolerance must be a positive number; got {tolerance}.")


def _check_modules(modules: Sequence[str]) -> None:
    """Check that modules can be found.

    Raises:
        ValueError: a module cannot be found.
    """
    if isinstance(modules, str):
        raise ValueError(f"custom_modules must be a list of names; got the text {modules!r}.")
    for name in modules:
        try:
            found = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            found = None
        if found is None:
            raise ValueError(
                f"custom_modules has {name!r}, which cannot be imported. Install it, or add its "
                "folder to PYTHONPATH."
            )


def run_verification(
    folder: Path,
    tolerance: float,
    test: Labelled | None = None,
    limits: Limits | None = None,
    modules: Sequence[str] = (),
) -> Verification:
    """Verify a version folder as :func:`verify` does, without raising an error for failures.

    Args:
        folder: the version folder.
        tolerance: the largest difference allowed.
        test: labelled examples.
        limits: the limits of the process. Default: none, for a model of the user's own.
        modules: modules with the user's classes.
    """
    limits = limits or Limits()
    if test is None:
        found, _ = run_process(folder, tolerance, limits, modules)
        return Verification(folder, **found)
    task, arrays, labels = read_labelled(folder, test)
    found, outputs = run_process(folder, tolerance, limits, modules, arrays)
    metrics = metrics_by_runtime(outputs, task, labels)
    small = {name: metrics.pop(name) for name in set(metrics) & set(found["small_weights"])}
    found["failures"] += metric_failures(metrics, labels)
    found["failures"] += recorded_metric_failures(small, folder, len(labels))
    return Verification(folder, **found, test_metrics=metrics)

"""Whether exported files give what Keras gave: loaded where there is no Keras code of ours."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kerasnets._errors import WorkFailedError
from kerasnets._files import write_json
from kerasnets.exporting.verification import runtimes
from kerasnets.exporting.verification.labelled import (
    Labelled,
    measure,
    metric_failures,
    read_labelled,
)

TOLERANCE = 1e-5
_MARKS = ("card.json", "reference.npz", "model.onnx", "saved_model.pb")


@dataclass(frozen=True)
class Verification:
    """What a verification found.

    Attributes:
        path: the version folder.
        max_abs_diff: the largest difference from Keras of each runtime that ran,
            ``"saved_model"``, ``"onnx"``, ``"openvino"`` where it is installed, and ``"keras"``,
            which is ``model.keras`` loaded again; absolute for values up to 1, in parts of the
            output's largest value above that.
        failures: everything that is wrong, one line each.
        test_metrics: accuracy and AUROC of each runtime on labelled examples, where some were
            given.
    """

    path: Path
    max_abs_diff: dict[str, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    test_metrics: dict[str, dict[str, float | None]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.failures


class VerificationError(WorkFailedError, ValueError):
    """Exported files do not do what the Keras model does.

    Attributes:
        verification: all that was found.
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
    """Compare every exported file of a version with the outputs Keras gave.

    Loads the files in a fresh process that cannot import kerasnets, runs them on the inputs in
    ``reference.npz`` and compares names, dtypes, axes, shapes and values. What it finds is
    written to ``verification.json`` in the folder.

    Args:
        path: a version folder made by :func:`export`, or its parent for the highest version.
        tolerance: the largest difference allowed, measured as in :class:`Verification`.
        test: labelled examples, such as ``data.test``, on which accuracy and AUROC of each
            runtime must equal Keras's too; they are not kept.

    Returns:
        What was found, when nothing is wrong.

    Raises:
        FileNotFoundError: there is no export at ``path``.
        ValueError: ``tolerance`` is not a positive number, or ``test`` does not fit the net.
        VerificationError: something is wrong; it lists every failure.
    """
    check_tolerance(tolerance)
    folder = version_folder(Path(path))
    verification = run_verification(folder, tolerance, test)
    with contextlib.suppress(OSError):  # a folder that only a server may write
        write_verification(folder, verification, tolerance)
    if not verification.ok:
        raise VerificationError(verification)
    return verification


def write_verification(folder: Path, verification: Verification, tolerance: float) -> None:
    """Write ``verification.json``: what was found, with which tolerance.

    Args:
        folder: the version folder.
        verification: what was found in it.
        tolerance: what it was found with.
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


def version_folder(path: Path) -> Path:
    """``path`` if it is a version folder, else the highest version under it."""
    if any((path / mark).exists() for mark in _MARKS):
        return path
    versions = list_versions(path)
    if versions:
        return path / str(versions[-1])
    raise FileNotFoundError(
        f"{path} is no exported version and holds none. Give a folder that export made, such as "
        "exported/seizure-gru or exported/seizure-gru/1."
    )


def list_versions(folder: Path) -> list[int]:
    """The version numbers under ``folder``, lowest first; none where it does not exist."""
    if not folder.is_dir():
        return []
    names = (entry.name for entry in folder.iterdir() if entry.is_dir())
    return sorted(int(name) for name in names if name.isascii() and name.isdigit())


def check_tolerance(tolerance: float) -> None:
    """Refuse a tolerance that nothing or everything would pass.

    Raises:
        ValueError: it is not a positive number.
    """
    if not 0 < tolerance < float("inf"):
        raise ValueError(f"tolerance must be a positive number; got {tolerance}.")


def run_verification(folder: Path, tolerance: float, test: Labelled | None = None) -> Verification:
    """What :func:`verify` finds in a version folder, without raising for it."""
    with tempfile.TemporaryDirectory() as scratch:
        result, inputs, outputs = (
            Path(scratch) / name for name in ("result.json", "inputs.npz", "outputs.npz")
        )
        # -P keeps that folder off the path, whose modules are to be found as a package only.
        program = Path(runtimes.__file__).with_name("__main__.py")
        command = [sys.executable, "-P", program, folder, repr(tolerance), result]
        if test is not None:
            arrays, labels = read_labelled(folder, test)
            np.savez(inputs, **arrays)  # type: ignore[arg-type]  # names are not its flags
            command += [inputs, outputs]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        if not result.exists():
            tail = " ".join(done.stderr.split())[-500:]
            failure = f"the verifying process ended with code {done.returncode}: {tail}"
            return Verification(folder, failures=[failure])
        found = json.loads(result.read_text(encoding="utf-8"))
        if test is not None and outputs.exists():
            found["test_metrics"] = measure(outputs, labels)
            found["failures"] += metric_failures(found["test_metrics"])
        return Verification(folder, **found)

"""Start the verifying process, and stop it when it exceeds its limits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kerasnets.exporting.verification import runtimes

Arrays = dict[str, np.ndarray]
_SECONDS_BETWEEN_CHECKS = 0.02


@dataclass(frozen=True)
class Limits:
    """The limits of the verifying process; ``None`` means no limit.

    Attributes:
        seconds: the time until it must have ended.
        memory: the largest memory (resident set size) in bytes. It is only measured on Linux.
    """

    seconds: float | None = None
    memory: int | None = None

    def __post_init__(self) -> None:
        if self.seconds is not None and not 0 < self.seconds < float("inf"):
            raise ValueError(
                f"timeout must be a positive number of seconds, or None; got {self.seconds}."
            )
        if self.memory is not None and self.memory < 2**20:
            raise ValueError(
                f"max_memory must be at least {2**20} bytes, or None; got {self.memory}."
            )


def default_memory() -> int:
    """8 GiB, or three quarters of the memory of this machine if that is less, in bytes."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(8 * 2**30, machine * 3 // 4)


def run_process(
    folder: Path,
    tolerance: float,
    limits: Limits,
    modules: Sequence[str] = (),
    inputs: Arrays | None = None,
) -> tuple[dict[str, Any], Arrays]:
    """Verify a version folder in a new process.

    Args:
        folder: the version folder.
        tolerance: the largest difference allowed.
        limits: the limits of the process.
        modules: the modules with classes of the user that ``model.keras`` may need.
        inputs: additional inputs by name for every runtime.

    Returns:
        ``max_abs_diff`` and ``failures`` of the report, and the outputs for ``inputs`` with the
        names ``<runtime>/<output>``.
    """
    with tempfile.TemporaryDirectory(prefix="kerasnets-verify-") as name:
        scratch = Path(name)
        job = {
            "folder": str(folder.resolve()),
            "tolerance": tolerance,
            "modules": list(modules),
            "seconds": limits.seconds,
            "test": inputs is not None,
        }
        (scratch / "job.json").write_text(json.dumps(job), encoding="utf-8")
        if inputs is not None:
            np.savez(scratch / "inputs.npz", **inputs)  # type: ignore[arg-type]  # not options
        reason = _run(scratch, limits, modules)
        report = _read_report(scratch / "report.json")
        if reason is not None or not report["complete"]:
            report["failures"].append(f"{report['stage']}: {reason or 'the process ended early'}")
        found = {
            "max_abs_diff": report["max_abs_diff"],
            "small_weights": report["small_weights"],
            "failures": [_printable(failure) for failure in report["failures"]],
        }
        return found, _read_outputs(scratch / "outputs.npz")


def _run(scratch: Path, limits: Limits, modules: Sequence[str]) -> str | None:
    """Run the process until it ends or exceeds a limit.

    Returns:
        Why it did not succeed, or ``None``.
    """
    # -P: do not add the folder of the program to the module path. Its modules form a package.
    program = Path(runtimes.__file__).with_name("__main__.py")
    command = [sys.executable, "-P", str(program), str(scratch / "job.json")]
    environment = dict(os.environ) | {"TMPDIR": str(scratch)}
    if modules:  # they are found where this process finds them
        environment["PYTHONPATH"] = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
    with (scratch / "errors.txt").open("w+b") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=environment,
        )
        try:
            exceeded = _wait(process, limits)
        finally:
            process.kill()
            process.wait()
        if exceeded is not None:
            return exceeded
        if process.returncode == 0:
            return None
        errors.seek(0)
        tail = " ".join(errors.read()[-2000:].decode("utf-8", "replace").split())[-500:]
    if process.returncode < 0:
        ended = f"the process was ended by {signal.Signals(-process.returncode).name}"
    else:
        ended = f"the process exited with code {process.returncode}"
    return f"{ended}: {tail}" if tail else ended


def _wait(process: subprocess.Popen[bytes], limits: Limits) -> str | None:
    """Wait until the process ends or exceeds a limit; return the limit that it exceeded."""
    end = None if limits.seconds is None else time.monotonic() + limits.seconds
    while True:
        try:
            process.wait(_SECONDS_BETWEEN_CHECKS)
        except subprocess.TimeoutExpired:
            pass
        else:
            return None
        if end is not None and time.monotonic() > end:
            return f"it did not end within {limits.seconds:g} s, the timeout of the verification"
        if limits.memory is not None and _memory(process.pid) > limits.memory:
            return (
                f"it used more than {limits.memory / 2**30:.2f} GiB of memory, the max_memory of "
                "the verification"
            )


def _memory(pid: int) -> int:
    """The memory of a process in bytes; 0 if it is not known."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_bytes().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _printable(text: str) -> str:
    """Replace control characters, because names in the files of strangers may contain them."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _read_report(path: Path) -> dict[str, Any]:
    empty = runtimes.Report()
    if not path.exists():
        return {key: value for key, value in vars(empty).items() if key != "path"}
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return report


def _read_outputs(path: Path) -> Arrays:
    if not path.exists():
        return {}
    with np.load(path) as outputs:
        return dict(outputs)

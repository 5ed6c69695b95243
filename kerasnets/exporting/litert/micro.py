"""Whether TensorFlow Lite Micro, the runtime of microcontrollers, runs a file, and its memory."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from kerasnets.exporting.samples import Arrays
from kerasnets.exporting.verification.runtimes import compare
from kerasnets.exporting.verification.runtimes.litert_check import load_litert_content

_PROGRAM = Path(__file__).with_name("micro_run.py")
_SECONDS = 60
_LARGEST = 2**26  # no microcontroller has more
_STEP = 2**10
_USED = re.compile(r"Arena allocation total (\d+) bytes")


def measure_arena(content: bytes, inputs: Arrays, tolerance: float) -> dict[str, Any]:
    """Find an arena in which TensorFlow Lite Micro runs a file as LiteRT does.

    It runs in new processes, because it ends the process if it lacks memory.

    Args:
        content: a file that takes one example per call.
        inputs: some examples by input name.
        tolerance: the largest difference allowed between the two runtimes, as in
            :class:`~kerasnets.exporting.Verification`.

    Returns:
        ``arena_bytes``, a multiple of 1024; or the ``reason`` why it does not run the file; empty
        if the package ``tflite-micro`` is not installed.
    """
    if importlib.util.find_spec("tflite_micro") is None:
        return {}
    with tempfile.TemporaryDirectory(prefix="kerasnets-micro-") as folder:
        scratch = Path(folder)
        (scratch / "model.tflite").write_bytes(content)
        np.savez(scratch / "inputs.npz", **inputs)  # type: ignore[arg-type]  # not options
        used, reason = _run(scratch, _LARGEST)
        if used is None:
            return {"reason": reason}
        if wrong := _differences(scratch, content, inputs, tolerance):
            return {"reason": wrong[0]}
        # More is needed while it starts, when temporary values are in the arena.
        for factor in (1, 1.25, 1.5, 2):
            arena = -(-int(used * factor) // _STEP) * _STEP
            if _run(scratch, arena)[0] is not None:
                return {"arena_bytes": arena}
    return {"arena_bytes": _LARGEST}


def _differences(scratch: Path, content: bytes, inputs: Arrays, tolerance: float) -> list[str]:
    expected = load_litert_content(content)[2](inputs)
    with np.load(scratch / "outputs.npz") as got:
        return [
            failure.replace("Keras", "LiteRT")
            for name, value in expected.items()
            for failure in compare(f"output {name!r}", got[name], value, tolerance)[1]
        ]


def _run(scratch: Path, arena: int) -> tuple[int | None, str]:
    """The bytes of the arena that were used, or ``None``, and why."""
    files = (scratch / name for name in ("inputs.npz", "outputs.npz"))
    model = scratch / "model.tflite"
    command = [sys.executable, "-P", str(_PROGRAM), str(model), str(arena), *map(str, files)]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=_SECONDS, check=False, text=True
        )
    except subprocess.TimeoutExpired:
        return None, f"it does not end within {_SECONDS} s"
    if done.returncode < 0:
        return None, "it ends the process"
    found = _USED.search(done.stderr)
    if done.returncode == 0 and found is not None:
        return int(found[1]), ""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return None, lines[0] if lines else "it says nothing"

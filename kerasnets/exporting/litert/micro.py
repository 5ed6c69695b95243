"""How much memory TensorFlow Lite Micro, the runtime of microcontrollers, needs for a file."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_PROGRAM = Path(__file__).with_name("micro_arena.py")
_SECONDS = 120
_LARGEST = 2**26  # no microcontroller has more
_STEP = 2**10
_USED = re.compile(r"Arena allocation total (\d+) bytes")


def measure_arena(content: bytes) -> dict[str, Any]:
    """Find an arena in which TensorFlow Lite Micro runs a file.

    It runs in new processes, because it ends the process if it lacks memory.

    Args:
        content: a file that takes one example per call.

    Returns:
        ``arena_bytes``, a multiple of 1024; or the ``reason`` why it cannot run the file; empty if
        the package ``tflite-micro`` is not installed.
    """
    if importlib.util.find_spec("tflite_micro") is None:
        return {}
    with tempfile.TemporaryDirectory(prefix="kerasnets-micro-") as folder:
        path = Path(folder, "model.tflite")
        path.write_bytes(content)
        arena, (used, reason) = _LARGEST, _run(path, _LARGEST)
        if used is None:
            return {"reason": reason}
        # More is needed while it starts, when temporary values are in the arena.
        for factor in (1, 1.25, 1.5, 2):
            smaller = -(-int(used * factor) // _STEP) * _STEP
            if _run(path, smaller)[0] is not None:
                arena = smaller
                break
    return {"arena_bytes": arena}


def _run(path: Path, arena: int) -> tuple[int | None, str]:
    """The bytes of the arena that were used, or ``None``, and why."""
    command = [sys.executable, "-P", str(_PROGRAM), str(path), str(arena)]
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

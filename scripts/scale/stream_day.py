"""A day of signal at 178 Hz through a live stream: speed, memory, and equal results.

    python scripts/scale/stream_day.py [--hours 24] [--nets seizure-gru seizure-gru-2x32]

Each net is exported with ``streaming=True`` and random weights. In a process without TensorFlow,
``kn.Stream`` then runs a signal of so many hours twice: in chunks of one second, and in chunks of
23 seconds. The last outputs of both are compared. Twenty seconds also run sample by sample. The
signal is made chunk by chunk, so the memory of the process is that of the stream.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import kerasnets as kn
from kerasnets._tables import markdown_table

RATE = 178  # Hz
SECONDS_PER_CHUNK = (1, 23)
SINGLE_SECONDS = 20
TITLES = (
    "net", "hours", "1 s per chunk", "23 s per chunk", "ms per chunk of 1 s", "ms per sample",
    "memory after 1 minute, MB", "at the end, MB", "largest difference",
)  # fmt: skip


def main() -> int:
    """Print the table; return 1 if memory grows or the outputs differ."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--nets", nargs="+", default=["seizure-gru", "seizure-gru-2x32"])
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)  # the process that measures
    arguments = parser.parse_args()
    if arguments.run:
        print(json.dumps(run(arguments.run, arguments.hours)))
        return 0
    rows, failed = [], False
    for name in arguments.nets:
        with tempfile.TemporaryDirectory() as folder:
            path = kn.export(
                kn.build(name), Path(folder) / name, ("onnx",), streaming=True, keras_file=False
            )
            command = [sys.executable, __file__, "--run", path, "--hours", str(arguments.hours)]
            found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        failed |= found["end"] > found["start"] + 20 or found["difference"] > 1e-5
        rows.append(cells(name, arguments.hours, found))
    print(markdown_table(TITLES, rows, "l" + "r" * (len(TITLES) - 1)))
    return int(failed)


def cells(name: str, hours: float, found: dict[str, Any]) -> list[str]:
    """The row of a net in the table."""
    return [
        f"`{name}`",
        f"{hours:g}",
        *(f"{factor:,.0f} × real time" for factor in found["factors"]),
        f"{found['ms_per_second']:.3f}",
        f"{found['ms_per_sample']:.3f}",
        f"{found['start']:.0f}",
        f"{found['end']:.0f}",
        f"{found['difference']:.1e}",
    ]


def run(path: Path, hours: float) -> dict[str, Any]:
    """Measure a step model in this process, which does not import TensorFlow."""
    seconds, factors, ends = int(hours * 3600), [], []
    start = 0.0
    for length in SECONDS_PER_CHUNK:
        stream, spent = kn.Stream(path), 0.0
        for second in range(0, seconds, length):
            chunk = np.concatenate(
                [signal(s) for s in range(second, min(second + length, seconds))]
            )
            begun = time.perf_counter()
            outputs = stream(chunk[np.newaxis])
            spent += time.perf_counter() - begun
            if second == 60 and not start:
                start = memory()
        factors.append(seconds / spent)
        ends.append(next(iter(outputs.values()))[0, -1])
    stream = kn.Stream(path)
    samples = [signal(second) for second in range(SINGLE_SECONDS)]
    begun = time.perf_counter()
    for chunk in samples:
        for sample in range(RATE):
            stream(chunk[np.newaxis, sample : sample + 1])
    single = (time.perf_counter() - begun) / (SINGLE_SECONDS * RATE)
    if "tensorflow" in sys.modules:
        raise RuntimeError("TensorFlow was imported, so the memory is not that of the stream.")
    return {
        "factors": factors,
        "ms_per_second": 1e3 / factors[0],
        "ms_per_sample": 1e3 * single,
        "start": start,
        "end": memory(),
        "difference": float(np.abs(ends[0] - ends[1]).max()),
    }


def signal(second: int) -> np.ndarray:
    """One second of signal in µV, shape ``(178, 1)``: noise and rhythms that change."""
    noise = np.random.default_rng(second).normal(0, 40, RATE)
    steps = np.arange(RATE) + RATE * second
    rhythm = 80 * np.sin(2 * np.pi * steps * (3 + second % 20) / RATE)
    return (noise + rhythm).astype("float32")[:, np.newaxis]


def memory() -> float:
    """The resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    sys.exit(main())

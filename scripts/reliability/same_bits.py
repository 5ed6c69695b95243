"""Train the same recipe again and again, on an idle and on a busy machine, and compare the bits.

    python scripts/reliability/same_bits.py [--nets seizure-mlp lenet5] [--runs 20] [--epochs 2]

Every run is a new process. During every second run, other processes keep all cores busy. The
checksum is that of history.csv and model.keras. A net passes if all its runs have the same.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kerasnets._tables import markdown_table

NETS = ("seizure-mlp", "seizure-cnn", "seizure-gru-stepped", "digit-mlp-1", "mortality-gru")
_DATA = {
    "seizure": ["--data", "seizure-simulated"],
    "digit": ["--data", "digits"],
    "mortality": ["--data", "mortality-simulated", "--data-option", "patients=2000"],
}


def main() -> int:
    """Print a table; the exit code is 1 if a net has several checksums."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--nets", nargs="+", default=NETS)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()
    rows, same = [], True
    for net in options.nets:
        sums = [checksum(net, options.epochs, busy=bool(n % 2)) for n in range(options.runs)]
        same &= len(set(sums)) == 1
        rows.append([net, len(sums), len(sums) // 2, len(set(sums)), sums[0][:12]])
        print(*rows[-1], file=sys.stderr, flush=True)
    print(markdown_table(["net", "runs", "on busy cores", "checksums", "first checksum"], rows))
    return 0 if same else 1


def checksum(net: str, epochs: int, *, busy: bool) -> str:
    """Train in a new process with an empty cache; return a checksum of history and model."""
    with tempfile.TemporaryDirectory() as folder, _busy_cores() if busy else _nothing():
        out = Path(folder) / "run"
        command = [sys.executable, "-m", "kerasnets", "train", net, "--epochs", str(epochs)]
        command += [*_DATA[net.partition("-")[0]], "--out", str(out), "--quiet"]
        environment = os.environ | {"XDG_CACHE_HOME": folder}
        subprocess.run(command, check=True, capture_output=True, env=environment)
        content = (out / "history.csv").read_bytes() + (out / "model.keras").read_bytes()
        return hashlib.sha256(content).hexdigest()


@contextlib.contextmanager
def _busy_cores() -> Iterator[None]:
    """Keep all cores busy during the block."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_spin, daemon=True) for _ in range(os.cpu_count() or 1)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


@contextlib.contextmanager
def _nothing() -> Iterator[None]:
    yield


def _spin() -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        pass


if __name__ == "__main__":
    sys.exit(main())

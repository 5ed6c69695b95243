"""Kill and stop workers of a training, fill a disk, and compare the resumed runs."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from kerasnets._errors import WORKER_LOST
from kerasnets._tables import markdown_table
from kerasnets.training.launch import free_ports

LIMIT = 30.0  # seconds in which all other workers must have ended
EPOCHS = 40
NET = ["seizure-mlp", "--data", "seizure-simulated", "--data-option", "recordings_per_class=30"]


def lost_workers(*, quick: bool) -> bool:
    """Disturb trainings, and resume each of them with the same command."""
    cases = [(2, 1, signal.SIGKILL), (2, 0, signal.SIGKILL), (2, 1, signal.SIGSTOP),
             (3, 1, signal.SIGKILL), (3, 0, signal.SIGSTOP)]  # fmt: skip
    if quick:
        cases = cases[:1]
    rows, good, expected = [], True, {}
    with tempfile.TemporaryDirectory() as folder:
        for number, (size, victim, sent) in enumerate(cases):
            if size not in expected:
                undisturbed = Path(folder) / f"undisturbed-{size}"
                assert_ended(start(size, undisturbed))
                expected[size] = hashes(undisturbed)
            out = Path(folder) / f"run-{number}"
            seconds, codes = disturb(size, victim, sent, out)
            assert_ended(start(size, out))
            equal = hashes(out) == expected[size]
            good &= equal and seconds < LIMIT and set(codes) == {WORKER_LOST}
            name = f"{sent.name} to worker {victim} of {size}"
            rows.append([name, f"{seconds:.1f}", str(sorted(set(codes))), "yes" if equal else "NO"])
        if not quick:
            rows.append(full_disk(Path(folder), expected[2]))
            good &= rows[-1][-1] == "yes"
    headers = ["disturbance", "seconds until all ended", "exit codes of the others"]
    print(markdown_table([*headers, "bits equal after the same command"], rows, align="lrrr"))
    return good


def start(size: int, out: Path) -> list[subprocess.Popen[str]]:
    """Start all workers of a training."""
    addresses = ",".join(f"127.0.0.1:{port}" for port in free_ports(size))
    command = [sys.executable, "-m", "kerasnets", "train", *NET, "--epochs", str(EPOCHS)]
    command += ["--early-stopping", "0", "--out", str(out), "--workers", addresses]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return [
        subprocess.Popen(
            [*command, "--index", str(index)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for index in range(size)
    ]


def assert_ended(processes: list[subprocess.Popen[str]]) -> None:
    """Wait for processes that must succeed."""
    errors = [process.communicate(timeout=600)[1] for process in processes]
    if any(process.returncode for process in processes):
        raise RuntimeError("\n".join(text[-1000:] for text in errors))


def disturb(size: int, victim: int, sent: signal.Signals, out: Path) -> tuple[float, list[int]]:
    """Send a signal to a worker after the third epoch; return when and how the others ended."""
    processes = start(size, out)
    try:
        wait_for_epochs(processes[0], 3)
        processes[victim].send_signal(sent)
        sent_at = time.monotonic()
        others = [process for index, process in enumerate(processes) if index != victim]
        errors = [process.communicate(timeout=300)[1] for process in others]
        seconds = time.monotonic() - sent_at
        print(f"the message of another worker: {errors[-1].splitlines()[-1]}", file=sys.stderr)
        return seconds, [process.returncode for process in others]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def wait_for_epochs(first: subprocess.Popen[str], epochs: int) -> None:
    """Wait until the first worker has printed the line of an epoch."""
    if first.stderr is None:
        raise ValueError("The messages of the first worker are not read.")
    for line in first.stderr:
        if line.startswith("epoch") and int(line.split()[1].partition("/")[0]) >= epochs:
            return
    raise RuntimeError(f"The first worker ended with {first.wait()} before epoch {epochs}.")


def hashes(folder: Path) -> list[str]:
    """Return the SHA-256 of the model and the history of a run."""
    names = ("model.keras", "history.csv")
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names]


def full_disk(folder: Path, expected: list[str]) -> list[str]:
    """Let the first of two workers write to a full disk, then make space and repeat."""
    disk = folder / "disk"
    disk.mkdir()
    with small_disk(disk):
        processes = start(2, disk / "run")
        started = time.monotonic()
        errors = [process.communicate(timeout=300)[1] for process in processes]
        print(f"on a full disk: {errors[0].splitlines()[-1]}", file=sys.stderr)
        codes = [process.returncode for process in processes]
        seconds = time.monotonic() - started
        call("mount", "-o", "remount,size=256m", disk)
        assert_ended(start(2, disk / "run"))
        equal = hashes(disk / "run") == expected and codes[0] == 1 and codes[1] == WORKER_LOST
    name = "full disk of worker 0 of 2"
    return [name, f"{seconds:.1f} from the start", str(codes), "yes" if equal else "NO"]


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a file system that is too small for the final model; needs root."""
    call("mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", folder)
    try:
        yield
    finally:
        call("umount", "-l", folder)


def call(program: str, *arguments: object) -> None:
    """Run a program of the system."""
    command = [shutil.which(program) or program, *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)

"""Kill and stop workers of a training, fill disks, and compare the resumed runs."""

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
from collections.abc import Iterator, Mapping
from pathlib import Path

from kerasnets._errors import WORKER_LOST
from kerasnets._tables import markdown_table
from kerasnets.training.launch import free_ports

LIMIT = 30.0  # seconds in which all other workers must have ended
EPOCHS = 40
NET = ["seizure-mlp", "--data", "seizure-simulated", "--data-option", "recordings_per_class=30"]
# Number of workers, the disturbed one, and the signal that it gets.
SIGNALS = [
    (size, victim, sent)
    for size, victims in ((2, (1, 0)), (3, (2, 1, 0)))
    for sent in (signal.SIGKILL, signal.SIGSTOP)
    for victim in victims
]
BUSY = 20  # seconds; more than those after which a worker that does not answer is lost
# A training of which the second worker holds the lock of Python for some time in its third epoch.
BUSY_PROGRAM = """
import ctypes, sys
import keras
import kerasnets as kn

out, addresses, index, epochs, seconds = sys.argv[1:]

class HoldLock(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2 and index == "1":
            ctypes.PyDLL(None).sleep(int(seconds))

kn.train(
    "seizure-mlp", data="seizure-simulated", data_options={"recordings_per_class": 30}, out=out,
    epochs=int(epochs), early_stopping=0, workers=addresses.split(","), index=int(index),
    callbacks=[HoldLock()], progress=False,
)
"""
HEADERS = [
    "disturbance", "seconds until all others ended", "exit codes of the others",
    "exit code of the worker", "equal bytes after the same command",
]  # fmt: skip


def lost_workers(*, quick: bool) -> bool:
    """Disturb trainings, and resume each of them with the same command."""
    cases = SIGNALS[:1] if quick else SIGNALS
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for case in cases:
            rows.append(disturbed(folder, *case))
            print(rows[-1], file=sys.stderr)
        if not quick:
            rows += [stopped_in_launch(folder), full_disk(folder), full_temporary_folder(folder)]
            rows.append(busy_worker(folder))
    print(markdown_table(HEADERS, rows, align="lrrrr"))
    return all(row[-1] == "yes" for row in rows)


def disturbed(folder: Path, size: int, victim: int, sent: signal.Signals) -> list[str]:
    """Send a signal to a worker after the third epoch, and repeat the command when all ended."""
    out = folder / f"{sent.name}-{victim}-of-{size}"
    processes = start(size, out)
    with ended(processes):
        wait_for_epochs(processes[0], 3)
        processes[victim].send_signal(sent)
        sent_at = time.monotonic()
        others = [process for index, process in enumerate(processes) if index != victim]
        message = [process.communicate(timeout=300)[1] for process in others][-1]
        seconds = time.monotonic() - sent_at
        print(message.splitlines()[-1], file=sys.stderr)
        if sent == signal.SIGSTOP:
            processes[victim].send_signal(signal.SIGCONT)
        processes[victim].communicate(timeout=300)
    codes = {process.returncode for process in others}
    own = processes[victim].returncode
    expected = WORKER_LOST if sent == signal.SIGSTOP else -sent
    good = codes == {WORKER_LOST} and own == expected and seconds < LIMIT
    name = f"{sent.name} to worker {victim} of {size}"
    return row(name, f"{seconds:.1f}", codes, own, good and resumes(folder, size, out))


def stopped_in_launch(folder: Path) -> list[str]:
    """Stop a worker of ``kerasnets launch``, which then starts all of them again."""
    out = folder / "launched"
    command = [sys.executable, "-m", "kerasnets", "launch", "-n", "2", "train"]
    process = popen([*command, *arguments(out)])
    with ended([process]):
        wait_for_epochs(process, 3)
        os.kill(find_worker(out, 1), signal.SIGSTOP)
        process.communicate(timeout=600)
    good = process.returncode == 0 and hashes(out) == undisturbed(folder, 2)
    return row("SIGSTOP to worker 1 of `launch -n 2`", "restarted", {}, "killed", good)


def full_disk(folder: Path) -> list[str]:
    """Let the second checkpoint of the first worker fill its disk, then make space and repeat."""
    disk = folder / "disk"
    with small_disk(disk, "220k"):
        seconds, codes = end_on_full_disk(2, disk / "run")
        call("mount", "-o", "remount,size=256m", disk)
        good = codes == [1, WORKER_LOST] and resumes(folder, 2, disk / "run")
    return row("full disk of worker 0 of 2", f"{seconds:.1f}", codes[1:], codes[0], good)


def full_temporary_folder(folder: Path) -> list[str]:
    """Fill the folder of temporary files of the second worker, which receives the model there."""
    out, disk = folder / "full-temporary", folder / "temporary"
    with small_disk(disk, "20k"):
        seconds, codes = end_on_full_disk(2, out, {1: {"TMPDIR": str(disk)}})
    good = codes[0] == WORKER_LOST and codes[1] in (1, 2) and resumes(folder, 2, out)
    return row("full `$TMPDIR` of worker 1 of 2", f"{seconds:.1f}", codes[:1], codes[1], good)


def busy_worker(folder: Path) -> list[str]:
    """Let a healthy worker hold the lock of Python, so that no other thread of it runs Python."""
    out, addresses = folder / "busy", ",".join(f"127.0.0.1:{port}" for port in free_ports(2))
    processes = [
        popen([sys.executable, "-c", BUSY_PROGRAM, *map(str, (out, addresses, i, EPOCHS, BUSY))])
        for i in range(2)
    ]
    with ended(processes):
        errors = [process.communicate(timeout=300)[1] for process in processes]
    codes = [process.returncode for process in processes]
    if any(codes):
        print("\n".join(text[-500:] for text in errors), file=sys.stderr)
    good = not any(codes) and hashes(out) == undisturbed(folder, 2)
    name = f"worker 1 of 2 is busy for {BUSY} s, and holds the lock of Python"
    return row(name, "not ended", codes[:1], codes[1], good)


def row(name: str, seconds: str, others: object, own: object, good: bool) -> list[str]:
    """Return a row of the table."""
    shown = sorted(set(others)) if isinstance(others, (set, list)) else []
    return [name, seconds, ", ".join(map(str, shown)), str(own), "yes" if good else "NO"]


def arguments(out: Path) -> list[str]:
    """Return the arguments of ``kerasnets train``."""
    return [*NET, "--epochs", str(EPOCHS), "--early-stopping", "0", "--out", str(out)]


def popen(command: list[str], **environment: str) -> subprocess.Popen[str]:
    """Start a process with this copy of the package, and keep its messages."""
    path = os.pathsep.join(filter(None, sys.path))
    return subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path} | environment,
    )


def start(
    size: int, out: Path, environments: Mapping[int, Mapping[str, str]] | None = None
) -> list[subprocess.Popen[str]]:
    """Start all workers of a training, some of them with other variables of the environment."""
    addresses = ",".join(f"127.0.0.1:{port}" for port in free_ports(size))
    command = [sys.executable, "-m", "kerasnets", "train", *arguments(out), "--workers", addresses]
    return [
        popen([*command, "--index", str(index)], **(environments or {}).get(index, {}))
        for index in range(size)
    ]


@contextlib.contextmanager
def ended(processes: list[subprocess.Popen[str]]) -> Iterator[None]:
    """End processes with the block."""
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def resumes(folder: Path, size: int, out: Path) -> bool:
    """Whether the same command ends with the bytes of an undisturbed run."""
    train(size, out)
    return hashes(out) == undisturbed(folder, size)


def undisturbed(folder: Path, size: int) -> list[str]:
    """Return the hashes of an undisturbed run, which is made once per number of workers."""
    out = folder / f"undisturbed-{size}"
    if not out.is_dir():
        train(size, out)
    return hashes(out)


def train(size: int, out: Path) -> None:
    """Run a training that must succeed."""
    processes = start(size, out)
    with ended(processes):
        errors = [process.communicate(timeout=600)[1] for process in processes]
    if any(process.returncode for process in processes):
        raise RuntimeError("\n".join(text[-1000:] for text in errors))


def end_on_full_disk(
    size: int, out: Path, environments: Mapping[int, Mapping[str, str]] | None = None
) -> tuple[float, list[int]]:
    """Run a training that fails; return the seconds from the first to the last end, and codes."""
    processes = start(size, out, environments)
    with ended(processes):
        while all(process.poll() is None for process in processes):
            time.sleep(0.05)
        first = time.monotonic()
        for process in processes:
            message = process.communicate(timeout=300)[1]
            print(message.splitlines()[-1], file=sys.stderr)
    return time.monotonic() - first, [process.returncode for process in processes]


def find_worker(out: Path, index: int) -> int:
    """Return the process of a worker of a launched training."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # the process has ended
            found = path.read_bytes().decode().split("\0")
            if str(out) in found and found[-3:-1] == ["--index", str(index)]:
                return int(path.parent.name)
    raise RuntimeError(f"Worker {index} does not run.")


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


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """Mount a small file system on a new folder; needs root."""
    folder.mkdir()
    call("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder)
    try:
        yield
    finally:
        call("umount", "-l", folder)


def call(program: str, *arguments: object) -> None:
    """Run a program of the system."""
    command = [shutil.which(program) or program, *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)

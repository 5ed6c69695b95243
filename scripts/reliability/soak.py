"""Do the same thing many times in one process, and show that it does not grow.

    python scripts/reliability/soak.py predict onnx client verify
    python scripts/reliability/soak.py train --count 300

Each subject runs in its own process. The table has the memory, the open files and the threads of
that process, and the temporary files that are left, after 5 %, 25 %, 50 % and 100 % of the calls.
The exit code is 1 if anything grows after the first quarter.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts" / "reliability")]

# A subject takes a temporary folder and yields a function of the number of the call.
Call = Callable[[int], None]
Subject = Callable[[Path], AbstractContextManager[Call]]
# For each subject, its module, its function, and how many calls are made.
SUBJECTS = {
    "predict": ("soak_exports", "predict", 50_000),
    "onnx": ("soak_exports", "onnx", 50_000),
    "client": ("soak_exports", "client", 50_000),
    "verify": ("soak_exports", "verify", 1_000),
    "train": ("soak_training", "train", 300),
}
PARTS = (0.05, 0.25, 0.5, 1.0)
# Growth after the first quarter that is not a leak: memory that the allocator has not reused yet.
MEMORY_MARGIN = 0.03
_FILES, _THREADS = Path("/proc/self/fd"), Path("/proc/self/task")


@dataclass(frozen=True)
class State:
    """What a process holds, after a number of calls."""

    calls: int
    seconds: float
    megabytes: float
    files: int
    threads: int
    temporary: int


def measure(calls: int, seconds: float, folder: Path) -> State:
    """Measure this process.

    Args:
        calls: the number of calls so far.
        seconds: the time that they took.
        folder: the folder for temporary files.
    """
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return State(
        calls,
        round(seconds, 1),
        round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1),
        *(len(list(path.iterdir())) for path in (_FILES, _THREADS, folder)),
    )


def run(name: str, count: int) -> list[State]:
    """Make the calls of a subject in this process.

    Args:
        name: the name of the subject.
        count: the number of calls.
    """
    module, function, _ = SUBJECTS[name]
    subject: Subject = getattr(importlib.import_module(module), function)
    due = {max(1, round(part * count)) for part in PARTS}
    states = []
    with (
        tempfile.TemporaryDirectory() as work,
        temporary_folder() as folder,
        subject(Path(work)) as call,
    ):
        start = time.monotonic()
        for number in range(1, count + 1):
            call(number)
            if number in due:
                states.append(measure(number, time.monotonic() - start, folder))
    return states


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A new folder for the temporary files of this process and of those that it starts."""
    before, in_environment = tempfile.tempdir, os.environ.get("TMPDIR")
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        tempfile.tempdir = os.environ["TMPDIR"] = name
        try:
            yield Path(name)
        finally:
            tempfile.tempdir = before
            if in_environment is None:
                del os.environ["TMPDIR"]
            else:
                os.environ["TMPDIR"] = in_environment


def growth(states: list[State]) -> list[str]:
    """What grew from the first quarter to the end."""
    first, last = states[-3], states[-1]
    found = [
        name
        for name in ("files", "threads", "temporary")
        if getattr(last, name) > getattr(first, name)
    ]
    if last.megabytes > first.megabytes * (1 + MEMORY_MARGIN):
        found.append("megabytes")
    return found


def table(name: str, states: list[State]) -> str:
    """The states as a Markdown table."""
    lines = [
        f"| {name}: calls | seconds | memory, MB | open files | threads | temporary files left |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for state in states:
        values = (f"{value:,}" for value in asdict(state).values())
        lines.append(f"| {' | '.join(values)} |")
    return "\n".join(lines)


def main() -> int:
    """Run the subjects, each in its own process, and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("subjects", nargs="+", choices=SUBJECTS)
    parser.add_argument("--count", type=int, help="calls; default: 50,000, 1,000 or 300")
    parser.add_argument("--json", action="store_true", help="run here and print JSON")
    arguments = parser.parse_args()
    if arguments.count is not None and arguments.count < 20:
        parser.error("--count must be at least 20")
    grown = False
    for name in arguments.subjects:
        count = arguments.count or SUBJECTS[name][2]
        if arguments.json:
            print(json.dumps([asdict(state) for state in run(name, count)]))
            continue
        command = [sys.executable, __file__, name, "--count", str(count), "--json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        states = [State(**state) for state in json.loads(done.stdout.splitlines()[-1])]
        print(table(name, states), flush=True)
        found = growth(states)
        print(f"\nGrew: {', '.join(found) or 'nothing'}.\n", flush=True)
        grown |= bool(found)
    return int(grown)


if __name__ == "__main__":
    sys.exit(main())

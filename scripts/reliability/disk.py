"""Fill the disk at every write of a command, then make space and repeat the command.

    python scripts/reliability/disk.py [--cases 60] [--jobs train,search] [--kind tmpfs]

With ``tmpfs``, which needs root, the command writes to small file systems of many sizes, so that
every library meets a disk that is really full. With ``writes``, the n-th write and all later ones
raise "No space left on device". The command must end with exit code 1 and a message that names a
path. It must leave nothing half-written. After space was made, the repeated command must have the
results of an undisturbed one. Prints a Markdown table; exit code 1 if a case failed.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from children import Disturbance, Ended, import_all, run
from jobs import Job, half_written, leftovers, make_jobs

JOBS = ("train", "export", "search", "fetch")
SHARES = {"train": 0.5, "export": 0.15, "search": 0.2, "reproduce": 0.15, "fetch": 0.15}
OUTCOMES = ("equal", "enough space", "wrong exit code", "no path", "half-written", "leftovers")
OUTCOMES += ("other bits", "failed")
HEADERS = ("command", "disk", "full disks", "equal after repetition", "had enough space")
HEADERS += ("wrong exit code", "message without path", "half-written", "leftovers", "other bits")
HEADERS += ("failed after repetition",)
_BLOCK = 4096
_ENOUGH = "256m"


def raise_full() -> None:
    """Raise the error of a full disk."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextlib.contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Callable[[], None]]:
    """Mount a small file system on a folder; yield a function that makes it large."""
    mount = shutil.which("mount")
    unmount = shutil.which("umount")

    def call(*arguments: object) -> None:
        subprocess.run([str(argument) for argument in arguments], check=True, capture_output=True)

    call(mount, "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder)
    try:
        yield lambda: call(mount, "-o", f"remount,size={_ENOUGH}", folder)
    finally:
        call(unmount, "-l", folder)


def can_mount(folder: Path) -> bool:
    """Whether this process may mount file systems."""
    try:
        with small_disk(folder, _BLOCK):
            return True
    except (OSError, TypeError, subprocess.CalledProcessError):
        return False


def outcome_of(job: Job, folder: Path, ended: Ended, expected: dict[str, str]) -> tuple[str, str]:
    """Return what is wrong after a full disk, and the details; empty if nothing is."""
    if ended.code == 0:
        return ("enough space", "") if job.read(folder) == expected else ("other bits", "")
    if ended.code != 1 or "Traceback" in ended.errors:
        return "wrong exit code", f"{ended.code}: {ended.errors[-1500:]}"
    names = {*job.command[2:], str(folder)}
    if "was not written" not in ended.errors or not any(name in ended.errors for name in names):
        return "no path", ended.errors
    if broken := half_written(folder):
        return "half-written", ", ".join(broken)
    if left := leftovers(folder):
        return "leftovers", ", ".join(left)
    return "", ""


def check(
    job: Job, folder: Path, expected: dict[str, str], ended: Ended, make_space: Callable[[], None]
) -> tuple[str, str]:
    """Return the outcome of a case and its details."""
    outcome = outcome_of(job, folder, ended, expected)
    if outcome[0]:
        return outcome
    make_space()
    again = job.run_again(folder)
    if again.code:
        return "failed", f"{again.code}: {again.errors[-1500:]}"
    found = job.read(folder)
    if found != expected:
        return "other bits", ", ".join(sorted(dict(found.items() ^ expected.items())))
    return "equal", ""


def fill(
    job: Job, folder: Path, count: int, kind: str, tell: Callable[[str], None] = lambda text: None
) -> collections.Counter[str]:
    """Run a job on full disks; count the outcomes."""
    undisturbed = folder / f"{job.name}-undisturbed"
    undisturbed.mkdir(exist_ok=True)
    shutil.rmtree(undisturbed)
    undisturbed.mkdir()
    reference = run(
        job.command, undisturbed, prepare=job.prepare, disturbance=Disturbance(removals=False)
    )
    expected = job.read(undisturbed)
    if reference.code or not expected:
        raise RuntimeError(f"{job.name} failed on an empty disk: {reference.errors}")
    used = sum(path.stat().st_size + _BLOCK for path in undisturbed.rglob("*"))
    counts: collections.Counter[str] = collections.Counter()
    for number in range(count):
        place = folder / f"{job.name}-{kind}-{number}"
        place.mkdir()
        if kind == "tmpfs":
            size = _BLOCK * (2 + number * (used // _BLOCK) // count)
            with small_disk(place, size) as make_space:
                ended = run(job.command, place, prepare=job.prepare)
                outcome, details = check(job, place, expected, ended, make_space)
        else:
            size = 1 + number * reference.writes // count
            disturbance = Disturbance(size, raise_full, forever=True, removals=False)
            ended = run(job.command, place, prepare=job.prepare, disturbance=disturbance)
            outcome, details = check(job, place, expected, ended, lambda: None)
        counts[outcome] += 1
        tell(f"{job.name} {kind} {number + 1}/{count} at {size}: {outcome} {details}")
        shutil.rmtree(place)
    return counts


def main() -> int:
    """Run the cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=60, help="full disks; default: 60")
    parser.add_argument("--jobs", default=",".join(JOBS))
    parser.add_argument("--kind", choices=("tmpfs", "writes", "both"), default="both")
    arguments = parser.parse_args()
    from kerasnets._tables import markdown_table

    import_all()
    folder = Path(tempfile.mkdtemp(prefix="kerasnets-disk-"))
    kinds = ("writes", "tmpfs") if arguments.kind == "both" else (arguments.kind,)
    if "tmpfs" in kinds and not can_mount(folder):
        print("This process may not mount file systems: only --kind writes", file=sys.stderr)
        kinds = ("writes",)
    names = arguments.jobs.split(",")
    total = len(kinds) * sum(SHARES[name] for name in names)
    rows: list[list[object]] = []
    with make_jobs(names, folder) as jobs:
        for job in jobs:
            for kind in kinds:
                count = max(1, round(arguments.cases * SHARES[job.name] / total))
                counts = fill(job, folder, count, kind, lambda text: print(text, file=sys.stderr))
                numbers = [counts[outcome] for outcome in OUTCOMES]
                rows.append([job.name, kind, sum(numbers), *numbers])
    sums = [sum(int(str(row[at])) for row in rows) for at in range(2, len(HEADERS))]
    print(markdown_table(HEADERS, [*rows, ["all", "", *sums]], "ll" + "r" * len(sums)))
    shutil.rmtree(folder)
    return 1 if any(sums[3:]) else 0


if __name__ == "__main__":
    sys.exit(main())

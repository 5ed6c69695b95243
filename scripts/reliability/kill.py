"""Kill commands at every write and at random moments, repeat them, and compare the results.

    python scripts/reliability/kill.py [--runs 240] [--jobs train,search] [--signals KILL,INT]

Each case runs a command in a process of its own and sends it a signal: before its n-th write or
after a random time. Then the same command is run again, or the training resumed. Its results must
have the bytes of an undisturbed command. Prints a Markdown table; exit code 1 if a case failed.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from children import import_all, run
from jobs import Job, half_written, leftovers, make_jobs

JOBS = ("train", "export", "search", "reproduce", "fetch")
# Share of the runs. A training writes most, and an export takes longest.
SHARES = {"train": 0.45, "export": 0.1, "search": 0.15, "reproduce": 0.1, "fetch": 0.2}
# SIGKILL three times as often, because nothing can be cleaned up.
SIGNALS = ("KILL", "INT", "KILL", "TERM", "KILL")
# The kernel reports SIGKILL; kerasnets ends by itself after the others.
CODES = {"KILL": {-signal.SIGKILL}, "INT": {130}, "TERM": {143}}
OUTCOMES = ("equal", "ended before", "other bits", "half-written", "leftovers", "failed")
HEADERS = ("command", "signal", "at", "runs", "equal after repetition", "ended before the signal")
HEADERS += ("other bits", "half-written", "leftovers", "failed or wrong exit code")


@dataclasses.dataclass(frozen=True)
class Case:
    """A signal to a command: before a write, or after a share of its usual time."""

    signal: str
    write: int = 0
    share: float = 0.0

    @property
    def moment(self) -> str:
        """The kind of moment, for the table."""
        return "every write" if self.write else "random moments"


def cases_of(writes: int, count: int, signals: tuple[str, ...], seed: int) -> list[Case]:
    """Return cases: three quarters spread evenly over all writes, the others at random moments."""
    rng = random.Random(seed)  # noqa: S311
    at_writes = max(1, round(0.75 * count))
    cases = []
    for number in range(at_writes):
        write = 1 + number * writes // at_writes if at_writes < writes else 1 + number % writes
        cases.append(Case(signals[number % len(signals)], write=write))
    cases += [
        Case(signals[number % len(signals)], share=rng.random())
        for number in range(count - at_writes)
    ]
    return cases


def check(job: Job, case: Case, folder: Path, expected: dict[str, str], seconds: float) -> str:
    """Interrupt a command, repeat it, and return the outcome; details go to standard error."""
    number = getattr(signal, f"SIG{case.signal}")
    ended = run(
        job.command,
        folder,
        prepare=job.prepare,
        at_write=case.write,
        disturb=lambda: os.kill(os.getpid(), number),
        after=case.share * seconds if not case.write else None,
        signal_number=number,
    )
    if ended.code == 0:
        return "ended before" if job.read(folder) == expected else "other bits"
    if ended.code not in CODES[case.signal]:
        return _explain("failed", job, case, f"exit code {ended.code}: {ended.errors[-1500:]}")
    if broken := half_written(folder):
        return _explain("half-written", job, case, ", ".join(broken))
    again = job.run_again(folder)
    if again.code:
        return _explain("failed", job, case, f"again {again.code}: {again.errors[-1500:]}")
    if left := leftovers(folder):
        return _explain("leftovers", job, case, ", ".join(left))
    found = job.read(folder)
    if found != expected:
        different = [
            name for name in {**found, **expected} if found.get(name) != expected.get(name)
        ]
        return _explain("other bits", job, case, ", ".join(different))
    return "equal"


def _explain(outcome: str, job: Job, case: Case, text: str) -> str:
    print(f"{outcome}: {job.name}, {case}: {text}", file=sys.stderr, flush=True)
    return outcome


def kill(
    job: Job,
    folder: Path,
    count: int,
    signals: tuple[str, ...] = SIGNALS,
    seed: int = 0,
    tell: Callable[[str], None] = lambda text: None,
) -> collections.Counter[tuple[str, str, str]]:
    """Run the cases of a job; count them by signal, moment and outcome."""
    undisturbed = folder / f"{job.name}-undisturbed"
    undisturbed.mkdir()
    ended = run(job.command, undisturbed, prepare=job.prepare)
    expected = job.read(undisturbed)
    if ended.code or not expected:
        raise RuntimeError(f"{job.name} failed without a signal: {ended.errors}")
    tell(f"{job.name}: {ended.writes} writes, {ended.seconds:.1f} s, {len(expected)} results")
    counts: collections.Counter[tuple[str, str, str]] = collections.Counter()
    for number, case in enumerate(cases_of(ended.writes, count, signals, seed)):
        place = folder / f"{job.name}-{number}"
        place.mkdir()
        outcome = check(job, case, place, expected, ended.seconds)
        counts[case.signal, case.moment, outcome] += 1
        if outcome in ("equal", "ended before"):
            shutil.rmtree(place)
        tell(f"{job.name} {number + 1}/{count} {case}: {outcome}")
    return counts


def rows_of(name: str, counts: collections.Counter[tuple[str, str, str]]) -> list[list[object]]:
    """Return the rows of the table for a job."""
    rows = []
    for kind, moment in sorted({(kind, moment) for kind, moment, _ in counts}):
        numbers = [counts[kind, moment, outcome] for outcome in OUTCOMES]
        rows.append([name, f"SIG{kind}", moment, sum(numbers), *numbers])
    return rows


def main() -> int:
    """Run the cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=240, help="interrupted runs; default: 240")
    parser.add_argument("--jobs", default=",".join(JOBS))
    parser.add_argument("--signals", default=",".join(SIGNALS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="keep the folders of failed cases")
    arguments = parser.parse_args()
    from kerasnets._tables import markdown_table

    import_all()
    names = arguments.jobs.split(",")
    total = sum(SHARES[name] for name in names)
    rows = []
    folder = Path(tempfile.mkdtemp(prefix="kerasnets-kill-"))
    with make_jobs(names, folder) as jobs:
        for job in jobs:
            count = max(1, round(arguments.runs * SHARES[job.name] / total))
            counts = kill(
                job, folder, count, tuple(arguments.signals.split(",")), arguments.seed,
                lambda text: print(text, file=sys.stderr, flush=True),
            )  # fmt: skip
            rows += rows_of(job.name, counts)
    sums = [sum(int(str(row[at])) for row in rows) for at in range(3, len(HEADERS))]
    print(markdown_table(HEADERS, [*rows, ["all", "", "", *sums]], "lll" + "r" * len(sums)))
    if not arguments.keep:
        shutil.rmtree(folder)
    return 1 if any(sums[3:]) else 0


if __name__ == "__main__":
    sys.exit(main())

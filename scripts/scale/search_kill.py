"""Kill and stop processes of a search on a shared database, and check that nothing is lost.

    python scripts/scale/search_kill.py [--repeats 20] [--processes 8] [--kill 3] [--real 1]

Starts a PostgreSQL server. Each repeat starts all processes at once on an empty database, kills
some of them in the middle of a trial, and stops one more (SIGSTOP) until another process has
finished its trial. Most repeats train a cheap objective, see cheap_search.py; the last ones
(``--real``) run ``kerasnets search`` with real trainings. Prints a Markdown table; exit code 1 if
something is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import cheap_search
import postgres
import sqlalchemy as sa

from kerasnets.studies.database import Database
from kerasnets.studies.leases import LeaseRow, Leases

SAMPLERS = ("grid", "random", "tpe")
COLUMNS = (
    "repeats", "trials", "told in Optuna", "killed", "killed in mid-trial", "stopped in mid-trial",
    "taken over", "resumed runs", "outside the budget",
)  # fmt: skip
_SECONDS = 400.0  # at most, of a repeat


class Child:
    """A process of a search. It writes its trials to a file."""

    def __init__(self, process: subprocess.Popen[bytes] | BaseProcess, output: Path) -> None:
        """Watch a process that was started."""
        self.process, self.pid, self.output = process, int(process.pid or 0), output

    def wait(self, seconds: float | None = None) -> int | None:
        """Wait for its end; return the exit code, ``None`` if it has not ended in time."""
        if isinstance(self.process, BaseProcess):
            self.process.join(seconds)
            return self.process.exitcode
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        return self.process.returncode

    def kill(self) -> None:
        """Kill it, and wait for its end."""
        self.process.kill()
        self.wait()


@dataclass
class Kind:
    """What the processes of a repeat run.

    Attributes:
        name: for the table.
        start: starts a process on a database, in the folder of the search, with a file for its
            output and one for its errors.
        study: the first part of the names of the studies.
        expected: the trials of one process without a shared database.
        check_folder: checks the run folders of a repeat.
    """

    name: str
    start: Callable[[str, Path, Path, Path], Child]
    study: str
    expected: list[dict[str, Any]]
    check_folder: Callable[[Repeat], None]


class Repeat:
    """One search with disturbed processes."""

    def __init__(self, kind: Kind, address: str, folder: Path, rng: random.Random) -> None:
        """Use an empty database and an empty folder."""
        self.kind, self.address, self.folder, self.rng = kind, address, folder, rng
        database = Database.at(address)
        self.leases = {name: Leases(database, f"{kind.study}/{name}", 0) for name in SAMPLERS}
        self.deadline = time.monotonic() + _SECONDS
        self.processes: dict[int, Child] = {}
        self.counts: Counter[str] = Counter(repeats=1)
        self.problems: list[str] = []

    def run(self, processes: int, kills: int) -> None:
        """Start the processes at once, disturb some, and check the results."""
        try:
            for number in range(processes):
                output, errors = (self.folder / f"{name}-{number}" for name in ("output", "errors"))
                child = self.kind.start(self.address, self.folder / "search", output, errors)
                self.processes[child.pid] = child
            for _ in range(kills):
                self._kill()
            self._stop_and_continue()
            for child in self.processes.values():
                code = child.wait(max(1.0, self.deadline - time.monotonic()))
                self._expect(code == 0, f"exit code {code}")
        finally:
            for child in self.processes.values():
                child.kill()
        self._check()

    def _kill(self) -> None:
        """Kill a process that trains."""
        pid, name, row = self._training()
        self.processes.pop(pid).kill()
        self.counts["killed"] += 1
        self.counts["killed in mid-trial"] += self._row(name, row.trial) == row

    def _stop_and_continue(self) -> None:
        """Stop a process that trains until another one has finished its trial."""
        while True:
            pid, name, row = self._training()
            os.kill(pid, signal.SIGSTOP)
            time.sleep(0.1)
            if self._row(name, row.trial) == row:
                break
            os.kill(pid, signal.SIGCONT)  # it has just finished the trial
        while not self._row(name, row.trial).finished:
            self._wait()
        os.kill(pid, signal.SIGCONT)
        self.counts["stopped in mid-trial"] += 1
        self.late = (name, self._row(name, row.trial))

    def _training(self) -> tuple[int, str, LeaseRow]:
        """A living process that trains, its sampler and its lease."""
        while True:
            found = [
                (int(row.owner.split("/")[1]), name, row)
                for name, rows in self._rows().items()
                for row in rows
                if row.owner and row.owner.endswith("+") and not row.finished
            ]
            if living := [entry for entry in found if entry[0] in self.processes]:
                return self.rng.choice(living)
            self._wait()

    def _wait(self) -> None:
        time.sleep(self.rng.random() * 0.1)
        if time.monotonic() > self.deadline:
            raise TimeoutError(f"The search in {self.folder} takes too long.")

    def _rows(self) -> dict[str, list[LeaseRow]]:
        try:
            return {name: leases.rows() for name, leases in self.leases.items()}
        except sa.exc.ProgrammingError:  # the table does not exist yet
            return {}

    def _row(self, name: str, trial: int) -> LeaseRow:
        return self._rows()[name][trial]

    def _check(self) -> None:
        """Compare the database and the folder with those of one undisturbed process."""
        outputs = {child.output.read_bytes() for child in self.processes.values()}
        self._expect(len(outputs) == 1, "processes end with other trials")
        for name, rows in self._rows().items():
            expected = [row for row in self.kind.expected if row["sampler"] == name]
            self._expect(len(rows) == len(expected), f"{name}: {len(rows)} trials")
            self._expect(all(row.finished and row.score is not None for row in rows), "not all")
            self.counts["trials"] += len(rows)
            self.counts["taken over"] += sum(row.attempt - 1 for row in rows)
            states = Counter(trial.state.name for trial in self._study(name))
            self._expect(states["COMPLETE"] == len(expected), f"{name}: {states}")
            self._expect(states["RUNNING"] == 0, f"{name}: {states}")
            self.counts["told in Optuna"] += states["COMPLETE"]
            self.counts["outside the budget"] += states["FAIL"]
            if name != "tpe":
                found = [row.score for row in rows]
                self._expect(found == [row["score"] for row in expected], f"{name}: other scores")
        name, row = self.late
        self._expect(self._row(name, row.trial) == row, "a late result was accepted")
        self.kind.check_folder(self)

    def _study(self, name: str) -> list[Any]:
        leases = self.leases[name]
        study = leases.database.open_study(leases.study, "minimize")
        numbers = {row.number for row in leases.rows()}
        trials = study.get_trials(deepcopy=False)
        complete = {trial.number for trial in trials if trial.state.name == "COMPLETE"}
        self._expect(complete == numbers, f"{name}: a trial outside the budget has a score")
        return trials

    def _expect(self, holds: bool, problem: str) -> None:
        if not holds:
            self.problems.append(problem)


def check_chains(repeat: Repeat) -> None:
    """Each trial of the cheap objective has one folder, with all lines of an undisturbed chain."""
    folders = sorted((repeat.folder / "search" / "runs").iterdir())
    names = [folder.name.partition("-attempt")[0] for folder in folders]
    repeat._expect(len(folders) == repeat.counts["trials"], f"{len(folders)} run folders")
    repeat._expect(len(set(names)) == len(names), "two run folders of one trial")
    scores = {
        f"{name}-{row.trial}": row.score for name, rows in repeat._rows().items() for row in rows
    }
    params = {
        f"{name}-{trial.user_attrs['trial']}": trial.params
        for name in SAMPLERS
        for trial in repeat._study(name)
        if trial.state.name == "COMPLETE"
    }
    for name, folder in zip(names, folders, strict=True):
        lines = (folder / "epochs.txt").read_text("utf-8").splitlines()
        same = lines == cheap_search.chain(params[name])
        repeat._expect(same, f"{folder.name} has other epochs")
        repeat._expect(scores[name] == cheap_search.score_of(lines), f"{name} has another score")


def check_runs(repeat: Repeat) -> None:
    """Each real training has one complete run, with the bits of an undisturbed one."""
    from kerasnets.training import load_run

    found = {row["trial"]: row for row in _table(repeat.folder / "search") if
             row["sampler"] == "random"}  # fmt: skip
    for row in repeat.kind.expected:
        if row["sampler"] == "random":
            run, undisturbed = (load_run(found[row["trial"]]["folder"]), load_run(row["folder"]))
            same = (run.folder / "model.keras").read_bytes() == (
                undisturbed.folder / "model.keras"
            ).read_bytes()
            repeat._expect(run.history == undisturbed.history and same, "other bits")
            repeat.counts["resumed runs"] += len(run.environment["sessions"]) > 1


def _table(folder: Path) -> list[dict[str, Any]]:
    import pandas as pd

    rows = pd.read_csv(folder / "trials.csv").to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def cheap_kind(folder: Path, trials: int, lease: float = 4.0) -> Kind:
    """The cheap objective; one process without a shared database gives the expected trials."""
    expected = cheap_search.search(None, folder, trials, 1.0)

    def start(address: str, own: Path, output: Path, errors: Path) -> Child:
        # Forked, because importing takes longer than the search. Nothing here uses TensorFlow.
        arguments = (address, own, trials, lease, output, errors)
        process = multiprocessing.get_context("fork").Process(target=_search, args=arguments)
        process.start()
        return Child(process, output)

    return Kind("cheap objective", start, "cheap", expected, check_chains)


def _search(
    address: str, folder: Path, trials: int, lease: float, output: Path, errors: Path
) -> None:
    """One process with the cheap objective."""
    with errors.open("w") as file, contextlib.redirect_stderr(file):
        try:
            rows = cheap_search.search(address, folder, trials, lease, seconds_per_epoch=0.05)
        except BaseException:
            traceback.print_exc()
            raise
    output.write_text(json.dumps(rows), "utf-8")


def real_kind(folder: Path, trials: int) -> Kind:
    """Trainings by the command line."""
    command = [
        sys.executable, "-m", "kerasnets", "search", "digit-mlp-1", "--data", "digits", "--over",
        "learning_rate=0.001:0.3:log", "--over", "batch_size=16:64", "--trials", str(trials),
        "--samplers", ",".join(SAMPLERS), "--set", "epochs=30", "--quiet",
    ]  # fmt: skip
    undisturbed = folder / "undisturbed"
    subprocess.run([*command, "--out", str(undisturbed)], check=True, stdout=subprocess.DEVNULL)

    def start(address: str, own: Path, output: Path, errors: Path) -> Child:
        shared = ["--out", str(own), "--storage", address, "--lease", "15"]
        with output.open("wb") as out, errors.open("wb") as err:
            process = subprocess.Popen([*command, *shared], stdout=out, stderr=err)
        return Child(process, output)

    return Kind("kerasnets search", start, "search", _table(undisturbed), check_runs)


def repeat(
    kind: Kind, address: str, numbers: range, processes: int, kills: int
) -> tuple[Counter[str], list[str]]:
    """Repeat a search, each time on an empty database; return counts and problems."""
    counts: Counter[str] = Counter()
    problems: list[str] = []
    for number in numbers:
        database = f"{kind.study}_{number}"
        engine = sa.create_engine(Database.at(address).url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f"create database {database}"))
        engine.dispose()
        own = address.rpartition("/")[0] + f"/{database}"
        folder = Path(tempfile.mkdtemp(prefix="kerasnets-search-"))
        case = Repeat(kind, own, folder, random.Random(number))  # noqa: S311
        started = time.monotonic()
        case.run(processes, kills)
        Database.at(own).close()
        counts += case.counts
        problems += [f"repeat {number}: {problem}" for problem in case.problems]
        seconds = time.monotonic() - started
        print(f"{kind.name} {number}: {seconds:.0f} s, {case.problems or 'right'}", file=sys.stderr)
        if case.problems:
            print(f"see {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)
    return counts, problems


def main() -> int:
    """Run all repeats and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="number, and seed, of the first one")
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--kill", type=int, default=3)
    parser.add_argument("--trials", type=int, default=16)
    parser.add_argument("--real", type=int, default=1, help="repeats with real trainings")
    parser.add_argument("--lease", type=float, default=4.0, help="seconds; cheap objective only")
    arguments = parser.parse_args()
    rows, problems = [], []
    with postgres.server() as address, tempfile.TemporaryDirectory() as folder:
        plans: list[tuple[Callable[..., Kind], int, list[Any]]] = [
            (cheap_kind, arguments.repeats, [arguments.trials, arguments.lease]),
            (real_kind, arguments.real, [arguments.trials]),
        ]
        for make_kind, count, values in plans:
            if count:
                own = Path(folder) / make_kind.__name__
                own.mkdir()
                kind = make_kind(own, *values)
                numbers = range(arguments.first, arguments.first + count)
                counts, found = repeat(kind, address, numbers, arguments.processes, arguments.kill)
                rows.append([kind.name, *(str(counts[name]) for name in COLUMNS)])
                problems += found
    print("| objective | " + " | ".join(COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 1) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print("\n".join(problems) or "\nAll as in one undisturbed process.")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())

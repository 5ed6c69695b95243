"""The fuzzer's framework: targets, what may happen to a mutated input, and workers.

A target is a set of valid files, a function that loads them, and an independent reading of the same
bytes, which judges the values and labels that were loaded:

    register(Target("eicu", files=eicu_files, load=load_eicu, read=read_eicu))

Mutations are drawn from a seeded generator, so the number of a case is enough to repeat it. Workers
run the cases in their own processes, because a case may hang, crash or need too much memory.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import multiprocessing
import multiprocessing.connection
import os
import random
import resource
import shutil
import signal
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mutations import Files, mutate

REFUSED, SAME, AS_WRITTEN = "refused clearly", "same values", "as the file says"
WRONG, OBSCURE, HANG, MEMORY = "silently wrong", "obscure error", "hang", "memory"
OUTCOMES = (REFUSED, SAME, AS_WRITTEN, WRONG, OBSCURE, HANG, MEMORY)
FAILURES = frozenset({WRONG, OBSCURE, HANG, MEMORY})

# Modules beside this one that register targets.
MODULES = ("fuzz_tables", "fuzz_own", "fuzz_signals", "fuzz_runs", "fuzz_exports")
_GRACE = 120  # seconds after the time limit of a case until its worker is killed


class UnreadableError(Exception):
    """The independent reading found that a file is damaged: it must be refused."""


@dataclass(frozen=True)
class Target:
    """Something that reads files which may be damaged.

    Attributes:
        name: its name in the table.
        files: makes a valid set of files: content by path relative to a folder.
        load: loads the files of a folder; returns numbers, texts, arrays, or lists and dicts of
            them. It raises one of ``refusals`` if the files are damaged.
        read: reads the same files independently and returns the same values, or raises
            :class:`UnreadableError`. Called with the content of the files and the loaded values.
        refusals: types of clear errors. The message must contain the name of a file or folder.
        seconds: limit of the processor time of a case.
        megabytes: limit of the memory that a case may add to its process.
        mutate: changes the files; by default as their formats need.
    """

    name: str
    files: Callable[[], Files]
    load: Callable[[Path], Any]
    read: Callable[[Files, Any], Any]
    refusals: tuple[type[Exception], ...] = (ValueError, OSError)
    seconds: float = 5
    megabytes: int = 600
    mutate: Callable[[Files, random.Random], tuple[Files, str]] = mutate


@dataclass(frozen=True)
class Case:
    """What happened to one mutated input.

    Attributes:
        target: name of the target.
        number: number of the case, which is its seed.
        mutation: what was changed.
        outcome: one of :data:`OUTCOMES`.
        message: the error, or the difference.
    """

    target: str
    number: int
    mutation: str
    outcome: str
    message: str = ""


_TARGETS: dict[str, Target] = {}


def register(target: Target) -> None:
    """Add a target to those that ``fuzz.py`` runs."""
    _TARGETS[target.name] = target


def targets() -> Mapping[str, Target]:
    """All targets by name."""
    for module in MODULES:
        if importlib.util.find_spec(module):
            importlib.import_module(module)
    return _TARGETS


class Bench:
    """Runs the cases of one target in this process, in a temporary folder."""

    def __init__(self, target: Target, seed: int = 0, folder: Path | None = None) -> None:
        self.target = target
        self.seed = seed
        self._folder = folder or new_folder()
        self._valid = target.files()
        _write(self._folder, self._valid)
        self._values = target.load(self._folder)
        expected = target.read(self._valid, self._values)
        if not same(self._values, expected):
            raise RuntimeError(
                f"{target.name}: the independent reading of the valid files differs."
            )

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self._folder)

    def files(self, number: int) -> tuple[Files, str]:
        """The mutated files of a case, and what was changed."""
        rng = random.Random(f"{self.seed} {self.target.name} {number}")  # noqa: S311
        return self.target.mutate(dict(self._valid), rng)

    def run(self, number: int) -> Case:
        """Run a case."""
        files, mutation = self.files(number)
        changed = {
            name for name in {*files, *self._valid} if files.get(name) != self._valid.get(name)
        }
        _write(self._folder, {name: files[name] for name in changed if name in files})
        for name in changed - files.keys():
            (self._folder / name).unlink()
        try:
            outcome, message = self._judge(files)
        finally:
            for name in changed & files.keys():
                (self._folder / name).unlink(missing_ok=True)
            _write(self._folder, {name: self._valid[name] for name in changed & self._valid.keys()})
        return Case(self.target.name, number, mutation, outcome, message)

    def _judge(self, files: Files) -> tuple[str, str]:
        before = _megabytes()
        try:
            with time_limit(self.target.seconds), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                values = self.target.load(self._folder)
        except TimeLimitError as error:
            return HANG, str(error)
        except MemoryError as error:
            return MEMORY, f"MemoryError: {error}"
        except self.target.refusals as error:
            names = (str(self._folder), *(Path(name).name for name in self._valid))
            if any(name in str(error) for name in names):
                return _within(self.target.megabytes, before, REFUSED, str(error))
            return OBSCURE, f"no file in the message: {type(error).__name__}: {error}"
        except Exception as error:  # noqa: BLE001 - any other error is what is looked for
            where = traceback.extract_tb(error.__traceback__)[-1]
            return OBSCURE, f"{type(error).__name__}: {error} ({where.name}, line {where.lineno})"
        unchanged = SAME if same(values, self._values) else AS_WRITTEN
        try:
            expected = self.target.read(files, values)
        except UnreadableError as error:
            return WRONG, f"was loaded although {error}"
        except Exception as error:  # noqa: BLE001 - whatever the independent reader raises
            return WRONG, f"was loaded although reading it independently fails: {error!r}"
        if not same(values, expected):
            return WRONG, difference(values, expected)
        return _within(self.target.megabytes, before, unchanged, "")


class TimeLimitError(BaseException):
    """A case took too long; not an ``Exception``, so that nothing catches it."""


class time_limit:  # noqa: N801 - used like a function
    """Raise :class:`TimeLimitError` in the block after some seconds of work by this process.

    The processor time counts, because the machine may be busy with other work. A block that only
    waits is ended by the parent of the worker. Needs the main thread.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        def stop(*_: object) -> None:
            raise TimeLimitError(f"more than {self._seconds:g} s")

        self._previous = signal.signal(signal.SIGPROF, stop)
        signal.setitimer(signal.ITIMER_PROF, self._seconds)

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, self._previous)


def same(one: Any, other: Any) -> bool:
    """Whether two results are equal; floats may differ in the last digit of float32."""
    if one is other:
        return True
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        one, other = np.asarray(one), np.asarray(other)
        if one.shape != other.shape:
            return False
        if one.dtype.kind in "fc" or other.dtype.kind in "fc":
            return bool(np.allclose(one, other, rtol=2**-22, atol=0, equal_nan=True))
        return bool((one == other).all())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        both_nan = math.isnan(one) and math.isnan(other)
        return both_nan or math.isclose(one, other, rel_tol=2**-22)
    return bool(one == other)


def difference(loaded: Any, expected: Any, where: str = "values") -> str:
    """The first difference between two results."""
    if isinstance(loaded, Mapping) and isinstance(expected, Mapping):
        pairs = [(f"{where}[{key!r}]", loaded.get(key), expected.get(key))
                 for key in {**loaded, **expected}]  # fmt: skip
    elif isinstance(loaded, list | tuple | np.ndarray) and len(loaded) == len(expected):
        pairs = [
            (f"{where}[{i}]", *both) for i, both in enumerate(zip(loaded, expected, strict=True))
        ]
    else:
        return f"{where}: loaded {loaded!r:.200}, the file says {expected!r:.200}"
    return next(difference(a, b, name) for name, a, b in pairs if not same(a, b))


def _within(limit: int, before: float, outcome: str, message: str) -> tuple[str, str]:
    added = _megabytes() - before
    return (MEMORY, f"{added:,.0f} MB") if added > limit else (outcome, message)


def _megabytes() -> float:
    """The largest memory that this process has used."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _write(folder: Path, files: Files) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def new_folder() -> Path:
    """A temporary folder, in memory if possible, to spare the disk."""
    memory = Path("/dev/shm")  # noqa: S108
    return Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))


def run_here(name: str, numbers: range, seed: int = 0) -> Iterator[Case]:
    """Run cases of a target in this process, which a crash would end."""
    bench = Bench(targets()[name], seed)
    try:
        yield from map(bench.run, numbers)
    finally:
        bench.close()


def run_cases(name: str, numbers: range, seed: int = 0) -> Iterator[Case]:
    """Run cases of a target in workers that are replaced when they hang or crash."""
    start = numbers.start
    while start < numbers.stop:
        folder = new_folder()
        try:
            for case in _run_worker(name, range(start, numbers.stop), seed, folder):
                yield case
                start = case.number + 1
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _run_worker(name: str, numbers: range, seed: int, folder: Path) -> Iterator[Case]:
    """The cases of one worker, until all are done or one of them ends it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    worker = context.Process(target=_work, args=(name, numbers, seed, folder, theirs), daemon=True)
    worker.start()
    theirs.close()
    deadline = 300.0  # importing and the valid files
    try:
        for number in numbers:
            if not ours.poll(deadline):
                yield Case(name, number, "", HANG, "the worker did not answer and was killed")
                return
            try:
                yield ours.recv()
            except EOFError:
                worker.join()
                if number == numbers.start and worker.exitcode == 1:
                    raise RuntimeError(f"The worker for {name} could not start.") from None
                text = f"the process ended with exit code {worker.exitcode}"
                yield Case(name, number, "", OBSCURE, text)
                return
            deadline = targets()[name].seconds + _GRACE
    finally:
        worker.kill()
        worker.join()
        ours.close()


def _work(
    name: str,
    numbers: range,
    seed: int,
    folder: Path,
    connection: multiprocessing.connection.Connection,
) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    bench = Bench(targets()[name], seed, folder)
    for number in numbers:
        connection.send(bench.run(number))

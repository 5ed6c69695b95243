"""The fuzzer finds what it should, and a short run of all loaders has no failure."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "scripts" / "reliability"
TARGETS = ("eicu", "mimic3", "covid", "rain", "own CSV", "own Parquet", "own npz", "new rows",
           "Bonn archives", "Bonn folders", "Bonn table", "IDX")  # fmt: skip


@pytest.fixture
def fuzzing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("fuzzing")


VALID = [1.0, 2.0, 3.0]


def careful(folder: Path) -> list[float]:
    """A loader that refuses every damaged file with its name."""
    text = (folder / "a.txt").read_bytes()
    try:
        if not text.isascii() or not text.endswith(b"\n") or b"_" in text:
            raise ValueError("a fault")
        return [float(line) for line in text.split()]
    except ValueError as error:
        raise ValueError(f"{folder / 'a.txt'}: {error}") from None


def anonymous(folder: Path) -> list[float]:
    try:
        return careful(folder)
    except ValueError:
        raise ValueError("something is wrong") from None


def crashing(folder: Path) -> list[float]:
    try:
        return careful(folder)
    except ValueError:
        raise KeyError("a.txt") from None


def careless(folder: Path) -> list[float]:
    try:
        return careful(folder)
    except ValueError:
        return VALID


def forgetful(folder: Path) -> list[float]:
    numbers = careful(folder)
    return numbers if numbers == VALID else numbers[:-1]


def slow(folder: Path) -> list[float]:
    numbers = careful(folder)
    while numbers != VALID:
        pass
    return numbers


def outcomes(fuzzing, load, count=50, **options):
    """The outcomes of a loader of a file of numbers."""

    def read(files, _):
        if not files["a.txt"].endswith(b"\n"):
            raise fuzzing.UnreadableError("the last line does not end")
        return [float(line) for line in files["a.txt"].split()]

    target = fuzzing.Target("numbers", lambda: {"a.txt": b"1\n2\n3\n"}, load, read, **options)
    bench = fuzzing.Bench(target)
    try:
        return {case.outcome for case in map(bench.run, range(count))}, bench
    finally:
        bench.close()


@pytest.mark.parametrize(
    ("load", "outcome", "options"),
    [
        (anonymous, "obscure error", {}),
        (crashing, "obscure error", {}),
        (careless, "silently wrong", {}),
        (forgetful, "silently wrong", {}),
        (slow, "hang", {"seconds": 0.01}),
        (careful, "memory", {"megabytes": -1}),
    ],
)
def test_the_fault_of_a_loader_is_found(fuzzing, load, outcome, options):
    assert outcome in outcomes(fuzzing, load, **options)[0]


def test_a_careful_loader_has_no_fault(fuzzing):
    found, _ = outcomes(fuzzing, careful, count=200)
    assert found == {fuzzing.REFUSED, fuzzing.SAME, fuzzing.AS_WRITTEN}
    assert not found & fuzzing.FAILURES


def test_a_case_is_repeated_by_its_number(fuzzing):
    _, bench = outcomes(fuzzing, careful, count=0)
    assert bench.files(7) == bench.files(7)
    assert len({bench.files(number)[1] for number in range(50)}) > 10


def test_valid_files_that_are_read_differently_are_a_mistake_of_the_target(fuzzing):
    with pytest.raises(RuntimeError, match="numbers: the independent reading of the valid files"):
        outcomes(fuzzing, lambda folder: [1.0])


def test_floats_are_equal_up_to_the_last_digit_of_float32(fuzzing):
    assert fuzzing.same([1.0, {"a": float("nan")}], [1.0 + 1e-7, {"a": float("nan")}])
    assert not fuzzing.same([1.0], [1.0 + 1e-6])
    assert not fuzzing.same([1.0], [1.0, 1.0])
    assert not fuzzing.same({"a": 1}, {"b": 1})
    text = fuzzing.difference({"a": [1, 2]}, {"a": [1, 3]})
    assert text == "values['a'][1]: loaded 2, the file says 3"


def test_no_loader_fails_on_mutated_files():
    args = [sys.executable, str(FOLDER / "fuzz.py"), "--mutations", "20", "--seed", "1"]
    done = subprocess.run(
        [*args, "--in-process", "--targets", *TARGETS], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()]
    assert [row[0] for row in rows[2:]] == list(TARGETS)
    assert all(int(row[1]) == 20 for row in rows[2:])
    assert rows[0][5:9] == ["silently wrong", "obscure error", "hang", "memory"]
    assert {cell for row in rows[2:] for cell in row[5:9]} == {"0"}

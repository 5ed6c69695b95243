"""Short forms of the harness for exported folders and servers; see scripts/reliability/."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts" / "reliability"
sys.path.insert(0, str(SCRIPTS))

import fuzz_exports  # noqa: E402, F401  # registers its targets
import soak  # noqa: E402
from fuzzing import FAILURES, Bench, targets  # noqa: E402


@pytest.mark.parametrize("name", ["export", "export-onnx"])
def test_changes_of_an_exported_folder_are_found(name: str) -> None:
    bench = Bench(targets()[name])
    try:
        cases = [bench.run(number) for number in range(60)]
    finally:
        bench.close()
    assert [case for case in cases if case.outcome in FAILURES] == []
    assert any(case.outcome == "refused clearly" for case in cases)


def test_hostile_inputs_are_refused_and_honest_ones_accepted() -> None:
    names = ["REST: sends 1.8 GB", "REST: answers", "gRPC: describes*", "card.json: link*"]
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / "hostile.py"), "--only", *names],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "4 cases, 0 not as they must be." in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0


def test_predictions_do_not_grow() -> None:
    states = soak.run("onnx", 100)
    assert [state.calls for state in states] == [5, 25, 50, 100]
    assert soak.growth(states) == []


@pytest.mark.parametrize("grown", ["megabytes", "files", "threads", "temporary"])
def test_growth_is_found(grown: str) -> None:
    def state(calls: int) -> soak.State:
        values = {"megabytes": 700.0, "files": 10, "threads": 5, "temporary": 0}
        values[grown] += calls
        return soak.State(calls, 1.0, **values)

    assert soak.growth([state(calls) for calls in (5, 25, 50, 100)]) == [grown]

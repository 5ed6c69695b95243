"""The next call takes what fits into its time, and never much more than the one before."""

from __future__ import annotations

import pytest

from kerasnets.engine import pace as _pace
from kerasnets.engine.pace import Pace


@pytest.mark.parametrize(
    ("took", "expected"),
    [(1e-6, 8), (0.0625, 4), (0.25, 1), (10.0, 1), (0.0, 8)],
)
def test_the_next_call_takes_what_fits(took, expected, monkeypatch):
    monkeypatch.setattr(_pace, "SECONDS_A_CALL", 0.25)
    pace = Pace()
    assert pace.steps == 1
    pace.note(1, took)
    assert pace.steps == expected


def test_calls_grow_eightfold_and_shrink_at_once(monkeypatch):
    monkeypatch.setattr(_pace, "SECONDS_A_CALL", 0.25)
    pace = Pace()
    seen = []
    for seconds_a_step in (2**-17,) * 5 + (1.0,):
        pace.note(pace.steps, pace.steps * seconds_a_step)
        seen.append(pace.steps)
    assert seen == [8, 64, 512, 4096, 2**15, 1]

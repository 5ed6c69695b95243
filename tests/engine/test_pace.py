"""The next call has as many steps as fit its time, at most eight times those of the last one."""

from __future__ import annotations

import pytest

from kerasnets.engine import pace as pace_module
from kerasnets.engine.pace import Pace


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(1e-6, 8), (0.0625, 4), (0.25, 1), (10.0, 1), (0.0, 8)],
)
def test_the_next_call_has_as_many_steps_as_fit(seconds, expected, monkeypatch):
    monkeypatch.setattr(pace_module, "SECONDS_PER_CALL", 0.25)
    pace = Pace()
    assert pace.steps == 1
    pace.record(1, seconds)
    assert pace.steps == expected


def test_calls_grow_eightfold_and_shrink_at_once(monkeypatch):
    monkeypatch.setattr(pace_module, "SECONDS_PER_CALL", 0.25)
    pace, seen = Pace(), []
    for seconds_per_step in (2**-17,) * 5 + (1.0,):
        pace.record(pace.steps, pace.steps * seconds_per_step)
        seen.append(pace.steps)
    assert seen == [8, 64, 512, 4096, 2**15, 1]

"""The small form of scripts/scale/search_kill.py: processes of a search are killed and stopped."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts" / "scale"))

import search_kill

from kerasnets.studies import pool


@pytest.fixture
def own_objective(monkeypatch):
    """The demonstration replaces the objective in this process too."""
    monkeypatch.setattr(pool, "train_and_score", pool.train_and_score)


def test_nothing_is_lost_if_processes_are_killed_and_stopped(server, tmp_path, own_objective):
    kind = search_kill.cheap_kind(tmp_path, trials=4, lease=1.0)
    counts, problems = search_kill.repeat(kind, server, 1, processes=3, kills=1)
    assert problems == []
    assert counts["trials"] == counts["told in Optuna"] == 3 * 4
    assert counts["killed"] == counts["stopped in mid-trial"] == 1
    assert counts["taken over"] >= 1

"""The small form of scripts/scale/search_kill.py: processes of a search are killed and stopped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts" / "scale"
sys.path.insert(0, str(SCRIPTS))

import postgres  # noqa: E402


def test_nothing_is_lost_if_processes_are_killed_and_stopped():
    try:
        postgres.programs()
    except postgres.NoServerError as error:
        pytest.skip(str(error))
    # Not in this process: it may have threads of TensorFlow, and the script forks.
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / "search_kill.py"), "--repeats", "1", "--real", "0",
         "--processes", "3", "--kill", "1", "--trials", "4", "--lease", "1"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All as in one undisturbed process." in done.stdout
    header, _, row = (line.split("|")[2:-1] for line in done.stdout.splitlines()[:3])
    counts = {name.strip(): int(count) for name, count in zip(header, row, strict=True)}
    assert counts["trials"] == counts["told in Optuna"] == 3 * 4
    assert counts["killed"] == counts["stopped in mid-trial"] == 1
    assert counts["taken over"] >= 1

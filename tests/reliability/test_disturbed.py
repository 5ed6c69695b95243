"""Short forms of scripts/reliability/kill.py and disk.py: real signals, and disks that are full."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts" / "reliability"
# Both scripts in one process, because each would import TensorFlow again.
CODE = """if True:
    import json, sys
    from pathlib import Path
    from children import import_all
    from disk import fill
    from jobs import make_jobs
    from kill import kill

    import_all()
    folder = Path(sys.argv[1])
    found = {}
    with make_jobs(["train", "fetch"], folder) as (train, fetch):
        for job, count, signals in ((train, 3, ("KILL", "INT", "TERM")), (fetch, 6, ("KILL",))):
            counts = kill(job, folder, count, signals)
            found[f"kill {job.name}"] = [[*key, number] for key, number in counts.items()]
        for job, count in ((train, 2), (fetch, 3)):
            found[f"disk {job.name}"] = dict(fill(job, folder, count, "writes"))
    print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CODE, str(tmp_path_factory.mktemp("work"))],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": f"{SCRIPTS}:{SCRIPTS.parents[1]}"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


@pytest.mark.parametrize(("job", "runs"), [("train", 3), ("fetch", 6)])
def test_a_command_that_is_killed_ends_with_the_same_bytes_when_it_is_repeated(job, runs, found):
    counts, errors = found
    outcomes = [row[2] for row in counts[f"kill {job}"]]
    assert set(outcomes) <= {"equal", "ended before"}, errors
    assert sum(row[3] for row in counts[f"kill {job}"]) == runs
    assert "equal" in outcomes


@pytest.mark.parametrize(("job", "disks"), [("train", 2), ("fetch", 3)])
def test_a_full_disk_is_reported_and_leaves_nothing_half_written(job, disks, found):
    counts, errors = found
    assert counts[f"disk {job}"] == {"equal": disks}, errors

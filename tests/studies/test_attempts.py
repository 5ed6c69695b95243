"""Run folders of a trial that several processes have trained."""

from __future__ import annotations

import threading
import time

import pytest

from kerasnets.studies.attempts import LeaseLostError, attempt_folder, run_attempt
from kerasnets.studies.database import Database
from kerasnets.studies.leases import Lease, Leases
from tests.studies.helpers import expire

SECONDS = 60.0
_DEADLINE = 60.0


@pytest.fixture
def leases(tmp_path):
    leases = Leases(Database.file(tmp_path / "trials.db"), "tpe", SECONDS)
    leases.create(1)
    return leases


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs" / "tpe-0"


@pytest.fixture(autouse=True)
def frequent_renewals(monkeypatch):
    monkeypatch.setattr("kerasnets.studies.attempts._RENEWALS", SECONDS / 0.05)


def claim(leases):
    """Claim the trial, also if another process holds it."""
    expire(leases.database)
    return leases.claim(1)


def write_run(folder, **files):
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    for name, text in {"recipe.toml": "", "checkpoints/last.keras": "1", **files}.items():
        (folder / name).write_text(text)


def test_the_first_attempt_has_the_plain_name(folder):
    assert attempt_folder(folder, 1) == folder
    assert attempt_folder(folder, 3).name == "tpe-0-attempt-3"


def until(condition):
    deadline = time.monotonic() + _DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_lease_is_renewed_while_the_training_runs(leases, folder):
    lease, row = claim(leases)
    threads = threading.active_count()

    def renewed():
        with leases.database.engine.connect() as connection:
            query = "select until from kerasnets_leases"
            return connection.exec_driver_sql(query).scalar_one() > 0

    def train(own, check):
        for _ in range(2):
            expire(leases.database)
            until(renewed)
            check()
        return 0.25

    assert run_attempt(lease, folder, row.attempt, train) == 0.25
    assert leases.rows()[0].score == 0.25
    assert threading.active_count() == threads


def test_the_next_attempt_resumes_a_copy_and_removes_the_old_run(leases, folder):
    claim(leases)[0].start()
    write_run(folder, **{"history.csv": "epoch", ".0123abcd-model.keras": "half"})
    lease, row = claim(leases)
    assert row.attempt == 2

    def train(own, check):
        assert own == attempt_folder(folder, 2)
        assert (own / "history.csv").read_text() == "epoch"
        assert (own / "checkpoints" / "last.keras").read_text() == "1"
        assert not (own / ".0123abcd-model.keras").exists()
        assert own.stat().st_mode & 0o77 == 0  # it holds rows of persons
        assert folder.exists()
        return 0.5

    assert run_attempt(lease, folder, row.attempt, train) == 0.5
    assert [path.name for path in folder.parent.iterdir()] == ["tpe-0-attempt-2"]


def test_an_attempt_without_a_run_is_skipped(leases, folder):
    claim(leases)[0].start()
    write_run(folder)
    claim(leases)  # dies before it has copied the run
    lease, row = claim(leases)
    assert row.attempt == 3

    def train(own, check):
        assert (own / "recipe.toml").is_file()
        return 0.5

    run_attempt(lease, folder, row.attempt, train)


def lose(leases):
    """Let another process take over at once, between two renewals, and return its lease."""
    with leases.database.engine.begin() as connection:
        connection.exec_driver_sql("update kerasnets_leases set owner = 'other', attempt = 2")
    return Lease(leases.database, leases.study, 0, "other", SECONDS)


def test_a_late_result_is_refused_and_its_run_stays_for_the_other_process(leases, folder):
    lease, row = claim(leases)

    def train(own, check):
        write_run(own)
        lose(leases)
        return 0.9

    assert run_attempt(lease, folder, row.attempt, train) is None
    assert not leases.rows()[0].finished
    assert folder.exists()  # the other process may be copying it


def test_a_process_that_wakes_after_its_lease_abandons_and_removes_its_run(leases, folder):
    lease, row = claim(leases)

    def train(own, check):
        write_run(own)
        lose(leases).finish(0.1)
        until(check)

    assert run_attempt(lease, folder, row.attempt, train) is None
    assert leases.rows()[0].score == 0.1
    assert not folder.exists()


@pytest.mark.parametrize("lost", [True, False])
def test_an_error_counts_only_while_the_lease_is_held(leases, folder, lost):
    lease, row = claim(leases)

    def train(own, check):
        if lost:
            lose(leases).finish(0.1)
        raise FileNotFoundError("history.csv")

    if lost:
        assert run_attempt(lease, folder, row.attempt, train) is None
    else:
        with pytest.raises(FileNotFoundError):
            run_attempt(lease, folder, row.attempt, train)


def test_nothing_is_trained_for_a_lease_that_is_lost_before_the_start(leases, folder):
    lease, row = claim(leases)
    lose(leases)
    train = pytest.fail
    assert run_attempt(lease, folder, row.attempt, train) is None


def test_a_lost_lease_is_no_failed_training():
    from kerasnets._errors import WorkFailedError

    assert not issubclass(LeaseLostError, WorkFailedError)

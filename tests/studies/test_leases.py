"""Leases: each trial belongs to one process at a time, in SQLite and in PostgreSQL."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from kerasnets.studies.database import Database
from kerasnets.studies.leases import LeaseRow, Leases
from tests.studies.helpers import expire, remaining

SECONDS = 60.0


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    if request.param == "sqlite":
        return Database.file(tmp_path / "trials.db")
    return Database.at(request.getfixturevalue("address"))


@pytest.fixture
def leases(database):
    leases = Leases(database, "search/tpe", SECONDS)
    leases.create(3)
    return leases


def test_each_trial_is_claimed_once(leases):
    Leases(leases.database, "another", SECONDS).create(5)
    claims = [leases.claim(3) for _ in range(4)]
    assert [row.trial for _, row in claims[:3]] == [0, 1, 2]
    assert claims[3] is None
    assert {row.attempt for _, row in claims[:3]} == {1}


def test_threads_share_a_budget_exactly(database):
    leases = Leases(database, "search/tpe", 60.0)
    leases.create(40)
    with ThreadPoolExecutor(8) as threads:
        claims = list(threads.map(lambda _: leases.claim(40), range(48)))
    assert sorted(claim[1].trial for claim in claims if claim) == list(range(40))
    assert len({claim[0].owner for claim in claims if claim}) == 40


def test_the_result_is_stored_once_and_by_the_holder_only(leases):
    lease, _ = leases.claim(3)
    started = lease.start()
    assert not lease.renew()  # the process that trains has it now
    assert lease.start() is None
    assert started.renew()
    assert started.set_number(7)
    assert started.finish(0.1)
    assert not started.finish(0.2)
    assert not started.renew()
    assert started.is_finished()
    assert leases.rows()[0] == LeaseRow(0, started.owner, 1, 7, finished=True, score=0.1)


def test_a_score_keeps_all_its_digits(leases):
    lease, _ = leases.claim(3)
    lease.finish(1 / 3)
    assert leases.rows()[0].score == 1 / 3


def test_a_lease_that_ended_can_be_claimed_and_is_lost(leases):
    lease, _ = leases.claim(1)
    started = lease.start()
    expire(leases.database)
    assert started.renew()  # nobody has claimed it
    expire(leases.database)
    other, row = leases.claim(1)
    assert (row.trial, row.attempt) == (0, 2)
    assert not any((started.renew(), started.set_number(1), started.finish(0.5)))
    started.release()
    assert leases.rows()[0].owner == other.owner
    assert other.finish(None)
    assert leases.rows()[0] == LeaseRow(0, other.owner, 2, None, finished=True, score=None)
    assert leases.claim(1) is None


def test_a_released_trial_is_free_at_once_and_the_same_attempt(leases):
    lease, _ = leases.claim(3)
    lease.release()
    lease, row = leases.claim(3)
    assert (row.trial, row.attempt) == (0, 1)
    lease.start()
    lease.release()  # the process that claimed it knows that its training has ended
    assert leases.claim(3)[1] == LeaseRow(0, leases.rows()[0].owner, 1, None, False, None)


def test_all_can_be_released_but_results_stay(leases):
    first, _ = leases.claim(3)
    first.finish(0.1)
    leases.claim(3)
    leases.release_all()
    assert [row.owner for row in leases.rows()] == [first.owner, None, None]


def test_the_budget_can_grow_and_started_trials_beyond_it_are_resumed(leases):
    leases.create(4)
    assert [row.trial for row in leases.rows()] == [0, 1, 2, 3]
    for lease in [leases.claim(4)[0] for _ in range(4)]:
        lease.set_number(lease.trial)
        lease.release()
    leases.create(2)
    claims = itertools.takewhile(bool, iter(lambda: leases.claim(2), object()))
    assert [row.trial for _, row in claims] == [0, 1, 2, 3]


def test_rows_before_there_were_leases_are_kept(database):
    leases = Leases(database, "tpe", SECONDS)
    before = [LeaseRow(0, None, 1, 0, finished=True, score=0.5)]
    leases.create(2, before)
    leases.create(2, before)
    assert leases.rows() == [*before, LeaseRow(1, None, 1, None, finished=False, score=None)]


def test_a_lease_lasts_longer_until_the_process_has_started(address):
    leases = Leases(Database.at(address), "search/tpe", SECONDS)
    leases.create(1)
    lease, _ = leases.claim(1)
    assert 2 * SECONDS < remaining(leases.database) <= 3 * SECONDS
    started = lease.start()
    assert 0 < remaining(leases.database) <= SECONDS
    expire(leases.database)
    started.renew()
    assert 0 < remaining(leases.database) <= SECONDS


def test_a_trial_that_another_process_is_claiming_is_skipped_without_waiting(address):
    leases = Leases(Database.at(address), "search/tpe", SECONDS)
    leases.create(2)
    with leases.database.engine.begin() as connection:
        connection.execute(sa.text("select * from kerasnets_leases where trial = 0 for update"))
        assert leases.claim(2)[1].trial == 1
        assert leases.claim(2) is None
    assert leases.claim(2)[1].trial == 0

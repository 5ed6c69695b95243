"""Addresses of databases: passwords stay secret, and what cannot be used is refused early."""

from __future__ import annotations

import pickle
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from kerasnets.studies.database import Database, DatabaseError

WORD = "s3cret-w0rd"


def test_the_password_is_not_shown():
    database = Database.at(f"postgresql://anna:{WORD}@host:5433/searches?sslmode=require")
    assert WORD not in f"{database} {database!r} {database.engine!r}"
    assert str(database) == "postgresql://anna:***@host:5433/searches"
    assert WORD in database.url
    assert "sslmode=require" in database.url
    assert pickle.loads(pickle.dumps(database)) == database  # noqa: S301


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_all_usual_schemes_are_accepted(scheme):
    assert Database.at(f"{scheme}://anna@host/a").url == "postgresql+psycopg://anna@host/a"


def test_special_characters_of_a_password_can_be_encoded():
    url = sa.engine.make_url(Database.at("postgresql://anna:a%40b%2Fc%3Ad@host/x").url)
    assert (url.password, url.host) == ("a@b/c:d", "host")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (f"mysql://anna:{WORD}@host/a", "starts with 'mysql'"),
        (f"sqlite:///{WORD}", "on one machine, leave it out"),
        (f"postgresql://anna:{WORD}@host", "must end with the name of a database"),
        (f"postgresql://anna:{WORD}@host:port/a", "must have the form postgresql://USER"),
        (f"postgresql://anna:a@{WORD}@host/a", "special characters"),
        (f"postgresql://host/a?password={WORD}", "Write the password of the storage before"),
        (WORD, "must have the form postgresql://USER"),
        ("", "must have the form postgresql://USER"),
    ],
)
def test_other_addresses_are_refused_without_showing_them(address, message):
    with pytest.raises(ValueError, match=message) as error:
        Database.at(address)
    assert WORD not in str(error.value)


def test_without_psycopg_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ImportError, match=r"pip install 'kerasnets\[postgres\]'"):
        Database.at("postgresql://anna@host/a").check()


def test_a_server_that_cannot_be_used_is_named_with_the_reason(address):
    Database.at(address).check()
    start, _, end = address.partition("@")
    for wrong, reason in (
        (f"postgresql://tester:{WORD}@{end}", "password authentication failed"),
        (f"{start}@127.0.0.1:1/postgres", "refused"),
        (f"{start}@no-such-host.invalid/postgres", "no-such-host.invalid"),
        (f"{address}_missing", "does not exist"),
    ):
        with pytest.raises(DatabaseError, match=reason) as error:
            Database.at(wrong).check()
        assert "cannot be used" in str(error.value)
        assert not any(secret in str(error.value) for secret in (WORD, "pass-word"))


def test_a_server_that_is_too_old_is_refused(address, monkeypatch):
    monkeypatch.setattr("kerasnets.studies.database._OLDEST_SERVER", (99,))
    with pytest.raises(DatabaseError, match=r"is PostgreSQL \d+\.\d+, but 99 or newer is needed"):
        Database.at(address).check()


def test_tables_of_another_version_of_optuna_are_refused(address):
    database = Database.at(address)
    with database.setup():
        database.open_study("a", "minimize")
    with database.engine.begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = 'v2.4.0.a'"))
    with pytest.raises(ValueError, match="optuna storage upgrade"), database.setup():
        database.open_study("a", "minimize")


def test_a_user_without_rights_is_told_so(address):
    database = Database.at(address)
    with database.engine.begin() as connection:
        connection.execute(sa.text("create role reader login password 'only-read'"))
    reader = Database.at(address.replace("tester:pass-word%21", "reader:only-read"))
    with pytest.raises(DatabaseError, match="permission denied"), reader.setup():
        reader.open_study("a", "minimize")


def test_processes_may_create_the_tables_of_an_empty_database_at_the_same_time(address):
    database = Database.at(address)

    def open_study(number):
        with database.setup():
            return database.open_study(f"study-{number % 2}", "minimize").study_name

    with ThreadPoolExecutor(6) as threads:
        assert sorted(threads.map(open_study, range(6))) == ["study-0"] * 3 + ["study-1"] * 3


def test_a_short_outage_of_a_shared_database_is_waited_for(monkeypatch, tmp_path):
    monkeypatch.setattr("kerasnets.studies.database._RETRY_SECONDS", 0.01)
    failures = iter([sa.exc.OperationalError("", {}, Exception("gone"))] * 2)

    def question():
        for error in failures:
            raise error
        return "answer"

    shared = Database.at("postgresql://anna@host/a")
    assert shared.retry(question, 10.0) == "answer"
    failures = iter([sa.exc.OperationalError("", {}, Exception("gone"))] * 99)
    with pytest.raises(DatabaseError, match=r"cannot be used: gone\. Check that the server runs"):
        shared.retry(question, 0.03)
    with pytest.raises(DatabaseError, match=r"trials\.db cannot be used: gone\.$"):
        Database.file(tmp_path / "trials.db").retry(question, 10.0)

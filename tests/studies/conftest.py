"""A PostgreSQL server, started at the first test that needs it."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from kerasnets.studies.database import Database

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts" / "scale"))

import postgres

_numbers = itertools.count()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    try:
        postgres.programs()
    except postgres.NoServerError as error:
        pytest.skip(str(error))
    with postgres.server() as address:
        yield address


@pytest.fixture(scope="session")
def make_address(server: str) -> Iterator[Callable[[], str]]:
    """Creates an empty database, and returns its address."""
    made = []

    def make() -> str:
        name = f"test_{next(_numbers)}"
        engine = sa.create_engine(Database.at(server).url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f"create database {name}"))
        engine.dispose()
        made.append(f"{server.rpartition('/')[0]}/{name}")
        return made[-1]

    yield make
    for address in made:
        Database.at(address).close()


@pytest.fixture
def address(make_address: Callable[[], str]) -> str:
    """The address of an empty database."""
    return make_address()

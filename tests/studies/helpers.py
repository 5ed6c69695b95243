"""What tests of searches share."""

from __future__ import annotations

import sqlalchemy as sa

from kerasnets.studies.database import Database


def expire(database: Database) -> None:
    """Let all leases end now, as if their processes had been silent for long enough."""
    with database.engine.begin() as connection:
        connection.execute(sa.text("update kerasnets_leases set until = 0"))


def remaining(database: Database) -> float:
    """Seconds until the last lease of a PostgreSQL database ends."""
    query = "select max(until) - extract(epoch from clock_timestamp()) from kerasnets_leases"
    with database.engine.connect() as connection:
        return float(connection.execute(sa.text(query)).scalar_one())

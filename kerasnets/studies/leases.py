"""Leases: which process trains which trial of a search, and until when.

A table has one row per trial of the budget, so the budget is exact however many processes there
are. A process claims the first row that nobody holds, and renews its lease while it trains. The
lease of a process that has died or hangs ends, and another process claims the row. From then on,
the first process cannot renew or finish it. All times are those of the database's server.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from kerasnets.studies.database import Database

_TABLE = sa.Table(
    "kerasnets_leases",
    sa.MetaData(),
    sa.Column("study", sa.String(512), primary_key=True),
    sa.Column("trial", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("owner", sa.String(255)),
    sa.Column("until", sa.Double, nullable=False, server_default="0"),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="1"),
    sa.Column("number", sa.Integer),
    sa.Column("finished", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("score", sa.Double),
)
_START = 3  # a claimed trial has this many leases of time to start, because importing takes seconds


@dataclass(frozen=True)
class LeaseRow:
    """A trial of the budget.

    Attributes:
        trial: index of the trial in the search, from 0.
        owner: the process that holds it, or held it last; ``None`` if no process has to be feared.
        attempt: how many processes have trained it: 1, and one more for each lost lease.
        number: the number of the trial in Optuna's study, once it exists.
        finished: whether it has a result.
        score: the result; ``None`` if training failed.
    """

    trial: int
    owner: str | None
    attempt: int
    number: int | None
    finished: bool
    score: float | None


@dataclass(frozen=True)
class Lease:
    """The right of a process to train a trial. It can be sent to another process.

    Attributes:
        database: where the table is.
        study: name of Optuna's study.
        trial: index of the trial.
        owner: the name of this lease, different for each.
        seconds: how long it lasts without being renewed.
    """

    database: Database
    study: str
    trial: int
    owner: str
    seconds: float

    def start(self) -> Lease | None:
        """Take over the lease in the process that trains, or return ``None`` if it is lost."""
        mine = Lease(self.database, self.study, self.trial, f"{self.owner}+", self.seconds)
        values = {"owner": mine.owner, "until": _clock(self.database) + self.seconds}
        return mine if self._update(values) else None

    def renew(self) -> bool:
        """Let the lease last from now; return ``False`` if it is lost."""
        return self._update({"until": _clock(self.database) + self.seconds})

    def set_number(self, number: int) -> bool:
        """Store the number of the trial in Optuna's study; return ``False`` if it is lost."""
        return self._update({"number": number})

    def finish(self, score: float | None) -> bool:
        """Store the result; return ``False`` if the lease is lost, and nothing was stored."""
        return self._update({"finished": True, "score": score})

    def is_finished(self) -> bool:
        """Whether the trial has a result, whoever trained it."""
        rows = Leases(self.database, self.study, self.seconds).rows()
        return any(row.finished for row in rows if row.trial == self.trial)

    def release(self) -> None:
        """Give the trial back after the process that trained it has ended."""
        for owner in (self.owner, f"{self.owner}+"):
            lease = Lease(self.database, self.study, self.trial, owner, self.seconds)
            lease._update({"owner": None, "until": 0.0})

    def _update(self, values: Mapping[str, Any]) -> bool:
        """Change the row if this lease holds it and it is not finished."""
        mine = sa.and_(
            _TABLE.c.study == self.study,
            _TABLE.c.trial == self.trial,
            _TABLE.c.owner == self.owner,
            sa.not_(_TABLE.c.finished),
        )
        with self.database.engine.begin() as connection:
            return connection.execute(sa.update(_TABLE).where(mine).values(values)).rowcount == 1


@dataclass(frozen=True)
class Leases:
    """The rows of one study.

    Attributes:
        database: where the table is.
        study: name of Optuna's study.
        seconds: how long a lease lasts without being renewed.
        max_retries: how often a trial is started again after its process died.
    """

    database: Database
    study: str
    seconds: float
    max_retries: int = 3

    def create(self, budget: int, before: Sequence[LeaseRow] = ()) -> None:
        """Create the table and the rows that are missing. Only one process at a time may do it.

        Args:
            budget: number of trials.
            before: rows of trials that exist already.
        """
        _TABLE.create(self.database.engine, checkfirst=True)
        known = {row.trial for row in self.rows()}
        rows = {trial: LeaseRow(trial, None, 1, None, False, None) for trial in range(budget)}
        rows |= {row.trial: row for row in before}
        new = [vars(row) | {"study": self.study} for row in rows.values() if row.trial not in known]
        if new:
            with self.database.engine.begin() as connection:
                connection.execute(sa.insert(_TABLE), new)

    def claim(self, budget: int) -> tuple[Lease, LeaseRow] | None:
        """Claim the first trial that nobody holds, or return ``None``.

        Args:
            budget: only trials below this number, or that were started already.
        """
        owner = f"{socket.gethostname()[:200]}/{os.getpid()}/{secrets.token_hex(8)}"
        inner = _TABLE.alias()
        first = (
            sa.select(inner.c.trial)
            .where(
                inner.c.study == self.study,
                sa.not_(inner.c.finished),
                inner.c.until < _clock(self.database),
                sa.or_(inner.c.trial < budget, inner.c.number.is_not(None)),
            )
            .order_by(inner.c.trial)
            .limit(1)
            .with_for_update(skip_locked=True)  # not rendered for SQLite, which has one writer
            .scalar_subquery()
        )
        # A process whose lease has ended may still write to its run folder.
        attempt = sa.case((_TABLE.c.owner.is_(None), 0), else_=1) + _TABLE.c.attempt
        until = _clock(self.database) + _START * self.seconds
        command = (
            sa.update(_TABLE)
            .where(_TABLE.c.study == self.study, _TABLE.c.trial == first)
            .values(owner=owner, until=until, attempt=attempt)
            .returning(*_columns(_TABLE))
        )
        with self.database.engine.begin() as connection:
            found = connection.execute(command).one_or_none()
        if found is None:
            return None
        row = LeaseRow(*found)
        return Lease(self.database, self.study, row.trial, owner, self.seconds), row

    def rows(self) -> list[LeaseRow]:
        """All rows, in the order of the trials."""
        command = sa.select(*_columns(_TABLE)).where(_TABLE.c.study == self.study)
        with self.database.engine.connect() as connection:
            return [LeaseRow(*row) for row in connection.execute(command.order_by(_TABLE.c.trial))]

    def release_all(self) -> None:
        """Give back all trials that are not finished, if no other process can hold one."""
        unfinished = sa.and_(_TABLE.c.study == self.study, sa.not_(_TABLE.c.finished))
        command = sa.update(_TABLE).where(unfinished).values(owner=None, until=0.0)
        with self.database.engine.begin() as connection:
            connection.execute(command)


def _columns(table: sa.Table) -> list[sa.Column[Any]]:
    """The columns of a :class:`LeaseRow`, in its order."""
    return [table.c[name] for name in LeaseRow.__dataclass_fields__]


def _clock(database: Database) -> sa.ColumnElement[float]:
    """The time of the server, in seconds since 1970."""
    text = "extract(epoch from clock_timestamp())"
    if not database.shared:
        text = "(julianday('now') - 2440587.5) * 86400.0"
    return sa.cast(sa.literal_column(text), sa.Double)

"""The database of a search: a SQLite file on one machine, or PostgreSQL shared by several."""

from __future__ import annotations

import contextlib
import functools
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import unquote

import sqlalchemy
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from kerasnets._errors import WorkFailedError
from kerasnets._files import full_disk

if TYPE_CHECKING:
    import optuna

T = TypeVar("T")

_FORM = "postgresql://USER:PASSWORD@HOST:5432/NAME"
_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
_OLDEST_SERVER = (10,)  # the oldest that psycopg supports
_ADVISORY_LOCK = 0x6B65726173  # the same number in every process; "keras" in hexadecimal
_RETRY_SECONDS = 1.0
_SETUP_SECONDS = 300  # how long to wait for the others
# A process that has lost its network must notice it, and not wait forever.
_CONNECTION: dict[str, Any] = {
    "connect_args": {
        "connect_timeout": 10,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 60_000,  # milliseconds
    }
}


class DatabaseError(WorkFailedError, ConnectionError):
    """The database of a search cannot be reached, or refused a command."""


@dataclass(frozen=True)
class Database:
    """An address of a database. Neither ``str`` nor ``repr`` shows the password.

    Attributes:
        url: the address for SQLAlchemy, with the password.
        name: the file, or the address without the password, for messages.
        shared: whether several processes on several machines may use it at the same time.
    """

    url: str = field(repr=False)
    name: str
    shared: bool

    def __str__(self) -> str:
        """The address without the password."""
        return self.name

    @classmethod
    def file(cls, path: Path) -> Database:
        """A SQLite file, for one process."""
        return cls(f"sqlite:///{path.resolve()}", str(path), shared=False)

    @classmethod
    def at(cls, address: str) -> Database:
        """A PostgreSQL database.

        Args:
            address: ``postgresql://USER:PASSWORD@HOST:5432/NAME``. Without a password, PostgreSQL's
                own settings apply, such as ``$PGPASSWORD`` and ``~/.pgpass``.

        Raises:
            ValueError: if the address has another form. The message does not contain it.
        """
        url = _parse(address)
        _check_password(address, url)
        url = url.set(drivername="postgresql+psycopg")
        return cls(
            url.render_as_string(hide_password=False),
            url.set(drivername="postgresql", query={}).render_as_string(hide_password=True),
            shared=True,
        )

    @property
    def engine(self) -> Engine:
        """The connections of this process. One stays open, so that asking often costs little."""
        return _engine(self.url)

    def close(self) -> None:
        """Close the connections of this process that are not in use."""
        self.engine.dispose()

    def retry(self, function: Callable[[], T], seconds: float) -> T:
        """Call a function that uses the database. If it cannot be reached, try again for a while.

        Raises:
            DatabaseError: if it still cannot be reached after this number of seconds.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                with explain_errors(self):
                    return function()
            except DatabaseError:
                if not self.shared or time.monotonic() > deadline:
                    raise
            time.sleep(_RETRY_SECONDS)

    def check(self) -> None:
        """Connect once.

        Raises:
            DatabaseError: if the server cannot be reached, refuses the user, or is too old.
            ImportError: if psycopg is not installed.
        """
        if not self.shared:
            return
        _check_driver()
        with explain_errors(self), self.engine.connect() as connection:
            version = connection.dialect.server_version_info or ()
        self.close()
        if version < _OLDEST_SERVER:
            raise DatabaseError(
                f"The server of {self} is PostgreSQL {'.'.join(map(str, version))}, but "
                f"{_OLDEST_SERVER[0]} or newer is needed."
            )

    @contextlib.contextmanager
    def setup(self) -> Iterator[None]:
        """Let one process at a time run the block.

        Two processes that create tables in an empty database at the same time would fail. The lock
        of a process that dies is released by the server. It ends with the transaction, not with the
        connection, which stays open.

        Raises:
            DatabaseError: if the database cannot be reached or does not allow what the block does.
        """
        if not self.shared:
            yield
            return
        with explain_errors(self), self.engine.connect() as connection:
            connection.execute(sqlalchemy.text(f"set local lock_timeout = '{_SETUP_SECONDS}s'"))
            connection.execute(
                sqlalchemy.select(sqlalchemy.func.pg_advisory_xact_lock(_ADVISORY_LOCK))
            )
            yield

    def open_study(self, name: str, direction: Literal["maximize", "minimize"]) -> optuna.Study:
        """Open a study of Optuna, or create it. Call this inside :meth:`setup`.

        Raises:
            ValueError: if the tables of Optuna are damaged or of another version.
        """
        import optuna

        # Optuna asks seldom, so that its connections need not stay open.
        options = {"engine_kwargs": {"poolclass": NullPool, **_CONNECTION}} if self.shared else {}
        try:
            storage = optuna.storages.RDBStorage(self.url, **options)  # type: ignore[arg-type]
            return optuna.create_study(
                storage=storage, study_name=name, direction=direction, load_if_exists=True
            )
        except Exception as error:  # of Optuna and SQLAlchemy
            if full_disk(error) is not None:
                raise
            if self.shared:
                raise self._explain_study(error) from None
            raise ValueError(
                f"{self} is not a file of Optuna, or damaged: {error}. Choose another folder."
            ) from error

    def _explain_study(self, error: Exception) -> Exception:
        if isinstance(error, RuntimeError) and "no longer compatible" in str(error):
            return ValueError(
                f"The tables in {self} are of another version of Optuna. Use another database, or "
                "upgrade it with: optuna storage upgrade --storage URL"
            )
        return DatabaseError(f"Optuna cannot use {self}: {_reason(error)}.")


@contextlib.contextmanager
def explain_errors(database: Database) -> Iterator[None]:
    """Replace the errors of SQLAlchemy and Optuna by one that names the database.

    Raises:
        DatabaseError: instead of them.
    """
    from optuna.exceptions import StorageInternalError

    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        hint = " Check that the server runs, the address, the user and the password."
        raise DatabaseError(
            f"{database} cannot be used: {_reason(error)}.{hint if database.shared else ''}"
        ) from None


@functools.cache
def _engine(url: str) -> Engine:
    if url.startswith("sqlite"):
        return sqlalchemy.create_engine(url, poolclass=NullPool)
    # Threads may use more connections than one for a moment.
    return sqlalchemy.create_engine(
        url, pool_size=1, max_overflow=-1, pool_pre_ping=True, **_CONNECTION
    )


def _parse(address: str) -> URL:
    try:
        url = make_url(address)
    except (SQLAlchemyError, ValueError):  # its message may contain a part of the password
        raise ValueError(
            f"The storage must have the form {_FORM}. In the password, write special characters "
            "as in a web address, such as %40 for @ and %2F for /."
        ) from None
    if url.drivername not in _SCHEMES:
        raise ValueError(
            f"The storage must have the form {_FORM}, got one that starts with "
            f"{url.drivername!r}. For a search on one machine, leave it out."
        )
    if not url.database:
        raise ValueError(f"The storage must end with the name of a database: {_FORM}.")
    if "password" in url.query:
        raise ValueError(f"Write the password of the storage before the host: {_FORM}.")
    return url


def _check_password(address: str, url: URL) -> None:
    """Refuse a password with special characters, which would be taken for the host and be shown."""
    found = re.match(r"[^:]+://[^:@/]*(?::(.*))?@", address.split("?")[0])
    secret = found[1] if found else None
    if secret != url.password and unquote(secret or "") != url.password:
        raise ValueError(
            "The password of the storage has special characters. Write them as in a web address, "
            "such as %40 for @, %2F for / and %3A for a colon."
        )


def _check_driver() -> None:
    try:
        import psycopg  # noqa: F401
    except ImportError:
        raise ImportError(
            "A search on PostgreSQL needs psycopg: pip install 'kerasnets[postgres]'."
        ) from None


def _reason(error: BaseException) -> str:
    """The first line of the server's own message; SQLAlchemy adds the whole command to it."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, DBAPIError):
        cause = cause.__cause__ or cause.__context__
    text = str(cause.orig if cause is not None else error).strip()
    return next(iter(text.splitlines()), type(error).__name__).rstrip(".")

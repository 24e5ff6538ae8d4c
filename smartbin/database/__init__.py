"""The records' database (SQLite, or PostgreSQL): the ways in, its tables and migrations.

Who deposited, accounts, ledger, users and work orders live here, and only here: telemetry never
holds an account.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine, select
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from smartbin.core.errors import ConstraintViolated, StoreRefused, StoreUnavailable
from smartbin.database import migrations
from smartbin.database.engine import open_engine

log = logging.getLogger(__name__)
RETRY_DELAY_S = 2.0


class Database:
    """``read()`` and ``write()`` are the only ways in for stores, commands and jobs.

    Both raise StoreUnavailable when the database does not answer now, StoreRefused for a value
    that it never takes, and ConstraintViolated, a StoreRefused, when another row stands against it.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        """For this package, and for tests that tamper with rows."""
        self._reading: dict[str, Any] = {"reading": True}
        if engine.dialect.name == "postgresql":
            self._reading |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

    @classmethod
    def open(cls, url: str, password: str | None = None) -> Self:
        """The database that an SQLAlchemy URL names; BadInput when it names none."""
        return cls(open_engine(url, password))

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.engine.dialect.name

    @property
    def url(self) -> URL:
        """Where it is, with the password."""
        return self.engine.url

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Everything read inside is of one moment. Waits for no writer; do not write in it."""
        try:
            with self.engine.connect().execution_options(**self._reading) as db:
                yield db
        except SQLAlchemyError as error:
            raise _mapped(error) from error

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back by whatever is raised inside. SQLite
        has one at a time.
        """
        try:
            with self.engine.begin() as db:
                yield db
        except SQLAlchemyError as error:
            raise _mapped(error) from error

    def prepare(self) -> None:
        """The tables this program needs are there: SQLite's are made and brought up to date here; a
        PostgreSQL, which other programs share, is never changed by a running one.

        Raises StoreUnavailable, with the command that mends it, when they are not.
        """
        with self.read() as db:
            stands = migrations.version(db)
        if stands == migrations.HEAD:
            return
        if self.dialect == "sqlite" and (stands is None or stands < migrations.HEAD):
            self.migrate()
            return
        if stands is not None and stands > migrations.HEAD:
            raise StoreUnavailable(
                f"records (SMARTBIN_RECORDS_URL): the database is at step {stands}, this program "
                f"knows {migrations.HEAD}; run the newer program"
            )
        raise StoreUnavailable(
            f"records (SMARTBIN_RECORDS_URL): the database is at step {stands or 'none'}, this "
            f"program needs {migrations.HEAD}; run 'smartbin migrate'"
        )

    def migrate(self) -> tuple[str | None, str]:
        """Apply every step that is missing, all or none; answers from where to where."""
        with self.write() as db:
            return migrations.upgrade(db)

    def check(self) -> None:
        """Ask for a sign of life; raises StoreUnavailable with a sentence an operator can act
        on.
        """
        with self.read() as db:
            db.execute(select(1))

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        self.engine.dispose()


def wait_for(ask: Callable[[], None], wait_s: float) -> None:
    """Ask (``prepare`` or ``check``) until there is an answer: services start in any order, and a
    command may be typed right after them. Raises the last StoreUnavailable after ``wait_s``.
    """
    deadline_s = time.monotonic() + wait_s
    while True:
        try:
            return ask()
        except StoreUnavailable as error:
            if time.monotonic() >= deadline_s:
                raise
            log.warning("%s; trying again", error)
            time.sleep(RETRY_DELAY_S)


def _mapped(error: SQLAlchemyError) -> StoreRefused | StoreUnavailable:
    """The one place that says what a caller can do about a driver's error."""
    if isinstance(error, IntegrityError):
        return ConstraintViolated(f"records: {error}")
    if isinstance(error, DataError):
        return StoreRefused(f"records: {error}")
    return StoreUnavailable(f"records (SMARTBIN_RECORDS_URL): {error}")

"""The engine of the records' database: how SQLite and PostgreSQL are connected to."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DataError

from smartbin.core.errors import BadInput

log = logging.getLogger(__name__)
RETRY_DELAY_S = 2.0
BUSY_TIMEOUT_S = 5
# A connection that died without a word is noticed after 10 + 3 * 5 s. Linux would take two hours:
# who waits for an answer, the gateway's one thread too, would wait as long; and the server would
# keep the locks of what its dead client had begun.
_NOTICED = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
_SERVER_NOTICES = """SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5;
    SET tcp_keepalives_count = 3; SET tcp_user_timeout = 20000;
    SET idle_in_transaction_session_timeout = 60000"""


def open_engine(url: str, password: str | None = None) -> Engine:
    """The records' database that an SQLAlchemy URL names; BadInput when it names none."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # ValueError: a port that is not a number
        raise BadInput(
            "SMARTBIN_RECORDS_URL is not a database URL; use sqlite:///PATH or "
            "postgresql+psycopg://USER@HOST/DATABASE"
        ) from None
    if parsed.drivername == "sqlite":
        if parsed.database:
            _make_folder(Path(parsed.database).parent)
        engine = create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_S})
        event.listen(engine, "connect", _pragmas)
        event.listen(engine, "begin", _begin_immediate)
        event.listen(engine, "handle_error", _too_large, retval=True)
        return engine
    if parsed.drivername == "postgresql+psycopg":
        named = parsed.set(password=password or parsed.password)
        engine = create_engine(named, pool_pre_ping=True, connect_args=_NOTICED)
        event.listen(engine, "connect", _server_notices)
        return engine
    raise BadInput(
        f"SMARTBIN_RECORDS_URL: {parsed.drivername!r} is not supported; use sqlite:///PATH or "
        "postgresql+psycopg://USER@HOST/DATABASE"
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"SMARTBIN_RECORDS_URL: cannot make {folder} ({error.strerror}); name another path"
        ) from None


def _pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, and say IMMEDIATE
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        # The pages that a day's lines and marks fall on, and a log that takes them several times
        # over: a page that many batches change is carried into the file once.
        "cache_size=-4096",
        "wal_autocheckpoint=8192",
        "journal_size_limit=67108864",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _too_large(context: ExceptionContext) -> BaseException | None:
    """SQLite's driver raises an error of no database for a number over 64 bits."""
    if isinstance(context.original_exception, OverflowError):
        return DataError(context.statement, context.parameters, context.original_exception)
    return None


def _server_notices(connection: Any, _record: Any) -> None:
    connection.execute(_SERVER_NOTICES)
    connection.commit()


def _begin_immediate(connection: Any) -> None:
    # A read turned write inside a deferred transaction is "database is locked" at once. One that
    # says it only reads must not wait for the gateway's write.
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

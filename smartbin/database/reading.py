"""Reading records: one moment's state, without waiting for whoever writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from smartbin.core.errors import StoreUnavailable


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Everything read in it is of one moment; raises StoreUnavailable."""
    try:
        with engine.connect().execution_options(reading=True) as db:
            if db.dialect.name == "postgresql":
                db.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            yield db
    except SQLAlchemyError as error:
        raise StoreUnavailable(f"records: {error}") from error

"""The embedded telemetry store's writing half: one SQLite file, one process writing at a time.

WAL, ``synchronous=FULL`` (a power cut loses nothing that ``append`` returned from), ``BEGIN
IMMEDIATE`` (a reading transaction that turns into a writing one fails as "database is locked"
without waiting).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from smartbin.core.calendar import Slots
from smartbin.core.errors import BadInput, SecondTelling, StoreUnavailable
from smartbin.facts.events import Deposit, Fact, LevelReading
from smartbin.telemetry.sqlite.rollups import add_deposits, add_levels, add_presence
from smartbin.telemetry.sqlite.schema import (
    BUSY_WAIT_S,
    SCHEMA,
    VERSION,
    mismatch,
    typed_errors,
    version_of,
)
from smartbin.telemetry.sqlite.tables import TABLES, Row

WAL_PAGES = 8192
"""How many pages of 4 KiB the log takes before they are carried into the file: a page that many
batches change is carried once."""


_ADD: Mapping[type[Fact], str] = {fact: table.insert() for fact, table in TABLES.items()}
_ROW: Mapping[type[Fact], Callable[[Any, int, int], Row]] = {
    fact: table.row_of for fact, table in TABLES.items()
}
_ROLL_UP: Mapping[type[Fact], Callable[[sqlite3.Connection, list[Row]], None]] = {
    LevelReading: add_levels,
    Deposit: add_deposits,
}


class SqliteWriter:
    """The writing half. Makes the file and its tables, and brings an older version's file up to
    date; raises BadInput when the file keeps days of another zone or comes from a newer version.
    """

    def __init__(self, path: Path, zone: ZoneInfo) -> None:
        self._path = path
        self._slots = Slots(zone)
        with typed_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            # No transaction but ours; handed from the thread that makes it to the one that pumps.
            self._db: sqlite3.Connection | None = sqlite3.connect(
                path, timeout=BUSY_WAIT_S, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare(self._db, zone)
            except BaseException:
                self._db.close()
                raise

    def _prepare(self, db: sqlite3.Connection, zone: ZoneInfo) -> None:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute(f"PRAGMA journal_size_limit={WAL_PAGES * 8192}")
        db.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")
        db.execute("PRAGMA cache_size=-4096")
        with _writing(db):
            version = version_of(db)
            if version == 0:
                for statement in SCHEMA:
                    db.execute(statement)
                db.execute("INSERT INTO meta VALUES (?)", (zone.key,))
            elif problem := mismatch(db, self._path, zone, oldest=1):
                raise BadInput(problem)
            for table in TABLES.values() if 0 < version < VERSION else ():
                for statement in table.additions(version):
                    db.execute(statement)
            db.execute(f"PRAGMA user_version={VERSION}")

    def append(self, facts: Sequence[Fact]) -> None:
        """See the port. One transaction: all of ``facts`` or, when it raises, none (but for a
        SecondTelling).
        """
        if self._db is None:
            raise StoreUnavailable(f"telemetry file {self._path}: closed")
        with typed_errors(self._path):
            rows: dict[type[Fact], list[Row]] = {}
            for fact in facts:
                kind = type(fact)
                day, hour = self._slots.of(fact.at_us)
                rows.setdefault(kind, []).append(_ROW[kind](fact, day, hour))
            others: list[Fact] = []
            with _writing(self._db):
                add = self._db.cursor().execute
                for kind, values in rows.items():
                    sql = _ADD[kind]
                    new = [row for row in values if add(sql, row).rowcount]
                    if len(new) < len(values):
                        others += self._second_tellings(self._db, kind, values, facts)
                    add_presence(self._db, new)
                    if roll_up := _ROLL_UP.get(kind):
                        roll_up(self._db, new)
        if others:
            raise SecondTelling(others)

    def _second_tellings(
        self, db: sqlite3.Connection, kind: type[Fact], rows: Sequence[Row], facts: Sequence[Fact]
    ) -> list[Fact]:
        """The facts of a kind, whose ``rows`` were given, that are kept otherwise."""
        find, key_of = TABLES[kind].find(), TABLES[kind].pick(*TABLES[kind].keys)
        told = (fact for fact in facts if type(fact) is kind)
        return [
            fact
            for fact, row in zip(told, rows, strict=True)
            if db.execute(find, key_of(row)).fetchone() != row[:-2]
        ]

    def close(self) -> None:
        """Release the file."""
        if self._db is not None:
            self._db.close()
            self._db = None


@contextmanager
def _writing(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")

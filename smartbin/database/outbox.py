"""The outbox: what happened, written in the transaction that keeps it.

Readers take the rows in the order of their ids and remember the last one they read. That order is
the order of the commits: SQLite has one writer at a time; on PostgreSQL a writer holds a lock from
just before it takes an id until its commit. Otherwise a transaction that commits late would show an
id below one that was read already, and its row would never be read
(docs/decisions/0018-one-outbox.md).

A payload names things by their ids and keys, and never a person, card or account.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic_core import to_json
from sqlalchemy import Connection, delete, func, insert, select

from smartbin.core import calendar
from smartbin.database import Database
from smartbin.database.bulk import insert_many
from smartbin.database.tables import outbox, outbox_fact

KEPT_US = calendar.US_PER_DAY
ROWS_MAX = 20_000
"""Rows are kept for a day, and at most this many: a reader that was away for longer starts anew."""
_TRIM_AT_ONCE = 500  # a transaction: it holds SQLite's only write lock
_ORDER_LOCK = 0x5B1_0005


Payload = Mapping[str, Any]


class OutboxKind(StrEnum):
    """What a row says happened. The first four hold facts of devices, many in a row."""

    DEPOSIT = "deposit"
    COLLECTION = "collection"
    LEVEL = "level"
    ALARM = "alarm"
    VERDICT = "verdict"
    CONFIRMATION = "confirmation"
    PROBLEM = "problem"
    REDEMPTION = "redemption"
    ACCOUNTS = "accounts"


class OutboxRow(NamedTuple):
    """A whole row; ``at_us`` is when it was written."""

    id: int
    at_us: int
    kind: str
    payload: str

    def content(self) -> dict[str, Any]:
        """What the payload says."""
        return dict(json.loads(self.payload))


class OutboxPosition(NamedTuple):
    """A row that was read. Its time tells it from another row of the same id: a database restored
    from a backup counts on from where the backup was taken.
    """

    id: int
    at_us: int


class OutboxHead(NamedTuple):
    """A row without its payload."""

    position: OutboxPosition
    kind: str


START = OutboxPosition(0, 0)
"""Before the first row."""


def write(
    db: Connection, rows: Sequence[tuple[OutboxKind, Mapping[str, Any]]], now_us: int
) -> None:
    """Add rows to the caller's transaction. Call it last: what comes after it in the transaction
    makes all other writers of the outbox wait on PostgreSQL.
    """
    if not rows:
        return
    if db.dialect.name == "postgresql":
        db.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ORDER_LOCK})")
    # A payload holds every deposit of a batch: the standard library takes nearly three times as
    # long to encode it.
    values = [
        {"at_us": now_us, "kind": kind.value, "payload": to_json(payload).decode()}
        for kind, payload in rows
    ]
    insert_many(db, insert(outbox).inline(), values)


def newest(db: Connection) -> OutboxPosition:
    """The position of the last row; START when there was none yet."""
    return _position(db, outbox.c.id.desc()) or START


def follows(db: Connection, position: OutboxPosition) -> bool:
    """Whether every row after this position is still there: the row itself is kept, or is START
    and none was removed.
    """
    if position == START:
        first = _position(db, outbox.c.id)
        return first is None or first.id == 1
    row = select(outbox.c.at_us).where(outbox.c.id == position.id)
    return db.execute(row).scalar() == position.at_us


def heads_after(db: Connection, id: int, limit: int) -> list[OutboxHead]:
    """The next rows without their payloads, in order."""
    table = outbox.c
    asked = select(table.id, table.at_us, table.kind).where(table.id > id)
    rows = db.execute(asked.order_by(table.id).limit(limit))
    return [OutboxHead(OutboxPosition(row.id, row.at_us), row.kind) for row in rows]


def rows_after(db: Connection, id: int, limit: int, until: int | None = None) -> list[OutboxRow]:
    """The next rows, in order, up to and including the row ``until``."""
    table = outbox.c
    asked = select(table.id, table.at_us, table.kind, table.payload).where(table.id > id)
    if until is not None:
        asked = asked.where(table.id <= until)
    return [OutboxRow(*row) for row in db.execute(asked.order_by(table.id).limit(limit))]


def trim(database: Database, now_us: int, rows_max: int = ROWS_MAX) -> int:
    """Remove what is too old or too much, some rows in a transaction; answers how many rows. The
    newest row stays: it is the position that readers continue from.
    """
    table = outbox.c
    with database.read() as db:
        last = newest(db)
        too_many = select(table.id).order_by(table.id.desc()).offset(rows_max).limit(1)
        # Up to the first one that is young: a writer whose clock is behind must not end the others.
        young = select(func.min(table.id)).where(table.at_us >= now_us - KEPT_US)
        ends = db.execute(too_many).scalar() or 0, (db.execute(young).scalar() or last.id) - 1
    end, count = min(max(ends), last.id - 1), 0
    while True:
        with database.write() as db:
            ids = select(table.id).where(table.id <= end).order_by(table.id).limit(_TRIM_AT_ONCE)
            some = list(db.execute(ids).scalars())
            if some:
                db.execute(delete(outbox).where(table.id <= some[-1]))
            count += len(some)
            if len(some) < _TRIM_AT_ONCE:
                if count and (first := _position(db, table.id)):
                    db.execute(delete(outbox_fact).where(outbox_fact.c.kept_us < first.at_us))
                return count


def _position(db: Connection, order: Any) -> OutboxPosition | None:
    row = db.execute(select(outbox.c.id, outbox.c.at_us).order_by(order).limit(1)).first()
    return None if row is None else OutboxPosition(row.id, row.at_us)

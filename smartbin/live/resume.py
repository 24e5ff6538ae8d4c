"""Where a stream begins: at the newest row, after what its client missed since its last event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from smartbin.database import Database, outbox
from smartbin.database.outbox import OutboxPosition, OutboxRow
from smartbin.live.rules import EventId

ROWS_AT_ONCE = 20
# What a client may miss while its line is down; after more it is told to reload.
ROWS_MAX, LENGTH_MAX = 2_000, 1_000_000


class Resumed(NamedTuple):
    """``begun`` is the newest row. ``missed`` are the rows up to it that follow ``last``, and that
    one too if it was sent in part; None when the client is to reload.
    """

    begun: EventId
    last: EventId
    missed: Sequence[OutboxRow] | None


def resume(database: Database, last_id: str | None) -> Resumed:
    """Where a client goes on that has an event's id, or none. Raises StoreUnavailable."""
    with database.read() as db:
        begun = EventId(*outbox.newest(db))
        if last_id is None:
            return Resumed(begun, begun, [])
        last = EventId.parse(last_id)
        if last is None or not outbox.follows(db, OutboxPosition(last.row, last.at_us)):
            return Resumed(begun, begun, None)
        return Resumed(begun, last, _missed(db, last, begun))


def _missed(db: Connection, last: EventId, begun: EventId) -> Sequence[OutboxRow] | None:
    after = last.row if last.sent is None else last.row - 1
    rows: list[OutboxRow] = []
    length = 0
    while some := outbox.rows_after(db, after, ROWS_AT_ONCE, begun.row):
        rows += some
        length += sum(len(row.payload) for row in some)
        if len(rows) > ROWS_MAX or length > LENGTH_MAX:
            return None
        after = some[-1].id
    return rows

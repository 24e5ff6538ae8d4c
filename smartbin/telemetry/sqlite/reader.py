"""The embedded telemetry store's reading half: a bounded pool of read-only connections, one
snapshot an answer.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from heapq import merge
from itertools import chain, islice
from pathlib import Path
from queue import Empty, LifoQueue
from typing import TypeVar
from zoneinfo import ZoneInfo

from smartbin.core import calendar
from smartbin.core.calendar import US_PER_HOUR, Days
from smartbin.core.errors import StoreUnavailable
from smartbin.facts.events import (
    Alarm,
    Collection,
    Deposit,
    DoorKey,
    Fact,
    Item,
    LevelReading,
    Span,
    Status,
)
from smartbin.telemetry import DayPresence, DoorTotals, ItemTotals
from smartbin.telemetry.sqlite.schema import BUSY_WAIT_S, mismatch, typed_errors
from smartbin.telemetry.sqlite.tables import ALARM, COLLECTION, DEPOSIT, LEVEL, STATUS, FactTable

READERS_MAX = 8
"""Connections a reader holds at most; a thread waits for a free one as long as for a lock."""

DOORS_AT_ONCE = 1000
"""Doors in one statement, which SQLite lets have 32,766 variables."""

F = TypeVar("F", bound=Fact)


class SqliteReader:
    """The reading half, for any number of threads. The file may come into being later: until
    then every question is StoreUnavailable.
    """

    def __init__(self, path: Path, zone: ZoneInfo) -> None:
        self._path = path
        self._zone = zone
        self._idle: LifoQueue[sqlite3.Connection | None] = LifoQueue()
        for _ in range(READERS_MAX):
            self._idle.put(None)

    @contextmanager
    def _snapshot(self) -> Iterator[sqlite3.Connection]:
        """A connection of the pool in a transaction of its own: one answer, one state."""
        try:
            db = self._idle.get(timeout=BUSY_WAIT_S)
        except Empty:
            raise StoreUnavailable(
                f"telemetry file {self._path}: {READERS_MAX} questions are being answered and "
                f"none ended within {BUSY_WAIT_S:g} s"
            ) from None
        try:
            with typed_errors(self._path):
                db = db or self._connect()
                db.execute("BEGIN")
                try:
                    yield db
                finally:
                    db.execute("ROLLBACK")
        except BaseException:
            if db is not None:
                db.close()
            db = None
            raise
        finally:
            self._idle.put(db)

    def _connect(self) -> sqlite3.Connection:
        if not self._path.exists():
            raise StoreUnavailable(
                f"telemetry file {self._path} does not exist yet: start the gateway, which makes "
                "it (SMARTBIN_TELEMETRY_URL must be the same for both)"
            )
        db = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=ro",
            uri=True, timeout=BUSY_WAIT_S, isolation_level=None, check_same_thread=False,
        )  # fmt: skip
        if problem := mismatch(db, self._path, self._zone):
            db.close()
            raise StoreUnavailable(problem)
        return db

    def latest_levels(
        self, doors: Iterable[DoorKey], since_us: int
    ) -> Mapping[DoorKey, LevelReading]:
        """See the port."""
        found: dict[DoorKey, LevelReading] = {}
        keys = list(dict.fromkeys(doors))
        with self._snapshot() as db:
            for start in range(0, len(keys), DOORS_AT_ONCE):
                some = keys[start : start + DOORS_AT_ONCE]
                sql = _LATEST.format(",".join(["(?,?)"] * len(some)))
                for row in db.execute(sql, [*chain.from_iterable(some), since_us]):
                    found[DoorKey(row[0], row[1])] = LEVEL.fact_of(*row)
        return found

    def levels(self, device: str, start_us: int, end_us: int, limit: int) -> Sequence[LevelReading]:
        """See the port."""
        with self._snapshot() as db:
            doors = [
                DoorKey(device, door)
                for (door,) in db.execute(_DOORS_WITH_LEVELS, (device, device))
            ]
            return _newest_first(db, LEVEL, doors, start_us, end_us, limit)

    def full_since(
        self, thresholds: Mapping[DoorKey, int], before_us: int, since_us: int
    ) -> Mapping[DoorKey, int]:
        """See the port."""
        last_hour = before_us // US_PER_HOUR
        window = {
            "since_us": since_us,
            "before_us": before_us,
            "first_hour": since_us // US_PER_HOUR,
            "last_hour": last_hour,
            "last_us": max(since_us, last_hour * US_PER_HOUR),
            "hour_us": US_PER_HOUR,
        }
        began: dict[DoorKey, int] = {}
        with self._snapshot() as db:
            for key, pct in thresholds.items():
                asked = {**window, "device": key.device, "door": key.door, "pct": pct}
                (at_us,) = db.execute(_FULL_SINCE, asked).fetchone()
                if at_us is not None:
                    began[key] = at_us
        return began

    def deposit_totals(self, spans: Sequence[Span], *, by_day: bool) -> Sequence[DoorTotals]:
        """See the port."""
        columns = (
            "day, deposits, weight_g, judged, correct"
            if by_day
            else "min(day), sum(deposits), sum(weight_g), sum(judged), sum(correct)"
        )
        sql = f"SELECT {columns} FROM deposit_day WHERE device=? AND door=? AND day BETWEEN ? AND ?"
        with self._snapshot() as db:
            return [
                DoorTotals(
                    span.door, date.fromordinal(day) if by_day else span.days.first, *figures
                )
                for span in spans
                for day, *figures in db.execute(sql, _where(span))
                if day is not None
            ]

    def item_totals(self, spans: Sequence[Span]) -> Sequence[ItemTotals]:
        """See the port."""
        sql = """SELECT item, sum(deposits), sum(weight_g) FROM deposit_item_day
            WHERE device=? AND door=? AND day BETWEEN ? AND ? GROUP BY item ORDER BY item"""
        with self._snapshot() as db:
            return [
                ItemTotals(span.door, Item(item), deposits, weight_g)
                for span in spans
                for item, deposits, weight_g in db.execute(sql, _where(span))
            ]

    def deposits(
        self, doors: Iterable[DoorKey], start_us: int, end_us: int, limit: int
    ) -> Sequence[Deposit]:
        """See the port."""
        with self._snapshot() as db:
            return _newest_first(db, DEPOSIT, doors, start_us, end_us, limit)

    def collections(
        self, doors: Iterable[DoorKey], start_us: int, end_us: int, limit: int
    ) -> Sequence[Collection]:
        """See the port."""
        with self._snapshot() as db:
            return _newest_first(db, COLLECTION, doors, start_us, end_us, limit)

    def latest_statuses(self, devices: Iterable[str]) -> Mapping[str, Status]:
        """See the port."""
        sql = f"{STATUS.select()} WHERE device=? ORDER BY at_us DESC LIMIT 1"
        with self._snapshot() as db:
            rows = (db.execute(sql, (device,)).fetchone() for device in devices)
            return {row[0]: STATUS.fact_of(*row) for row in rows if row}

    def active_alarms(self, devices: Iterable[str]) -> Sequence[Alarm]:
        """See the port."""
        # Of a group SQLite gives the other columns from the row that holds the maximum.
        newest = ALARM.select().replace("at_us", "max(at_us)")
        sql = f"{newest} WHERE device=? GROUP BY door, type ORDER BY door, type"
        with self._snapshot() as db:
            found = [
                ALARM.fact_of(*row)
                for name in dict.fromkeys(devices)
                for row in db.execute(sql, (name,))
            ]
            return [alarm for alarm in found if alarm.active]

    def presence(self, devices: Iterable[str], days: Days, until_us: int) -> Sequence[DayPresence]:
        """See the port."""
        today = calendar.day_of(until_us, self._zone).toordinal()
        passed = (1 << calendar.hour_of_day(until_us, self._zone)) - 1
        mask_of = {True: -1, False: 0}
        sql = """SELECT day, hours, messages, seq_min, seq_max FROM presence
            WHERE device=? AND day BETWEEN ? AND ?"""
        window = days.first.toordinal(), days.last.toordinal()
        with self._snapshot() as db:
            return [
                DayPresence(
                    *(device, date.fromordinal(day)),
                    (hours & (passed if day == today else mask_of[day < today])).bit_count(),
                    *figures,
                )
                for device in dict.fromkeys(devices)
                for day, hours, *figures in db.execute(sql, (device, *window))
            ]

    def counters(self, device: str, start_us: int, end_us: int, limit: int) -> Sequence[int]:
        """See the port."""
        asked = {"device": device, "start_us": start_us, "end_us": end_us, "limit": limit}
        with self._snapshot() as db:
            return [seq for (seq,) in db.execute(_COUNTERS, asked)]

    def check(self) -> None:
        """See the port."""
        with self._snapshot() as db:
            db.execute("SELECT zone FROM meta").fetchone()

    def close(self) -> None:
        """Close the idle connections; one in use is closed by the garbage collector."""
        for _ in range(self._idle.qsize()):
            if (db := self._idle.get_nowait()) is not None:
                db.close()
            self._idle.put(None)


# For all doors in one statement: a statement a door cost as much again around the seek.
_LATEST = f"""WITH asked (device, door) AS (VALUES {{}})
    SELECT {LEVEL.columns}
    FROM asked CROSS JOIN level USING (device, door) WHERE at_us=(
        SELECT max(at_us) FROM level
        WHERE device=asked.device AND door=asked.door AND at_us>=?)"""


def _doors_with(table: str, device: str) -> str:
    """One seek a door; DISTINCT would read every row of the device."""
    return f"""WITH RECURSIVE known(door) AS (
    SELECT min(door) FROM {table} WHERE device={device}
    UNION ALL
    SELECT (SELECT min(door) FROM {table} WHERE device={device} AND door>known.door) FROM known
    WHERE door IS NOT NULL)
    SELECT door FROM known WHERE door IS NOT NULL"""


_DOORS_WITH_LEVELS = _doors_with("level", "?")
_IN_WINDOW = "device=:device AND at_us>=:start_us AND at_us<:end_us AND seq IS NOT NULL"
_SEQS = [f"SELECT at_us, seq FROM status WHERE {_IN_WINDOW}"]
_SEQS += [
    f"SELECT at_us, seq FROM ({_doors_with(table.name, ':device')}) CROSS JOIN {table.name} "
    f"USING (door) WHERE {_IN_WINDOW}"
    for table in (LEVEL, DEPOSIT, COLLECTION, ALARM)
]
_COUNTERS = f"""SELECT seq FROM ({" UNION ALL ".join(_SEQS)})
    ORDER BY at_us / 1000, seq LIMIT :limit"""

_AT_DOOR = "device=:device AND door=:door"
# The first full reading at or after the newest one that was not: looked for in the last, possibly
# unfinished hour, else in the newest earlier hour that had one.
_FULL_SINCE = f"""SELECT min(at_us) FROM level WHERE {_AT_DOOR} AND level_pct>=:pct
    AND at_us<:before_us AND at_us>=coalesce(
        (SELECT max(at_us) FROM level WHERE {_AT_DOOR} AND level_pct<:pct
            AND at_us>=:last_us AND at_us<:before_us),
        (SELECT max(at_us) FROM level, (
            SELECT max(utc_hour) * :hour_us AS low_us FROM level_low WHERE {_AT_DOOR}
            AND level_pct<:pct AND utc_hour>=:first_hour AND utc_hour<:last_hour)
            WHERE {_AT_DOOR} AND level_pct<:pct
            AND at_us>=max(low_us, :since_us) AND at_us<low_us + :hour_us),
        :since_us)"""


def _where(span: Span) -> tuple[str, str, int, int]:
    return (*span.door, span.days.first.toordinal(), span.days.last.toordinal())


def _newest_first(
    db: sqlite3.Connection,
    table: FactTable[F],
    doors: Iterable[DoorKey],
    start_us: int,
    end_us: int,
    limit: int,
) -> list[F]:
    """The facts of some doors in ``[start_us, end_us)``, newest first, of one instant by door."""
    where = "device=? AND door=? AND at_us>=? AND at_us<?"
    sql = f"{table.select()} WHERE {where} ORDER BY at_us DESC LIMIT ?"
    cursors = [db.execute(sql, (*door, start_us, end_us, limit)) for door in dict.fromkeys(doors)]
    rows = merge(*cursors, key=lambda row: (-row[2], row[0], row[1]))
    return [table.fact_of(*row) for row in islice(rows, limit)]

"""The embedded telemetry store: one SQLite file, one writer, many readers.

WAL with ``synchronous=FULL``: when ``append`` returns, the facts are on the disk and visible.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from smartbin import calendar
from smartbin.calendar import Days
from smartbin.errors import StoreRefused, StoreUnavailable
from smartbin.events import (
    Alarm,
    AlarmType,
    Collection,
    Deposit,
    DeviceState,
    DoorKey,
    Fact,
    Item,
    Judge,
    LevelReading,
    Status,
    Verdict,
)
from smartbin.telemetry import DayPresence, DoorTotals, ItemTotals, Span
from smartbin.telemetry.sqlite_schema import SCHEMA

BUSY_TIMEOUT_S = 5.0
# A fact's table and columns; its day and hour bit come last.
_ROW: dict[type, tuple[str, Callable[[Any], tuple[Any, ...]]]] = {
    LevelReading: ("level", lambda f: (f.device, f.door, f.at_us, f.level_pct, f.fault, f.seq)),
    Deposit: (
        "deposit",
        lambda f: (f.device, f.door, f.at_us, f.weight_g, f.verdict, f.judge, f.item, f.seq),
    ),
    Collection: (
        "collection",
        lambda f: (f.device, f.door, f.at_us, f.gross_g, f.tare_g, f.crew, f.seq),
    ),
    Status: (
        "status",
        lambda f: (
            f.device, f.at_us, f.state, f.battery_pct, f.voltage_mv, f.rssi_dbm,
            f.temperature_c, f.firmware, f.seq,
        ),
    ),
    Alarm: ("alarm", lambda f: (f.device, f.door, f.type, f.at_us, int(f.active), f.seq)),
}  # fmt: skip
_WIDTH = {"level": 8, "deposit": 10, "collection": 9, "status": 11, "alarm": 8}


@contextmanager
def _mapped(path: str) -> Iterator[None]:
    """SQLite's errors as the port's two kinds."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.DataError, OverflowError) as error:
        raise StoreRefused(f"{path}: {error}") from error
    except sqlite3.Error as error:
        raise StoreUnavailable(f"telemetry store {path}: {error}") from error


def _connect(path: str, *, read_only: bool) -> sqlite3.Connection:
    if read_only and not Path(path).exists():
        raise StoreUnavailable(f"telemetry store {path} does not exist yet: start the gateway")
    uri = f"{Path(path).absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    return sqlite3.connect(
        uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )


class SqliteWriter:
    """The writing half; one at a time, a second writer waits for the first."""

    def __init__(self, path: str, zone: ZoneInfo) -> None:
        self._path, self._zone = path, zone
        self._hours: dict[int, tuple[int, int]] = {}
        with _mapped(path):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            self._db = _connect(path, read_only=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(f"BEGIN IMMEDIATE;{SCHEMA}COMMIT;")
            self._claim_zone()

    def append(self, facts: Sequence[Fact]) -> None:
        """Keep facts in one transaction; see the port."""
        rows: dict[str, list[tuple[Any, ...]]] = {}
        for fact in facts:
            table, columns = _ROW[type(fact)]
            rows.setdefault(table, []).append((*columns(fact), *self._day_and_hour(fact.at_us)))
        with _mapped(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                for table, values in rows.items():
                    marks = ",".join("?" * _WIDTH[table])
                    # Not OR IGNORE: that would silently drop a row a constraint refuses.
                    self._db.executemany(
                        f"INSERT INTO {table} VALUES ({marks}) ON CONFLICT DO NOTHING",
                        values,
                    )
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _day_and_hour(self, at_us: int) -> tuple[int, int]:
        quarter = at_us // (calendar.US_PER_HOUR // 4)  # zones are offset by quarters of an hour
        known = self._hours.get(quarter)
        if known is None:
            if len(self._hours) > 100_000:
                self._hours.clear()
            try:
                day = calendar.day_of(at_us, self._zone)
                hour = calendar.hour_of_day(at_us, self._zone)
            except (OverflowError, ValueError) as error:
                raise StoreRefused(f"at_us {at_us}: {error}") from error
            known = self._hours[quarter] = (day.toordinal(), 1 << hour)
        return known

    def _claim_zone(self) -> None:
        """Roll-ups are by the site's days, so a file belongs to one zone."""
        self._db.execute("INSERT OR IGNORE INTO meta VALUES ('zone', ?)", (self._zone.key,))
        (zone,) = self._db.execute("SELECT value FROM meta WHERE name = 'zone'").fetchone()
        if zone != self._zone.key:
            raise StoreUnavailable(
                f"{self._path} was made for zone {zone}, the site is in {self._zone.key}: name "
                "another file in SMARTBIN_TELEMETRY_URL and copy the facts over"
            )


class SqliteReader:
    """The reading half; a connection a thread, opened read-only."""

    def __init__(self, path: str, zone: ZoneInfo) -> None:
        self._path, self._zone = path, zone
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._lock = threading.Lock()

    def latest_levels(
        self, doors: Iterable[DoorKey], since_us: int
    ) -> Mapping[DoorKey, LevelReading]:
        """See the port."""
        sql = """SELECT device, door, at_us, level_pct, fault, seq FROM level
                 WHERE device = ? AND door = ? AND at_us >= ? ORDER BY at_us DESC LIMIT 1"""
        rows = (row for key in doors for row in self._all(sql, (*key, since_us)))
        return {DoorKey(row[0], row[1]): LevelReading(*row) for row in rows}

    def levels(self, device: str, start_us: int, end_us: int, limit: int) -> Sequence[LevelReading]:
        """See the port."""
        sql = """SELECT device, door, at_us, level_pct, fault, seq FROM level WHERE device = ?
                 AND door IN (SELECT DISTINCT door FROM level WHERE device = ?)
                 AND at_us >= ? AND at_us < ? ORDER BY at_us DESC, door LIMIT ?"""
        rows = self._all(sql, (device, device, start_us, end_us, limit))
        return [LevelReading(*row) for row in rows]

    def full_since(
        self, door: DoorKey, threshold_pct: int, before_us: int, since_us: int
    ) -> int | None:
        """See the port."""
        known = "device = ? AND door = ? AND at_us >= ? AND at_us < ? AND level_pct"
        below = self._all(
            f"SELECT at_us FROM level WHERE {known} < ? ORDER BY at_us DESC LIMIT 1",
            (*door, since_us, before_us, threshold_pct),
        )
        start_us = below[0][0] if below else since_us
        first = self._all(
            f"SELECT at_us FROM level WHERE {known} >= ? ORDER BY at_us LIMIT 1",
            (*door, start_us, before_us, threshold_pct),
        )
        return first[0][0] if first else None

    def deposit_totals(self, spans: Sequence[Span], *, by_day: bool) -> Sequence[DoorTotals]:
        """See the port."""
        figures = (
            "day, deposits, weight_g, judged, correct"
            if by_day
            else "min(day), sum(deposits), sum(weight_g), sum(judged), sum(correct)"
        )
        sql = f"""SELECT {figures} FROM deposit_day
                  WHERE device = ? AND door = ? AND day BETWEEN ? AND ?"""
        totals = []
        for span in spans:
            first, last = span.days.first.toordinal(), span.days.last.toordinal()
            for day, *sums in self._all(sql, (*span.door, first, last)):
                if day is not None:
                    told = date.fromordinal(day) if by_day else span.days.first
                    totals.append(DoorTotals(span.door, told, *sums))
        return totals

    def item_totals(self, spans: Sequence[Span]) -> Sequence[ItemTotals]:
        """See the port."""
        sql = """SELECT item, sum(deposits), sum(weight_g) FROM item_day
                 WHERE device = ? AND door = ? AND day BETWEEN ? AND ?
                 GROUP BY item ORDER BY item"""
        return [
            ItemTotals(span.door, Item(item), deposits, weight_g)
            for span in spans
            for item, deposits, weight_g in self._all(
                sql, (*span.door, span.days.first.toordinal(), span.days.last.toordinal())
            )
        ]

    def deposits(
        self, doors: Iterable[DoorKey], start_us: int, end_us: int, limit: int
    ) -> Sequence[Deposit]:
        """See the port."""

        def made(row: tuple[Any, ...]) -> Deposit:
            device, door, at_us, weight_g, verdict, judge, item, seq = row
            return Deposit(
                device, door, at_us, weight_g,
                Verdict(verdict) if verdict else None,
                Judge(judge) if judge else None,
                Item(item) if item else None, None, seq,
            )  # fmt: skip

        columns = "device, door, at_us, weight_g, verdict, judge, item, seq"
        return self._newest("deposit", columns, doors, (start_us, end_us, limit), made)

    def collections(
        self, doors: Iterable[DoorKey], start_us: int, end_us: int, limit: int
    ) -> Sequence[Collection]:
        """See the port."""
        columns = "device, door, at_us, gross_g, tare_g, crew, seq"
        window = (start_us, end_us, limit)
        return self._newest("collection", columns, doors, window, lambda row: Collection(*row))

    def latest_statuses(self, devices: Iterable[str]) -> Mapping[str, Status]:
        """See the port."""
        sql = """SELECT device, at_us, state, battery_pct, voltage_mv, rssi_dbm, temperature_c,
                 firmware, seq FROM status WHERE device = ? ORDER BY at_us DESC LIMIT 1"""
        rows = (row for device in devices for row in self._all(sql, (device,)))
        return {row[0]: Status(row[0], row[1], DeviceState(row[2]), *row[3:]) for row in rows}

    def active_alarms(self, devices: Iterable[str]) -> Sequence[Alarm]:
        """See the port."""
        sql = """SELECT door, type, max(at_us), active, seq FROM alarm WHERE device = ?
                 GROUP BY door, type ORDER BY door, type"""
        return [
            Alarm(device, door, at_us, AlarmType(type_), True, seq)
            for device in devices
            for door, type_, at_us, active, seq in self._all(sql, (device,))
            if active
        ]

    def presence(self, devices: Iterable[str], days: Days) -> Sequence[DayPresence]:
        """See the port."""
        sql = """SELECT day, hours, messages, seq_min, seq_max FROM presence
                 WHERE device = ? AND day BETWEEN ? AND ?"""
        return [
            DayPresence(device, date.fromordinal(day), int(hours).bit_count(), *rest)
            for device in devices
            for day, hours, *rest in self._all(
                sql, (device, days.first.toordinal(), days.last.toordinal())
            )
        ]

    def check(self) -> None:
        """See the port."""
        self._all("SELECT value FROM meta", ())

    def close(self) -> None:
        """Close every thread's connection."""
        with self._lock:
            for db in self._open:
                db.close()
            self._open.clear()

    def _newest(
        self,
        table: str,
        columns: str,
        doors: Iterable[DoorKey],
        window: tuple[int, int, int],
        made: Callable[[tuple[Any, ...]], Any],
    ) -> list[Any]:
        start_us, end_us, limit = window
        sql = f"""SELECT {columns} FROM {table} WHERE device = ? AND door = ?
                  AND at_us >= ? AND at_us < ? ORDER BY at_us DESC LIMIT ?"""
        rows = [row for key in doors for row in self._all(sql, (*key, start_us, end_us, limit))]
        rows.sort(key=lambda row: (-row[2], row[0], row[1]))
        return [made(row) for row in rows[:limit]]

    def _all(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        with _mapped(self._path):
            return self._connection().execute(sql, values).fetchall()

    def _connection(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = _connect(self._path, read_only=True)
            self._local.db = db
            with self._lock:
                self._open.append(db)
        return db

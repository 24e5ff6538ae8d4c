"""The telemetry port: what a store of facts about things must do. One suite, ``tests/contract``,
says whether it does.

Writing and reading are two halves, so that the API cannot write by type. No promise is made that
a time-series database cannot keep: no transactions, no "was it new?". Facts of one identity are
one fact. When a second telling differs in content (a broken device, a counter that came round) the
first stands as a whole and SecondTelling names the others; InfluxDB does not ask what it has, and
merges them field by field.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from smartbin.core.calendar import Days
from smartbin.core.errors import BadInput, StoreRefused, StoreUnavailable
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

__all__ = [
    "DayPresence",
    "DoorTotals",
    "ItemTotals",
    "Span",
    "StoreRefused",
    "StoreUnavailable",
    "TelemetryReader",
    "TelemetrySource",
    "TelemetryWriter",
    "open_reader",
    "open_source",
    "open_writer",
    "setup",
]

INFLUX = ("influx+http://", "influx+https://")
"""How the address of an InfluxDB 2 begins."""


@dataclass(frozen=True, slots=True)
class DoorTotals:
    """Sums over the deposits of one door on one day, or over a span's days (``day`` is then the
    span's first day).

    ``judged`` and ``correct`` count the device's own verdicts; human verdicts are records and are
    applied by the reader.
    """

    door: DoorKey
    day: date
    deposits: int
    weight_g: int
    judged: int
    correct: int


@dataclass(frozen=True, slots=True)
class ItemTotals:
    """Sums over the deposits of one door that named an item, over a span's days."""

    door: DoorKey
    item: Item
    deposits: int
    weight_g: int


@dataclass(frozen=True, slots=True)
class DayPresence:
    """What was heard from a device on one day: in how many of its hours that have passed, how many
    messages, and their counters' range.
    """

    device: str
    day: date
    hours: int
    messages: int
    seq_min: int
    seq_max: int


class TelemetryWriter(Protocol):
    """The half that the gateway uses."""

    def append(self, facts: Sequence[Fact]) -> None:
        """Keep facts: durable and visible to readers when it returns; appending twice is
        appending once; order is free.

        Raises StoreUnavailable when any part may or may not have been written and the caller
        should repeat the call, StoreRefused when this content will never be taken, and
        SecondTelling, all else being kept, where a fact differs from the one of its identity. A
        deposit's ``account`` is not stored here.
        """

    def close(self) -> None:
        """Release what was opened."""


class TelemetryReader(Protocol):
    """The half that the API uses. Every method raises StoreUnavailable when the store cannot
    answer now.

    Instants are half-open windows ``[start_us, end_us)``; lists are newest first and hold at most
    ``limit`` rows.
    """

    def latest_levels(
        self, doors: Iterable[DoorKey], since_us: int
    ) -> Mapping[DoorKey, LevelReading]:
        """The newest reading of each door at or after ``since_us``; a silent door is absent."""

    def levels(self, device: str, start_us: int, end_us: int, limit: int) -> Sequence[LevelReading]:
        """Readings of all doors of a device."""

    def full_since(
        self, thresholds: Mapping[DoorKey, int], before_us: int, since_us: int
    ) -> Mapping[DoorKey, int]:
        """When each door's unbroken run of readings at or above its threshold (percent) began,
        ending with its newest known level before ``before_us``, looking back to ``since_us``; a
        door is absent when that newest level is below. Missing readings break no run.
        """

    def deposit_totals(self, spans: Sequence[Span], *, by_day: bool) -> Sequence[DoorTotals]:
        """Totals of each span: one row a day that has deposits (``by_day``), or one row a span
        that has deposits.
        """

    def item_totals(self, spans: Sequence[Span]) -> Sequence[ItemTotals]:
        """Totals of each span by item; deposits without an item are in no row."""

    def deposits(
        self, doors: Iterable[DoorKey], start_us: int, end_us: int, limit: int
    ) -> Sequence[Deposit]:
        """Single deposits (without account)."""

    def collections(
        self, doors: Iterable[DoorKey], start_us: int, end_us: int, limit: int
    ) -> Sequence[Collection]:
        """Single collections."""

    def latest_statuses(self, devices: Iterable[str]) -> Mapping[str, Status]:
        """The newest status of each device; a device never heard is absent."""

    def active_alarms(self, devices: Iterable[str]) -> Sequence[Alarm]:
        """Per device, door and alarm type the newest alarm, where that one is active."""

    def presence(self, devices: Iterable[str], days: Days, until_us: int) -> Sequence[DayPresence]:
        """What was heard from each device, a row for each day with at least one message. Messages
        all count; ``hours`` only those that had passed at ``until_us``.
        """

    def counters(self, device: str, start_us: int, end_us: int, limit: int) -> Sequence[int]:
        """The counters of a device's first messages of a window, in the order of its clock's
        milliseconds and, within one, of the counter.
        """

    def check(self) -> None:
        """Ask the store for a sign of life; raises StoreUnavailable with a sentence an operator
        can act on.
        """

    def close(self) -> None:
        """Release what was opened."""


class TelemetrySource(Protocol):
    """The half that copying uses: everything, piece by piece. Raises StoreUnavailable."""

    def extent(self, since_us: int) -> tuple[int, int] | None:
        """The instants of the first and the last fact at or after ``since_us``; None without."""

    def facts(self, start_us: int, end_us: int) -> Iterable[Fact]:
        """All facts of ``[start_us, end_us)``, in any order; a deposit's account is not here."""

    def close(self) -> None:
        """Release what was opened."""


def open_writer(url: str, zone: ZoneInfo, token: str | None = None) -> TelemetryWriter:
    """Open the writing half of the store that ``url`` (SMARTBIN_TELEMETRY_URL) names; ``zone`` is
    the site's, ``token`` InfluxDB's. Raises BadInput, one sentence, when ``url`` names no store.
    """
    if path := _sqlite_path(url):
        from smartbin.telemetry.sqlite.writer import SqliteWriter

        return SqliteWriter(path, zone)
    if url.startswith(INFLUX):
        from smartbin.telemetry.influx.address import address_of
        from smartbin.telemetry.influx.writer import InfluxWriter

        return InfluxWriter(address_of(url), zone, token)
    raise _unknown(url, token)


def open_reader(url: str, zone: ZoneInfo, token: str | None = None) -> TelemetryReader:
    """Open the reading half of the same store; it need not be there yet."""
    if path := _sqlite_path(url):
        from smartbin.telemetry.sqlite.reader import SqliteReader

        return SqliteReader(path, zone)
    if url.startswith(INFLUX):
        from smartbin.telemetry.influx.address import address_of
        from smartbin.telemetry.influx.reader import InfluxReader

        return InfluxReader(address_of(url), zone, token)
    raise _unknown(url, token)


def open_source(url: str, zone: ZoneInfo, token: str | None = None) -> TelemetrySource:
    """Open the same store to copy it. Raises BadInput, StoreUnavailable."""
    if path := _sqlite_path(url):
        from smartbin.telemetry.sqlite.source import SqliteSource

        return SqliteSource(path, zone)
    if url.startswith(INFLUX):
        from smartbin.telemetry.influx.address import address_of
        from smartbin.telemetry.influx.source import InfluxSource

        return InfluxSource(address_of(url), zone, token)
    raise _unknown(url, token)


def setup(
    url: str, token: str | None, levels_days: int | None = None, tokens: Path | None = None
) -> Iterator[str]:
    """Make what the store needs before the programs start, once; yields a sentence for each thing.
    ``levels_days``: how long levels, status and alarms are kept (0: forever; None: as it is, or
    400); ``tokens``: the folder for tokens of gateway and API. Raises BadInput and
    StoreUnavailable.
    """
    if path := _sqlite_path(url):
        yield f"{path}: nothing to do, the gateway makes its file"
    elif url.startswith(INFLUX):
        from smartbin.telemetry.influx import setup as influx_setup
        from smartbin.telemetry.influx.address import address_of

        yield from influx_setup.prepare(address_of(url), token, levels_days)
        if tokens is not None:
            yield from influx_setup.make_tokens(address_of(url), token, tokens)
    else:
        raise _unknown(url, token)


def _sqlite_path(url: str) -> Path | None:
    path = url.removeprefix("sqlite:///")
    return Path(path) if path and path != url and path != ":memory:" else None


def _unknown(url: str, token: str | None) -> BadInput:
    scheme = url.partition("://")[0]
    hint = " (a token was given)" if token else ""
    return BadInput(
        f"SMARTBIN_TELEMETRY_URL: no store is known for {scheme!r}{hint}; use "
        "sqlite:///var/telemetry.db for a file, or "
        "influx+http://127.0.0.1:8086/?org=smartbin&bucket=smartbin for an InfluxDB 2"
    )

"""Everything in the embedded telemetry store, piece by piece, for copying it elsewhere."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from smartbin.core.errors import StoreUnavailable
from smartbin.facts.events import (
    Alarm,
    AlarmType,
    Collection,
    Deposit,
    DeviceState,
    Fact,
    Item,
    Judge,
    LevelReading,
    Status,
    Verdict,
)
from smartbin.telemetry.sqlite.schema import BUSY_WAIT_S, mismatch, typed_errors


class _Table(NamedTuple):
    keys: str
    columns: str
    made: Callable[..., Fact]


def _deposit(*row: Any) -> Deposit:
    device, door, at_us, weight_g, verdict, judge, item, seq = row
    return Deposit(
        *(device, door, at_us, weight_g),
        verdict=Verdict(verdict) if verdict else None,
        judge=Judge(judge) if judge else None,
        item=Item(item) if item else None,
        seq=seq,
    )


def _status(*row: Any) -> Status:
    device, at_us, state, *more = row
    return Status(device, at_us, DeviceState(state), *more)


def _alarm(*row: Any) -> Alarm:
    device, door, at_us, type_, active, seq = row
    return Alarm(device, door, at_us, AlarmType(type_), bool(active), seq)


_TABLES: Mapping[str, _Table] = {
    "deposit": _Table(
        "device, door", "device, door, at_us, weight_g, verdict, judge, item, seq", _deposit
    ),
    "collection": _Table(
        "device, door", "device, door, at_us, gross_g, tare_g, crew, seq", Collection
    ),
    "level": _Table("device, door", "device, door, at_us, level_pct, fault, seq", LevelReading),
    "status": _Table(
        "device",
        "device, at_us, state, battery_pct, voltage_mv, rssi_dbm, temperature_c, firmware, seq",
        _status,
    ),
    "alarm": _Table("device, door, type", "device, door, at_us, type, active, seq", _alarm),
}


class SqliteSource:
    """See the port. The devices are those there when it is opened."""

    def __init__(self, path: Path, zone: ZoneInfo) -> None:
        self._path = path
        if not path.exists():
            raise StoreUnavailable(
                f"telemetry file {path} does not exist: there is nothing to copy"
            )
        with typed_errors(path):
            self._db = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_WAIT_S
            )
            try:
                if problem := mismatch(self._db, path, zone):
                    raise StoreUnavailable(problem)
                self._series = [
                    (name, tuple(key))
                    for name, table in _TABLES.items()
                    for key in self._db.execute(f"SELECT DISTINCT {table.keys} FROM {name}")
                ]
            except BaseException:
                self._db.close()
                raise

    def extent(self, since_us: int) -> tuple[int, int] | None:
        """See the port."""
        with typed_errors(self._path):
            ends = [
                self._db.execute(
                    f"SELECT {function}(at_us) FROM {name} WHERE {_of(name)} AND at_us>=?",
                    (*key, since_us),
                ).fetchone()[0]
                for name, key in self._series
                for function in ("min", "max")
            ]
        known = [at_us for at_us in ends if at_us is not None]
        return (min(known), max(known)) if known else None

    def facts(self, start_us: int, end_us: int) -> Iterator[Fact]:
        """See the port."""
        with typed_errors(self._path):
            for name, key in self._series:
                table = _TABLES[name]
                for row in self._db.execute(
                    f"SELECT {table.columns} FROM {name} WHERE {_of(name)} "
                    "AND at_us>=? AND at_us<?",
                    (*key, start_us, end_us),
                ):
                    yield table.made(*row)

    def close(self) -> None:
        """Release the file."""
        self._db.close()


def _of(name: str) -> str:
    return " AND ".join(f"{column}=?" for column in _TABLES[name].keys.split(", "))

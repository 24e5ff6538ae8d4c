"""Facts put together again from an answer's values: InfluxDB gives each field a row of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

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
from smartbin.telemetry.influx.flux import Row, at_us_of
from smartbin.telemetry.influx.lines import text_of

F = TypeVar("F", bound=Fact)
Fields = dict[str, str]


class Series(NamedTuple):
    """Whose points they are; ``more`` is an alarm's type."""

    device: str
    door: str
    more: str


@dataclass(frozen=True)
class Kind(Generic[F]):
    """A kind of fact: its measurement, the fields of which each point has one, and its maker."""

    measurement: str
    always: tuple[str, ...]
    made: Callable[[Series, int, Fields], F]


def facts_of(kind: Kind[F], rows: Iterable[Row]) -> list[F]:
    """The facts whose fields the rows are, each field of a point.

    InfluxDB cuts each field's series by itself, so a limit leaves an optional field of points that
    it cut off: those lack what every point has.
    """
    points: dict[tuple[Series, str], Fields] = {}
    for _, device, door, more, field, at, value in rows:
        points.setdefault((Series(device, door, more), at), {})[field] = value
    return [
        kind.made(series, at_us_of(at), fields)
        for (series, at), fields in points.items()
        if any(name in fields for name in kind.always)
    ]


def newest_of(kind: Kind[F], rows: Iterable[Row]) -> dict[Series, F]:
    """Of each series the newest fact, the rows being each field's newest value: a field belongs to
    the newest point when it is as new as that.
    """
    points: dict[Series, tuple[int, Fields]] = {}
    for _, device, door, more, field, at, value in rows:
        series, at_us = Series(device, door, more), at_us_of(at)
        newest_us, fields = points.setdefault(series, (at_us, {}))
        if at_us > newest_us:
            newest_us, fields = points[series] = at_us, {}
        if at_us == newest_us:
            fields[field] = value
    return {series: kind.made(series, *point) for series, point in points.items()}


def newest_first(fact: Any) -> tuple[int, str, str]:
    """The port's order of lists."""
    return -fact.at_us, fact.device, fact.door


def _integer(fields: Fields, name: str) -> int | None:
    return int(fields[name]) if name in fields else None


def _text(fields: Fields, name: str) -> str | None:
    return text_of(fields[name]) if name in fields else None


def _level(at: Series, at_us: int, f: Fields) -> LevelReading:
    return LevelReading(
        *(at.device, at.door, at_us),
        _integer(f, "level_pct"),
        _text(f, "fault"),
        _integer(f, "seq"),
    )


def _deposit(at: Series, at_us: int, f: Fields) -> Deposit:
    verdict = f.get("verdict")
    return Deposit(
        *(at.device, at.door, at_us, int(f["weight_g"])),
        verdict=None if verdict is None else Verdict.CORRECT if verdict == "1" else _INCORRECT,
        judge=Judge(f["judge"]) if "judge" in f else None,
        item=next((item for name, item in ITEM_OF.items() if name in f), None),
        seq=_integer(f, "seq"),
    )


def _collection(at: Series, at_us: int, f: Fields) -> Collection:
    weights_g = int(f["gross_g"]), int(f["tare_g"])
    return Collection(
        at.device, at.door, at_us, *weights_g, _text(f, "crew"), _integer(f, "seq")
    )  # fmt: skip


def _status(at: Series, at_us: int, f: Fields) -> Status:
    return Status(
        *(at.device, at_us, DeviceState(f["state"])),
        battery_pct=_integer(f, "battery_pct"),
        voltage_mv=_integer(f, "voltage_mv"),
        rssi_dbm=_integer(f, "rssi_dbm"),
        temperature_c=_integer(f, "temperature_c"),
        firmware=_text(f, "firmware"),
        seq=_integer(f, "seq"),
    )


def _alarm(at: Series, at_us: int, f: Fields) -> Alarm:
    active = f["active"] == "1"
    return Alarm(at.device, at.door, at_us, AlarmType(at.more), active, _integer(f, "seq"))


_INCORRECT = Verdict.INCORRECT
ITEM_OF = {f"{item}_g": item for item in Item}
"""The field that repeats the weight of a deposit of this item."""
LEVEL = Kind("level", ("level_pct", "missing"), _level)
DEPOSIT = Kind("deposit", ("weight_g",), _deposit)
COLLECTION = Kind("collection", ("gross_g",), _collection)
STATUS = Kind("status", ("state",), _status)
ALARM = Kind("alarm", ("active",), _alarm)

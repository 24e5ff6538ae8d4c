"""Facts put together again from an answer's values: InfluxDB gives each field a row of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from smartbin.facts.columns import Column, compiled, made, members, stored
from smartbin.facts.events import (
    Alarm,
    AlarmType,
    Collection,
    Deposit,
    Fact,
    Item,
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


def _value(fact: type[Fact], column: Column) -> str:
    """The expression of a column's value from a point's fields ``f``."""
    name = column.name
    if name in ("device", "door"):
        return f"at.{name}"
    if name == "at_us":
        return name
    if (fact, name) in _VALUE_OF:
        return _VALUE_OF[fact, name]
    if column.enumeration:
        return f"members[{name!r}][f{f'.get({name!r})' if column.optional else f'[{name!r}]'}]"
    if column.value_type is str:
        known = f"text_of(f[{name!r}])"
    elif column.value_type is bool:
        known = f"f[{name!r}] == '1'"
    else:
        known = f"int(f[{name!r}])"
    return f"{known} if {name!r} in f else None" if column.optional else known


def _maker(fact: type[Fact]) -> Callable[[Series, int, Fields], Any]:
    """The function that makes a fact of a point."""
    columns = stored(fact)
    values = {column.name: _value(fact, column) for column in columns}
    return compiled(
        "at, at_us, f", made(fact, values), members=members(columns), text_of=text_of,
        verdict_of=_VERDICT_OF, item_of=_item_of, alarm_type=AlarmType,
    )  # fmt: skip


def _item_of(fields: Fields) -> Item | None:
    return next((item for name, item in ITEM_OF.items() if name in fields), None)


_VALUE_OF = {
    (Deposit, "verdict"): "verdict_of[f.get('verdict')]",
    (Deposit, "item"): "item_of(f)",
    (Alarm, "type"): "alarm_type(at.more)",
}
_VERDICT_OF = {None: None, "1": Verdict.CORRECT, "0": Verdict.INCORRECT}
ITEM_OF = {f"{item}_g": item for item in Item}
"""The field that repeats the weight of a deposit of this item."""
LEVEL: Kind[LevelReading] = Kind("level", ("level_pct", "missing"), _maker(LevelReading))
DEPOSIT: Kind[Deposit] = Kind("deposit", ("weight_g",), _maker(Deposit))
COLLECTION: Kind[Collection] = Kind("collection", ("gross_g",), _maker(Collection))
STATUS: Kind[Status] = Kind("status", ("state",), _maker(Status))
ALARM: Kind[Alarm] = Kind("alarm", ("active",), _maker(Alarm))

"""Facts as InfluxDB's line protocol.

A tag is identity: device and door, and an alarm's type. Everything else is a field, quantities as
integers, times in microseconds, so writing a fact twice overwrites it with itself. A field that a
fact does not have is left out.

    deposit     device door
    collection  device door
    seen        device door kind  seq            a message whose fact is not kept forever
    hour        device            heard (1)      at the start of each hour heard from
    level       device door
    status      device
    alarm       device door type

The other columns of a fact are fields of the same name, with three exceptions: a deposit's
``verdict`` is 1 (correct) or 0, a level without ``level_pct`` has ``missing`` (1), and an item is
``ITEM_g``.

``ITEM_g`` repeats the weight under the item's name (``paper_g``): sums by item are then sums of a
field, which storage does by itself, and no tag.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from smartbin.core import calendar
from smartbin.core.calendar import US_PER_HOUR
from smartbin.core.errors import StoreRefused
from smartbin.facts.columns import FACTS, IDENTITY, Column, compiled, stored
from smartbin.facts.events import Alarm, Collection, Deposit, Fact, LevelReading, Status, Verdict

_TO_ESCAPE = re.compile(r"[,= ]")
_NEEDS_JSON = re.compile(r'["\\\x00-\x1f\x7f]')


class Lines(NamedTuple):
    """What goes into the bucket kept forever, and into that of levels, status and alarms."""

    kept: list[str]
    passing: list[str]


class LineMaker:
    """Makes lines; remembers the heads of lines and the hours it has met, a bounded number."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._heads: dict[tuple[str, ...], str] = {}
        self._hours: dict[int, int] = {}

    def lines(self, facts: Sequence[Fact]) -> Lines:
        """The lines of some facts. Raises StoreRefused for a name that no tag can hold."""
        kept: list[str] = []
        passing: list[str] = []
        heard: dict[str, str] = {}
        for fact in facts:
            kind = type(fact)
            (kept if kind in _FOR_EVER else passing).append(_LINE[kind](self, fact))
            if fact.seq is not None:
                if kind not in _FOR_EVER:
                    kept.append(f"{self._seen(fact)} seq={fact.seq}i {fact.at_us}")
                hour = f"{self.head('hour', fact.device)} heard=1i {self._hour_us(fact.at_us)}"
                heard[hour] = hour
        kept += heard
        return Lines(kept, passing)

    def head(
        self, measurement: str, device: str, door: str = "", tag: str = "", value: str = ""
    ) -> str:
        """Measurement and tags, escaped; ``tag`` is a further one."""
        key = (measurement, device, door, value)
        if (known := self._heads.get(key)) is None:
            if len(self._heads) > 100_000:
                self._heads.clear()
            tags = (("device", device), ("door", door), (tag, value))
            written = [f"{name}={_tag(said)}" for name, said in tags if said]
            known = self._heads[key] = ",".join([measurement, *written])
        return known

    def _seen(self, fact: Fact) -> str:
        kind = f"alarm.{fact.type}" if isinstance(fact, Alarm) else fact.kind
        return self.head("seen", fact.device, getattr(fact, "door", ""), "kind", kind)

    def _hour_us(self, at_us: int) -> int:
        """The start of the hour of the site's day, looked up by its quarter: zones begin there."""
        quarter = at_us // (US_PER_HOUR // 4)
        if (known := self._hours.get(quarter)) is None:
            if len(self._hours) > 100_000:
                self._hours.clear()
            try:
                day = calendar.day_of(at_us, self._zone)
                hour = calendar.hour_of_day(at_us, self._zone)
                known = calendar.start_us(day, self._zone) + hour * US_PER_HOUR
            except (OverflowError, ValueError) as error:
                raise StoreRefused(f"time {at_us} lies outside the calendar") from error
            self._hours[quarter] = known
        return known


def _field(column: Column) -> str:
    """The expression of a field, from the comma before it; of none, an empty text."""
    value = f"f.{column.name}"
    if column.value_type is str:
        said = value if column.enumeration else f"quoted({value})"
        known = f"""f',{column.name}="{{{said}}}"'"""
    else:
        known = f"f',{column.name}={{{column.plain(value)}}}i'"
    return f"('' if {value} is None else {known})" if column.optional else known


_FIELD_OF = {
    (Deposit, "verdict"): (
        "('' if f.verdict is None else ',verdict=1i' if f.verdict is correct else ',verdict=0i')"
    ),
    (Deposit, "item"): "('' if f.item is None else f',{f.item}_g={f.weight_g}i')",
    (LevelReading, "level_pct"): (
        "(',missing=1i' if f.level_pct is None else f',level_pct={f.level_pct}i')"
    ),
}
"""The fields that are not their column's value."""


def _line(fact: type[Fact]) -> Callable[[LineMaker, Any], str]:
    """The function that writes a fact's line."""
    tags = {Status: "f.device", Alarm: "f.device, f.door, 'type', f.type"}
    head = f"make.head({fact.kind!r}, {tags.get(fact, 'f.device, f.door')})"
    fields = [
        _FIELD_OF.get((fact, column.name)) or _field(column)
        for column in stored(fact)
        if column.name not in IDENTITY[fact]
    ]
    line = f"{head} + ' ' + ({' + '.join(fields)})[1:] + f' {{f.at_us}}'"
    return compiled("make, f", line, quoted=_quoted, correct=Verdict.CORRECT)


_FOR_EVER = frozenset({Deposit, Collection})


def _quoted(value: str) -> str:
    # Answers come as CSV, which changes line ends: a text that has any is kept as JSON writes it.
    if _NEEDS_JSON.search(value):
        value = json.dumps(value, ensure_ascii=False)[1:-1].replace("\x7f", "\\u007f")
    return value.replace("\\", "\\\\").replace('"', '\\"')


def text_of(value: str) -> str:
    """A text field as it was before it was written."""
    return str(json.loads(f'"{value}"')) if "\\" in value else value


def _tag(value: str) -> str:
    if value.endswith("\\") or not value.isprintable():
        raise StoreRefused(f"{value!r} cannot be a tag")
    return _TO_ESCAPE.sub(r"\\\g<0>", value)


_LINE: Mapping[type[Fact], Callable[[LineMaker, Any], str]] = {fact: _line(fact) for fact in FACTS}

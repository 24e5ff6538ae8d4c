"""Facts as InfluxDB's line protocol.

A tag is identity: device and door, and an alarm's type. Everything else is a field, quantities as
integers, times in microseconds, so writing a fact twice overwrites it with itself. A field that a
fact does not have is left out.

    deposit     device door       weight_g  verdict (1 correct, 0 not)  judge  ITEM_g  seq
    collection  device door       gross_g  tare_g  crew  seq
    seen        device door kind  seq            a message whose fact is not kept for ever
    hour        device            heard (1)      at the start of each hour heard from
    level       device door       level_pct or missing (1)  fault  seq
    status      device            state  battery_pct  voltage_mv  rssi_dbm  temperature_c  firmware
                                  seq
    alarm       device door type  active (1, 0)  seq

``ITEM_g`` repeats the weight under the item's name (``paper_g``): sums by item are then sums of a
field, which storage does by itself, and no tag.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from smartbin.core import calendar
from smartbin.core.calendar import US_PER_HOUR
from smartbin.core.errors import StoreRefused
from smartbin.facts.events import Alarm, Collection, Deposit, Fact, LevelReading, Status, Verdict

_TO_ESCAPE = re.compile(r"[,= ]")
_NEEDS_JSON = re.compile(r'["\\\x00-\x1f\x7f]')
_CORRECT = Verdict.CORRECT


class Lines(NamedTuple):
    """What goes into the bucket kept for ever, and into that of levels, status and alarms."""

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


def _level(make: LineMaker, f: Any) -> str:
    known = "missing=1i" if f.level_pct is None else f"level_pct={f.level_pct}i"
    fields = [known, *_texts(fault=f.fault), *_integers(seq=f.seq)]
    return f"{make.head('level', f.device, f.door)} {','.join(fields)} {f.at_us}"


def _deposit(make: LineMaker, f: Any) -> str:
    fields = f"weight_g={f.weight_g}i"
    if f.verdict is not None:
        fields += ",verdict=1i" if f.verdict is _CORRECT else ",verdict=0i"
    if f.judge is not None:
        fields += f',judge="{f.judge}"'
    if f.item is not None:
        fields += f",{f.item}_g={f.weight_g}i"
    if f.seq is not None:
        fields += f",seq={f.seq}i"
    return f"{make.head('deposit', f.device, f.door)} {fields} {f.at_us}"


def _collection(make: LineMaker, f: Any) -> str:
    fields = [*_integers(gross_g=f.gross_g, tare_g=f.tare_g, seq=f.seq), *_texts(crew=f.crew)]
    return f"{make.head('collection', f.device, f.door)} {','.join(fields)} {f.at_us}"


def _status(make: LineMaker, f: Any) -> str:
    fields = [
        *_texts(state=f.state, firmware=f.firmware),
        *_integers(
            battery_pct=f.battery_pct,
            voltage_mv=f.voltage_mv,
            rssi_dbm=f.rssi_dbm,
            temperature_c=f.temperature_c,
            seq=f.seq,
        ),
    ]
    return f"{make.head('status', f.device)} {','.join(fields)} {f.at_us}"


def _alarm(make: LineMaker, f: Any) -> str:
    fields = _integers(active=int(f.active), seq=f.seq)
    return f"{make.head('alarm', f.device, f.door, 'type', f.type)} {','.join(fields)} {f.at_us}"


_LINE: dict[type[Fact], Callable[[LineMaker, Any], str]] = {
    LevelReading: _level,
    Deposit: _deposit,
    Collection: _collection,
    Status: _status,
    Alarm: _alarm,
}
_FOR_EVER = frozenset({Deposit, Collection})


def _integers(**fields: int | None) -> Iterable[str]:
    return [f"{name}={value}i" for name, value in fields.items() if value is not None]


def _texts(**fields: str | None) -> Iterable[str]:
    return [f'{name}="{_quoted(value)}"' for name, value in fields.items() if value is not None]


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

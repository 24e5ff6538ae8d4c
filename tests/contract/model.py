"""What a telemetry store is, said the other way: a dictionary of facts and the port's sentences
written down as plainly as Python allows. Adapters are compared with it on anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar
from zoneinfo import ZoneInfo

from smartbin.core.calendar import Days, day_of, hour_of_day
from smartbin.core.errors import SecondTelling
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
    Verdict,
    identity,
)
from smartbin.telemetry import DayPresence, DoorTotals, ItemTotals

AtDoor = TypeVar("AtDoor", LevelReading, Deposit, Collection)


class Model:
    """Writer and reader in one, in memory."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._facts: dict[tuple[str, str, str, int], Fact] = {}

    def append(self, facts: Sequence[Fact]) -> None:
        others = []
        for fact in facts:
            kept = replace(fact, account=None) if isinstance(fact, Deposit) else fact
            if self._facts.setdefault(identity(fact), kept) != kept:
                others.append(fact)
        if others:
            raise SecondTelling(others)

    def close(self) -> None:
        pass

    def check(self) -> None:
        pass

    def _all(self, kind: type[AtDoor]) -> list[AtDoor]:
        found = [f for f in self._facts.values() if isinstance(f, kind)]
        return sorted(found, key=lambda f: (-f.at_us, f.device, f.door))

    def _at(
        self, kind: type[AtDoor], doors: Iterable[DoorKey], start_us: int, end_us: int, limit: int
    ) -> list[AtDoor]:
        wanted = set(doors)
        return [
            f
            for f in self._all(kind)
            if (f.device, f.door) in wanted and start_us <= f.at_us < end_us
        ][:limit]

    def _deposits_of(self, span: Span) -> list[Deposit]:
        return [
            d
            for d in self._all(Deposit)
            if (d.device, d.door) == span.door and day_of(d.at_us, self._zone) in span.days
        ]

    def latest_levels(
        self, doors: Iterable[DoorKey], since_us: int
    ) -> Mapping[DoorKey, LevelReading]:
        found = self._at(LevelReading, doors, since_us, 2**63, 10**9)
        return {DoorKey(r.device, r.door): r for r in reversed(found)}

    def levels(self, device: str, start_us: int, end_us: int, limit: int) -> Sequence[LevelReading]:
        doors = {DoorKey(r.device, r.door) for r in self._all(LevelReading) if r.device == device}
        return self._at(LevelReading, doors, start_us, end_us, limit)

    def full_since(
        self, thresholds: Mapping[DoorKey, int], before_us: int, since_us: int
    ) -> Mapping[DoorKey, int]:
        began: dict[DoorKey, int] = {}
        for door, threshold_pct in thresholds.items():
            for reading in self._at(LevelReading, [door], since_us, before_us, 10**9):
                if reading.level_pct is not None:
                    if reading.level_pct < threshold_pct:
                        break
                    began[door] = reading.at_us
        return began

    def deposit_totals(self, spans: Sequence[Span], *, by_day: bool) -> Sequence[DoorTotals]:
        rows = []
        for span in spans:
            slots = defaultdict(list)
            for d in self._deposits_of(span):
                slots[day_of(d.at_us, self._zone) if by_day else span.days.first].append(d)
            rows += [
                DoorTotals(
                    span.door,
                    day,
                    len(found),
                    sum(d.weight_g for d in found),
                    sum(d.verdict is not None for d in found),
                    sum(d.verdict is Verdict.CORRECT for d in found),
                )
                for day, found in sorted(slots.items())
            ]
        return rows

    def item_totals(self, spans: Sequence[Span]) -> Sequence[ItemTotals]:
        rows = []
        for span in spans:
            for item in sorted(Item):
                found = [d for d in self._deposits_of(span) if d.item is item]
                if found:
                    weight_g = sum(d.weight_g for d in found)
                    rows.append(ItemTotals(span.door, item, len(found), weight_g))
        return rows

    def deposits(
        self, doors: Iterable[DoorKey], start_us: int, end_us: int, limit: int
    ) -> Sequence[Deposit]:
        return self._at(Deposit, doors, start_us, end_us, limit)

    def collections(
        self, doors: Iterable[DoorKey], start_us: int, end_us: int, limit: int
    ) -> Sequence[Collection]:
        return self._at(Collection, doors, start_us, end_us, limit)

    def latest_statuses(self, devices: Iterable[str]) -> Mapping[str, Status]:
        wanted = set(devices)
        found = [f for f in self._facts.values() if isinstance(f, Status) and f.device in wanted]
        return {f.device: f for f in sorted(found, key=lambda f: f.at_us)}

    def active_alarms(self, devices: Iterable[str]) -> Sequence[Alarm]:
        wanted = set(devices)
        newest: dict[tuple[str, str, str], Alarm] = {}
        found = [f for f in self._facts.values() if isinstance(f, Alarm) and f.device in wanted]
        for alarm in sorted(found, key=lambda f: f.at_us):
            newest[alarm.device, alarm.door, alarm.type] = alarm
        return [alarm for _, alarm in sorted(newest.items()) if alarm.active]

    def presence(self, devices: Iterable[str], days: Days, until_us: int) -> Sequence[DayPresence]:
        now = day_of(until_us, self._zone), hour_of_day(until_us, self._zone)
        heard = defaultdict(list)
        wanted = set(devices)
        for f in self._facts.values():
            day = day_of(f.at_us, self._zone)
            if f.seq is not None and f.device in wanted and day in days:
                heard[f.device, day].append(f)
        return [
            DayPresence(
                device,
                day,
                len({h for f in found if (day, h := hour_of_day(f.at_us, self._zone)) < now}),
                len(found),
                min(f.seq or 0 for f in found),
                max(f.seq or 0 for f in found),
            )
            for (device, day), found in sorted(heard.items())
        ]

    def counters(self, device: str, start_us: int, end_us: int, limit: int) -> Sequence[int]:
        said = sorted(
            (f.at_us // 1000, f.seq)
            for f in self._facts.values()
            if f.device == device and f.seq is not None and start_us <= f.at_us < end_us
        )
        return [seq for _, seq in said][:limit]

"""What the stores must hold, computed from what was sent and never by asking the system."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from simulator.faults import FaultyDelivery
from smartbin.core import calendar
from smartbin.facts.events import (
    Alarm,
    AlarmType,
    Collection,
    Deposit,
    DoorKey,
    Item,
    LevelReading,
    Status,
    Verdict,
)
from smartbin.places import Registry


@dataclass(slots=True)
class ExpectedFigures:
    """Sums over deposits."""

    deposits: int = 0
    weight_g: int = 0
    judged: int = 0
    correct: int = 0

    def add(self, other: ExpectedFigures) -> None:
        """Sum up."""
        self.deposits += other.deposits
        self.weight_g += other.weight_g
        self.judged += other.judged
        self.correct += other.correct

    def shown(self) -> dict[str, int]:
        """As JSON."""
        return {
            "deposits": self.deposits,
            "weight_g": self.weight_g,
            "judged": self.judged,
            "correct": self.correct,
        }


@dataclass(slots=True)
class Expected:
    """What must be stored: totals per door and day, collections, newest levels and statuses, and
    how many messages must be in quarantine.
    """

    registry: Registry
    days: dict[tuple[DoorKey, date], ExpectedFigures] = field(default_factory=dict)
    collections: dict[DoorKey, list[int]] = field(default_factory=dict)  # [count, net_g]
    items: dict[tuple[DoorKey, Item], list[int]] = field(default_factory=dict)  # [count, g]
    levels: dict[DoorKey, LevelReading] = field(default_factory=dict)
    readings: dict[tuple[DoorKey, date], list[int]] = field(default_factory=dict)  # [count, sum]
    statuses: dict[str, Status] = field(default_factory=dict)
    alarms: dict[tuple[str, str, AlarmType], Alarm] = field(default_factory=dict)  # the newest
    hours: dict[tuple[str, date], set[int]] = field(default_factory=dict)  # heard from
    facts: dict[str, int] = field(default_factory=dict)
    cards: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    _today: tuple[int, int, date] = (0, 0, date.min)

    def add(self, sent: Iterable[FaultyDelivery]) -> Expected:
        """Count what a correct system keeps of these deliveries, each given once."""
        for delivery in sent:
            self.add_one(delivery)
        return self

    def add_one(self, delivery: FaultyDelivery) -> None:
        """Count one delivery."""
        self.refused += delivery.refused
        for fact in delivery.kept:
            self.facts[fact.kind] = self.facts.get(fact.kind, 0) + 1
            day = self._day(fact.at_us)
            if fact.seq is not None:
                hour = (fact.at_us - self._today[0]) // calendar.US_PER_HOUR
                self.hours.setdefault((fact.device, day), set()).add(hour)
            if isinstance(fact, Deposit):
                self._deposit(fact)
            elif isinstance(fact, LevelReading):
                self._level(fact)
            elif isinstance(fact, Collection):
                total = self.collections.setdefault(DoorKey(fact.device, fact.door), [0, 0])
                total[0] += 1
                total[1] += fact.net_g
            elif isinstance(fact, Status):
                known = self.statuses.get(fact.device)
                if known is None or known.at_us < fact.at_us:
                    self.statuses[fact.device] = fact
            else:
                key = (fact.device, fact.door, fact.type)
                if key not in self.alarms or self.alarms[key].at_us < fact.at_us:
                    self.alarms[key] = fact

    def _deposit(self, fact: Deposit) -> None:
        door = DoorKey(fact.device, fact.door)
        key = (door, self._day(fact.at_us))
        figures = self.days.get(key)
        if figures is None:
            figures = self.days[key] = ExpectedFigures()
        figures.deposits += 1
        figures.weight_g += fact.weight_g
        if fact.verdict is not None:
            figures.judged += 1
            figures.correct += fact.verdict is Verdict.CORRECT
        if fact.item is not None:
            item = self.items.setdefault((door, fact.item), [0, 0])
            item[0] += 1
            item[1] += fact.weight_g
        if fact.account is not None:
            self.cards[fact.account] = self.cards.get(fact.account, 0) + 1

    def _level(self, fact: LevelReading) -> None:
        key = DoorKey(fact.device, fact.door)
        known = self.levels.get(key)
        if known is None or known.at_us < fact.at_us:
            self.levels[key] = fact
        read = self.readings.setdefault((key, self._day(fact.at_us)), [0, 0])
        read[0] += 1
        read[1] += fact.level_pct or 0

    def _day(self, at_us: int) -> date:
        start_us, end_us, day = self._today
        if not start_us <= at_us < end_us:
            zone = self.registry.site.zone
            day = calendar.day_of(at_us, zone)
            self._today = (*calendar.bounds_us(calendar.Days(day, day), zone), day)
        return day

    def communities(self) -> dict[str, dict[str, ExpectedFigures]]:
        """Per community the figures of each category, and their ``total``."""
        found: dict[str, dict[str, ExpectedFigures]] = {}
        for (key, day), figures in self.days.items():
            door = self.registry.door(key, day)
            community = self.registry.community_of(key.device, day)
            if door is None or community is None:
                continue
            by_category = found.setdefault(community, {})
            for name in (door.category.value, "total"):
                by_category.setdefault(name, ExpectedFigures()).add(figures)
        return found

    def shown(self) -> dict[str, Any]:
        """Everything as JSON."""
        return {
            "facts": dict(sorted(self.facts.items())),
            "quarantine": self.refused,
            "communities": {
                community: {name: f.shown() for name, f in sorted(by_category.items())}
                for community, by_category in sorted(self.communities().items())
            },
            "doors": [
                {"device": k.device, "door": k.door, "day": day.isoformat(), **f.shown()}
                for (k, day), f in sorted(self.days.items())
            ],
            "collections": [
                {"device": k.device, "door": k.door, "collections": n, "net_g": net_g}
                for k, (n, net_g) in sorted(self.collections.items())
            ],
        }

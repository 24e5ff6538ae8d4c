"""What happens to a bin's door on a day: deposits, the round that empties it, what is left.

What a door holds in the morning is what was deposited since its last round, at most ten days back.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import NamedTuple

from simulator import habits
from simulator.deposits import MINUTE_MS, DepositPlan, Put
from smartbin.core import calendar
from smartbin.places import Door, Registry

_CARRIED_DAYS_MAX = 10


class Emptied(NamedTuple):
    """A round that empties a door, and what it takes away."""

    at_ms: int
    net_g: int


class DoorDay(NamedTuple):
    """One bin's door on one day: deposits in time order, emptyings, and what is left after."""

    start_g: int
    puts: tuple[Put, ...]
    emptied: tuple[Emptied, ...]
    left_g: int


class DoorDays:
    """The days of a site's bins' doors."""

    def __init__(self, registry: Registry, seed: int) -> None:
        self._zone, self._seed = registry.site.zone, seed
        self._deposits = DepositPlan(registry, seed)
        # Only today's and yesterday's are kept: a long run must not grow.
        self._known: dict[date, dict[Door, DoorDay]] = {}

    def of(self, door: Door, day: date) -> DoorDay:
        """One door's day."""
        known = self._known.get(day)
        if known is None:
            for old in [d for d in self._known if abs((d - day).days) > 1]:
                del self._known[old]
            known = self._known[day] = {}
        if door not in known:
            known[door] = self._lived(door, day)
        return known[door]

    def _lived(self, door: Door, day: date) -> DoorDay:
        start_g = self._carried_g(door, day)
        puts = self._deposits.of(door, day)
        emptied_ms = self._round_ms(door, day)
        before = sum(p.weight_g for p in puts if emptied_ms is not None and p.at_ms < emptied_ms)
        total = sum(p.weight_g for p in puts)
        if emptied_ms is None:
            return DoorDay(start_g, puts, (), start_g + total)
        emptied = (Emptied(emptied_ms, start_g + before),)
        return DoorDay(start_g, puts, emptied, total - before)

    def _carried_g(self, door: Door, day: date) -> int:
        """What the door holds when the day begins: deposits since its last round."""
        yesterday = day - timedelta(days=1)
        known = self._known.get(yesterday, {}).get(door)
        if known is not None:
            return known.left_g
        carried = 0
        for n in range(1, _CARRIED_DAYS_MAX + 1):
            earlier = day - timedelta(days=n)
            if earlier not in door.days:
                break
            emptied_ms = self._round_ms(door, earlier)
            puts = self._deposits.of(door, earlier)
            carried += sum(p.weight_g for p in puts if emptied_ms is None or p.at_ms >= emptied_ms)
            if emptied_ms is not None:
                break
        return carried

    def _round_ms(self, door: Door, day: date) -> int | None:
        """When the day's round empties the door; None when none comes, or when it misses it. Two
        rounds in succession are never missed.
        """
        every = habits.ROUND_EVERY_DAYS[door.category]
        turn = random.Random(f"{self._seed}/round/{door.device}/{door.id}").randrange(every)
        ordinal = day.toordinal()
        if ordinal % every != turn:
            return None
        rng = random.Random(f"{self._seed}/round/{door.device}/{door.id}/{day}")
        if every < 7 and ordinal // every % 2 and rng.random() < 2 * habits.MISSED_ROUND:
            return None
        minute = habits.ROUND_FROM_MIN[door.category] + rng.randrange(habits.ROUND_MIN)
        return self._start_ms(day) + minute * MINUTE_MS + rng.randrange(MINUTE_MS)

    def _start_ms(self, day: date) -> int:
        return calendar.start_us(day, self._zone) // 1000

"""A fleet that does not exist: (registry, seed, day) -> messages, a pure function.

What a device says on a day depends on nothing but the seed, the registry and the day, so a window
can be asked in any pieces and the pieces fit.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import date
from operator import attrgetter

from simulator import habits
from simulator.deposits import MINUTE_MS
from simulator.doors import DoorDays
from simulator.message_builder import (
    ALARM,
    BROUGHT,
    EMPTIED,
    FILL,
    PUT,
    STATUS,
    Happening,
    Message,
    MessageBuilder,
)
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.facts.events import AlarmType
from smartbin.places import DeviceKind, Door, Registry

# A device's counter starts anew each day at the day's base. The step is wider than any day's
# messages and than any outage a receiver would count as one, so no gap shows between two days.
SEQ_A_DAY = 100_000
_SEQ_FROM = date(2020, 1, 1).toordinal()


class Fleet:
    """Every device of a site, seeded."""

    def __init__(self, registry: Registry, seed: int) -> None:
        self.registry = registry
        self.seed = seed
        self._zone = registry.site.zone
        self._door_days = DoorDays(registry, seed)

    def stream(self, start_us: int, end_us: int) -> Iterator[Message]:
        """All messages with ``start_us <= at_us < end_us`` in time order."""
        if end_us <= start_us:
            return
        first = calendar.day_of(start_us, self._zone)
        last = calendar.day_of(end_us - 1, self._zone)
        for day in Days(first, last):
            messages = [
                message
                for device in self.registry.devices
                for message in self.day(device, day)
                if start_us <= message.at_us < end_us
            ]
            messages.sort(key=attrgetter("at_us"))
            yield from messages

    def day(self, device_id: str, day: date) -> list[Message]:
        """What one device says on one day, in time order; nothing when it is out of service."""
        device = self.registry.device(device_id)
        if day not in device.days:
            return []
        doors = [d for d in self.registry.doors_of_device(device_id) if day in d.days]
        is_point = device.kind is DeviceKind.COLLECTION_POINT
        happenings = self._at_point(device_id, doors, day) if is_point else self._at_bin(doors, day)
        happenings.extend(self._routine(device_id, doors, day))
        happenings.sort(key=lambda h: (h[0], h[1]))
        loads = {d.id: 0 if is_point else self._door_days.of(d, day).start_g for d in doors}
        return MessageBuilder(device_id, doors, loads, _seq_base(day)).tell(happenings)

    def _at_bin(self, doors: Sequence[Door], day: date) -> list[Happening]:
        found: list[Happening] = []
        for door in doors:
            lived = self._door_days.of(door, day)
            crew = self._crew(door, day)
            found.extend((put.at_ms, PUT, put) for put in lived.puts)
            found.extend((e.at_ms, EMPTIED, (door.id, e.net_g, crew)) for e in lived.emptied)
        return found

    def _at_point(self, point: str, doors: Sequence[Door], day: date) -> list[Happening]:
        """Trucks bring what they took from the bins; a larger one takes it away at night."""
        by_category = {door.category: door for door in doors}
        brought = dict.fromkeys(by_category, 0)
        found: list[Happening] = []
        for community, _ in self.registry.communities_of(point, Days(day, day)):
            for bin_, _ in self.registry.bins_of(community.id, Days(day, day)):
                for span in self.registry.spans(bin_.id, Days(day, day)):
                    into = by_category.get(span.door.category)
                    if into is None or day not in bin_.days:
                        continue
                    for e in self._door_days.of(span.door, day).emptied:
                        at_ms = e.at_ms + habits.TRUCK_MIN * MINUTE_MS
                        found.append((at_ms, BROUGHT, (into.id, e.net_g)))
                        brought[into.category] += e.net_g
        night_ms = self._start_ms(day) + habits.POINT_EMPTIED_MIN * MINUTE_MS
        for n, (category, net_g) in enumerate(brought.items()):
            if net_g:
                taken = (by_category[category].id, net_g, f"{point}-{category}")
                found.append((night_ms + n * 4 * MINUTE_MS, EMPTIED, taken))
        return found

    def _routine(self, device: str, doors: Sequence[Door], day: date) -> list[Happening]:
        rng = random.Random(f"{self.seed}/routine/{device}/{day}")
        phase_ms = random.Random(f"{self.seed}/phase/{device}").randrange(MINUTE_MS)
        start_ms = self._start_ms(day)
        minutes = calendar.hours_in(day, self._zone) * 60
        found: list[Happening] = [
            (start_ms + phase_ms + minute * MINUTE_MS, FILL, None)
            for minute in range(0, minutes, habits.FILL_EVERY_MIN)
        ]
        warm = rng.randrange(-2, 28)
        for minute in range(0, minutes, habits.STATUS_EVERY_MIN):
            health = (rng.randrange(-92, -58), warm + rng.randrange(-3, 4))
            found.append((start_ms + phase_ms + minute * MINUTE_MS + 500, STATUS, health))
        if doors and rng.random() < habits.ALARM_A_DAY:
            type_ = rng.choice((AlarmType.JAM, AlarmType.TAMPER, AlarmType.TILT, AlarmType.SMOKE))
            door = rng.choice(doors).id if type_ is AlarmType.JAM else ""
            begun_ms = start_ms + rng.randrange(6 * 60, 19 * 60) * MINUTE_MS
            ended_ms = begun_ms + rng.randrange(10, 150) * MINUTE_MS
            found.append((begun_ms, ALARM, (type_, door, True)))
            found.append((ended_ms, ALARM, (type_, door, False)))
        return found

    def _crew(self, door: Door, day: date) -> str:
        point = self.registry.collection_point_of(door.device, day) or "crew"
        return f"{point}-{door.category}"

    def _start_ms(self, day: date) -> int:
        return calendar.start_us(day, self._zone) // 1000


def _seq_base(day: date) -> int:
    return max(0, day.toordinal() - _SEQ_FROM) * SEQ_A_DAY

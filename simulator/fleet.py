"""A fleet that does not exist: (registry, seed, day) -> messages, a pure function.

What a device says on a day depends on nothing but the seed, the registry and the day, so a window
can be asked in any pieces and the pieces fit. What a door holds in the morning is what was
deposited since its last round, at most ten days back.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from operator import attrgetter
from typing import Any, NamedTuple

from simulator import habits
from simulator.households import People, people_of
from smartbin import calendar
from smartbin.calendar import Days
from smartbin.events import (
    Alarm,
    AlarmType,
    Category,
    Collection,
    Deposit,
    DeviceState,
    Fact,
    Item,
    Judge,
    LevelReading,
    Status,
    Verdict,
    at_us,
)
from smartbin.registry import DeviceKind, Door, Registry

MINUTE_MS = 60_000
# A device's counter starts anew each day at the day's base. The step is wider than any day's
# messages and than any outage a receiver would count as one, so no gap shows between two days.
SEQ_A_DAY = 100_000
_SEQ_FROM = date(2020, 1, 1).toordinal()
_CARRIED_DAYS_MAX = 10


class Message(NamedTuple):
    """What a device says at once: one fact, or the readings of all its doors."""

    device: str
    at_us: int
    facts: tuple[Fact, ...]


class _Put(NamedTuple):
    """A deposit before its message has a counter."""

    at_ms: int
    door: str
    weight_g: int
    account: str | None
    verdict: Verdict | None
    item: Item | None


class _Emptied(NamedTuple):
    at_ms: int
    net_g: int


class _DoorDay(NamedTuple):
    """One bin's door on one day: deposits in time order, emptyings, and what is left after."""

    start_g: int
    puts: tuple[_Put, ...]
    emptied: tuple[_Emptied, ...]
    left_g: int


class Fleet:
    """Every device of a site, seeded."""

    def __init__(self, registry: Registry, seed: int) -> None:
        self.registry = registry
        self.seed = seed
        self._zone = registry.site.zone
        self._order = {id: n for n, id in enumerate(registry.communities)}
        # Only today's and yesterday's door days are kept: a long run must not grow.
        self._door_days: dict[date, dict[Door, _DoorDay]] = {}

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
        loads = {d.id: 0 if is_point else self._door_day(d, day).start_g for d in doors}
        return _Teller(device_id, doors, loads, _seq_base(day)).tell(happenings)

    def _at_bin(self, doors: Sequence[Door], day: date) -> list[_Happening]:
        found: list[_Happening] = []
        for door in doors:
            lived = self._door_day(door, day)
            crew = self._crew(door, day)
            found.extend((put.at_ms, _PUT, put) for put in lived.puts)
            found.extend((e.at_ms, _EMPTIED, (door.id, e.net_g, crew)) for e in lived.emptied)
        return found

    def _at_point(self, point: str, doors: Sequence[Door], day: date) -> list[_Happening]:
        """Trucks bring what they took from the bins; a larger one takes it away at night."""
        by_category = {door.category: door for door in doors}
        brought = dict.fromkeys(by_category, 0)
        found: list[_Happening] = []
        for community, _ in self.registry.communities_of(point, Days(day, day)):
            for bin_, _ in self.registry.bins_of(community.id, Days(day, day)):
                for span in self.registry.spans(bin_.id, Days(day, day)):
                    into = by_category.get(span.door.category)
                    if into is None or day not in bin_.days:
                        continue
                    for e in self._door_day(span.door, day).emptied:
                        at_ms = e.at_ms + habits.TRUCK_MIN * MINUTE_MS
                        found.append((at_ms, _BROUGHT, (into.id, e.net_g)))
                        brought[into.category] += e.net_g
        night_ms = self._start_ms(day) + habits.POINT_EMPTIED_MIN * MINUTE_MS
        for n, (category, net_g) in enumerate(brought.items()):
            if net_g:
                taken = (by_category[category].id, net_g, f"{point}-{category}")
                found.append((night_ms + n * 4 * MINUTE_MS, _EMPTIED, taken))
        return found

    def _routine(self, device: str, doors: Sequence[Door], day: date) -> list[_Happening]:
        rng = random.Random(f"{self.seed}/routine/{device}/{day}")
        phase_ms = random.Random(f"{self.seed}/phase/{device}").randrange(MINUTE_MS)
        start_ms = self._start_ms(day)
        minutes = calendar.hours_in(day, self._zone) * 60
        found: list[_Happening] = [
            (start_ms + phase_ms + minute * MINUTE_MS, _FILL, None)
            for minute in range(0, minutes, habits.FILL_EVERY_MIN)
        ]
        warm = rng.randrange(-2, 28)
        for minute in range(0, minutes, habits.STATUS_EVERY_MIN):
            health = (rng.randrange(-92, -58), warm + rng.randrange(-3, 4))
            found.append((start_ms + phase_ms + minute * MINUTE_MS + 500, _STATUS, health))
        if doors and rng.random() < habits.ALARM_A_DAY:
            type_ = rng.choice((AlarmType.JAM, AlarmType.TAMPER, AlarmType.TILT, AlarmType.SMOKE))
            door = rng.choice(doors).id if type_ is AlarmType.JAM else ""
            begun_ms = start_ms + rng.randrange(6 * 60, 19 * 60) * MINUTE_MS
            ended_ms = begun_ms + rng.randrange(10, 150) * MINUTE_MS
            found.append((begun_ms, _ALARM, (type_, door, True)))
            found.append((ended_ms, _ALARM, (type_, door, False)))
        return found

    def _door_day(self, door: Door, day: date) -> _DoorDay:
        known = self._door_days.get(day)
        if known is None:
            for old in [d for d in self._door_days if abs((d - day).days) > 1]:
                del self._door_days[old]
            known = self._door_days[day] = {}
        if door not in known:
            known[door] = self._live_door_day(door, day)
        return known[door]

    def _live_door_day(self, door: Door, day: date) -> _DoorDay:
        start_g = self._carried_g(door, day)
        puts = self._puts(door, day)
        emptied_ms = self._round_ms(door, day)
        before = sum(p.weight_g for p in puts if emptied_ms is not None and p.at_ms < emptied_ms)
        total = sum(p.weight_g for p in puts)
        if emptied_ms is None:
            return _DoorDay(start_g, puts, (), start_g + total)
        emptied = (_Emptied(emptied_ms, start_g + before),)
        return _DoorDay(start_g, puts, emptied, total - before)

    def _carried_g(self, door: Door, day: date) -> int:
        """What the door holds when the day begins: deposits since its last round."""
        yesterday = day - timedelta(days=1)
        known = self._door_days.get(yesterday, {}).get(door)
        if known is not None:
            return known.left_g
        carried = 0
        for n in range(1, _CARRIED_DAYS_MAX + 1):
            earlier = day - timedelta(days=n)
            if earlier not in door.days:
                break
            emptied_ms = self._round_ms(door, earlier)
            puts = self._puts(door, earlier)
            carried += sum(p.weight_g for p in puts if emptied_ms is None or p.at_ms >= emptied_ms)
            if emptied_ms is not None:
                break
        return carried

    def _round_ms(self, door: Door, day: date) -> int | None:
        """When the day's round empties the door; None when none comes, or when it misses it. Two
        rounds in succession are never missed.
        """
        every = habits.ROUND_EVERY_DAYS[door.category]
        turn = random.Random(f"{self.seed}/round/{door.device}/{door.id}").randrange(every)
        ordinal = day.toordinal()
        if ordinal % every != turn:
            return None
        rng = random.Random(f"{self.seed}/round/{door.device}/{door.id}/{day}")
        if every < 7 and ordinal // every % 2 and rng.random() < 2 * habits.MISSED_ROUND:
            return None
        minute = habits.ROUND_FROM_MIN[door.category] + rng.randrange(habits.ROUND_MIN)
        return self._start_ms(day) + minute * MINUTE_MS + rng.randrange(MINUTE_MS)

    def _puts(self, door: Door, day: date) -> tuple[_Put, ...]:
        community_id = self.registry.community_of(door.device, day)
        if community_id is None:
            return ()
        community = self.registry.communities[community_id]
        people = people_of(self.seed, community)
        rng = random.Random(f"{self.seed}/deposits/{door.device}/{door.id}/{day}")
        category = door.category
        grams = (
            community.households
            * habits.GRAMS_A_DAY[category]
            * habits.WEEKDAY[category][day.weekday()]
            * people.volume
            / self._doors_sharing(door, community_id, day)
        )
        count = _poisson(rng, grams / habits.DEPOSIT_G[category])
        puts = _random_puts(rng, people, door, count, self._start_ms(day))
        if category is Category.KITCHEN:
            puts.extend(self._cheats(door, community_id, day))
        puts.sort(key=attrgetter("at_ms"))
        return tuple(puts)

    def _doors_sharing(self, door: Door, community: str, day: date) -> int:
        spans = self.registry.doors_of_community(community, Days(day, day))
        return sum(span.door.category is door.category for span in spans) or 1

    def _cheats(self, door: Door, community: str, day: date) -> Iterator[_Put]:
        """Bags split into many deposits at their own bin, and cards seen minutes later at a bin
        across the site.
        """
        bins = self.registry.bins_of(community, Days(day, day))
        if not bins or bins[0][0].id != door.device:
            return
        ids = list(self.registry.communities)
        visitors_from = ids[(self._order[community] - len(ids) // 2) % len(ids)]
        for at_ms, card, pieces in self._cheating(community, day):
            for n, weight_g in enumerate(pieces):
                put_ms = at_ms + n * 41_000
                yield _Put(put_ms, door.id, weight_g, card, Verdict.CORRECT, None)
        if visitors_from != community:
            for at_ms, card, pieces in self._cheating(visitors_from, day):
                if len(pieces) == 1:
                    away_ms = at_ms + 3 * MINUTE_MS
                    yield _Put(away_ms, door.id, pieces[0], card, Verdict.CORRECT, None)

    def _cheating(self, community: str, day: date) -> list[tuple[int, str, list[int]]]:
        rng = random.Random(f"{self.seed}/cheats/{community}/{day}")
        people = people_of(self.seed, self.registry.communities[community])
        found: list[tuple[int, str, list[int]]] = []
        for card in people.cheaters:
            fate = rng.random()
            count = rng.randrange(3, 7) if fate < 0.3 else 1 if fate < 0.45 else 0
            at_ms = self._start_ms(day) + rng.randrange(7 * 60, 19 * 60) * MINUTE_MS
            pieces = [rng.randrange(210, 400) for _ in range(count)]
            if pieces:
                found.append((at_ms, card, pieces))
        return found

    def _crew(self, door: Door, day: date) -> str:
        point = self.registry.collection_point_of(door.device, day) or "crew"
        return f"{point}-{door.category}"

    def _start_ms(self, day: date) -> int:
        return calendar.start_us(day, self._zone) // 1000


_Happening = tuple[int, int, Any]  # when (ms), which of the below, and its details
_PUT, _BROUGHT, _EMPTIED, _ALARM, _STATUS, _FILL = range(6)


class _Teller:
    """Turns what happens at a device on a day into its messages, counting them."""

    def __init__(self, device: str, doors: Sequence[Door], loads: dict[str, int], seq: int) -> None:
        self._device, self._doors, self._loads, self._seq = device, doors, loads, seq
        self._by_id = {door.id: door for door in doors}
        self._told: list[Message] = []

    def tell(self, happenings: Sequence[_Happening]) -> list[Message]:
        for at_ms, what, happened in happenings:
            if what == _PUT:
                self._put(happened)
            elif what == _FILL:
                self._fill(at_ms)
            elif what == _BROUGHT:
                door, net_g = happened
                self._grow(at_ms, door, net_g)
            elif what == _EMPTIED:
                self._emptied(at_ms, *happened)
            elif what == _STATUS:
                rssi_dbm, temperature_c = happened
                at = self._next(at_ms)
                online = DeviceState.ONLINE
                health = (None, None, rssi_dbm, temperature_c, habits.FIRMWARE)
                self._say(Status(self._device, at, online, *health, self._seq))
            else:
                type_, door, active = happened
                at = self._next(at_ms)
                self._say(Alarm(self._device, door, at, type_, active, self._seq))
        self._told.sort(key=attrgetter("at_us"))
        return self._told

    def _put(self, put: _Put) -> None:
        at = self._next(put.at_ms)
        judge = Judge.CAMERA if put.verdict else None
        self._say(
            Deposit(
                self._device,
                put.door,
                at,
                put.weight_g,
                put.verdict,
                judge,
                put.item,
                put.account,
                self._seq,
            )
        )
        self._grow(put.at_ms, put.door, put.weight_g)

    def _grow(self, at_ms: int, door_id: str, weight_g: int) -> None:
        """More in a door; a level that crosses a threshold is told at once."""
        door = self._by_id[door_id]
        before = _level_pct(door, self._loads[door_id])
        self._loads[door_id] += weight_g
        after = _level_pct(door, self._loads[door_id])
        if before < door.full_pct <= after or before < door.overfull_pct <= after:
            self._fill(at_ms + 1)

    def _emptied(self, at_ms: int, door: str, net_g: int, crew: str) -> None:
        at = self._next(at_ms)
        gross_g = net_g + habits.TARE_G
        self._say(Collection(self._device, door, at, gross_g, habits.TARE_G, crew, self._seq))
        self._loads[door] -= net_g
        self._fill(at_ms + 1)

    def _fill(self, at_ms: int) -> None:
        at = self._next(at_ms)
        readings = tuple(
            LevelReading(
                self._device,
                door.id,
                at,
                _level_pct(door, self._loads[door.id]),
                None,
                None if n else self._seq,
            )
            for n, door in enumerate(self._doors)
        )
        self._told.append(Message(self._device, at, readings))

    def _next(self, at_ms: int) -> int:
        self._seq += 1
        return at_us(at_ms, self._seq)

    def _say(self, fact: Fact) -> None:
        self._told.append(Message(self._device, fact.at_us, (fact,)))


def _seq_base(day: date) -> int:
    return max(0, day.toordinal() - _SEQ_FROM) * SEQ_A_DAY


def _level_pct(door: Door, load_g: int) -> int:
    return min(100, load_g * 100 // (habits.GRAMS_A_LITRE[door.category] * door.capacity_l))


def _poisson(rng: random.Random, mean: float) -> int:
    """A count of independent happenings; above 50 its normal approximation."""
    if mean > 50:
        return max(0, round(rng.gauss(mean, mean**0.5)))
    count, waited = 0, rng.expovariate(1.0)
    while waited < mean:
        count += 1
        waited += rng.expovariate(1.0)
    return count


def _random_puts(
    rng: random.Random, people: People, door: Door, count: int, start_ms: int
) -> list[_Put]:
    hours = rng.choices(habits.HOURS, cum_weights=habits.HOURS_CUMULATED, k=count)
    who = rng.choices(range(len(people.cards)), cum_weights=people.often_cumulated, k=count)
    items: list[Item | None] = [None] * count
    if door.category is Category.RECYCLABLE:
        items = list(rng.choices(habits.ITEM_NAMES, cum_weights=habits.ITEMS_CUMULATED, k=count))
    random_ = rng.random
    scale_g = habits.DEPOSIT_G[door.category] / habits.WEIGHT_SHAPE
    puts = []
    for hour, card, item in zip(hours, who, items, strict=True):
        at_ms = start_ms + int((hour + random_()) * 3_600_000)
        weight_g = int(rng.gammavariate(habits.WEIGHT_SHAPE, scale_g))
        weight_g = min(habits.WEIGHT_MAX_G, max(habits.WEIGHT_MIN_G, weight_g))
        carded = random_() < habits.CARDED
        verdict = None
        if random_() < habits.JUDGED:
            accuracy = people.accuracy[card] if carded else people.usual_accuracy
            verdict = Verdict.CORRECT if random_() < accuracy else Verdict.INCORRECT
        account = people.cards[card] if carded else None
        puts.append(_Put(at_ms, door.id, weight_g, account, verdict, item))
    return puts

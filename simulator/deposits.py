"""What people put into a door on a day: a pure function of registry, seed, door and day."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from operator import attrgetter
from typing import NamedTuple

from simulator import habits
from simulator.households import People, people_of
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.facts.events import Category, Item, Verdict
from smartbin.places import Door, Registry

MINUTE_MS = 60_000


class Put(NamedTuple):
    """A deposit before its message has a counter."""

    at_ms: int
    door: str
    weight_g: int
    account: str | None
    verdict: Verdict | None
    item: Item | None


class DepositPlan:
    """The deposits of a site's people."""

    def __init__(self, registry: Registry, seed: int) -> None:
        self._registry, self._seed = registry, seed
        self._order = {id: n for n, id in enumerate(registry.communities)}

    def of(self, door: Door, day: date) -> tuple[Put, ...]:
        """What is put into a bin's door on a day, in time order."""
        community_id = self._registry.community_of(door.device, day)
        if community_id is None:
            return ()
        community = self._registry.communities[community_id]
        people = people_of(self._seed, community)
        rng = random.Random(f"{self._seed}/deposits/{door.device}/{door.id}/{day}")
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
        spans = self._registry.doors_of_community(community, Days(day, day))
        return sum(span.door.category is door.category for span in spans) or 1

    def _cheats(self, door: Door, community: str, day: date) -> Iterator[Put]:
        """Bags split into many deposits at their own bin, and cards seen minutes later at a bin
        across the site.
        """
        bins = self._registry.bins_of(community, Days(day, day))
        if not bins or bins[0][0].id != door.device:
            return
        ids = list(self._registry.communities)
        visitors_from = ids[(self._order[community] - len(ids) // 2) % len(ids)]
        for at_ms, card, pieces in self._cheating(community, day):
            for n, weight_g in enumerate(pieces):
                put_ms = at_ms + n * 41_000
                yield Put(put_ms, door.id, weight_g, card, Verdict.CORRECT, None)
        if visitors_from != community:
            for at_ms, card, pieces in self._cheating(visitors_from, day):
                if len(pieces) == 1:
                    away_ms = at_ms + 3 * MINUTE_MS
                    yield Put(away_ms, door.id, pieces[0], card, Verdict.CORRECT, None)

    def _cheating(self, community: str, day: date) -> list[tuple[int, str, list[int]]]:
        rng = random.Random(f"{self._seed}/cheats/{community}/{day}")
        people = people_of(self._seed, self._registry.communities[community])
        found: list[tuple[int, str, list[int]]] = []
        for card in people.cheaters:
            fate = rng.random()
            count = rng.randrange(3, 7) if fate < 0.3 else 1 if fate < 0.45 else 0
            at_ms = self._start_ms(day) + rng.randrange(7 * 60, 19 * 60) * MINUTE_MS
            pieces = [rng.randrange(210, 400) for _ in range(count)]
            if pieces:
                found.append((at_ms, card, pieces))
        return found

    def _start_ms(self, day: date) -> int:
        return calendar.start_us(day, self._registry.site.zone) // 1000


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
) -> list[Put]:
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
        puts.append(Put(at_ms, door.id, weight_g, account, verdict, item))
    return puts

"""How much of the plan stands: what is there of what was promised, and what is missing by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from smartbin.core.calendar import Days
from smartbin.facts.events import Category
from smartbin.places import DeviceKind, Registry


class Promise(StrEnum):
    """What the plan promises a number of."""

    COMMUNITIES = "communities"
    BINS = "bins"
    COLLECTION_POINTS = "collection_points"
    PLAIN_BINS = "plain_bins"


@dataclass(frozen=True, slots=True)
class Missing:
    """Something the plan has and the day has not: a community or a device. ``lacks`` are the
    categories a community has no bin for; empty for a device out of service.
    """

    id: str
    name: str
    lacks: tuple[Category, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """``have`` of ``goal``; ``short`` is how many are missing without a name, because nobody has
    entered them in the registry.
    """

    promise: Promise
    have: int
    goal: int
    short: int
    missing: tuple[Missing, ...]


def coverage(registry: Registry, day: date) -> list[Coverage]:
    """The plan's four promises on a day.

    A community counts when its smart bins in service and its plain bins together take all four
    categories; a device when its service covers the day. For plain bins, communities without any
    are missing.
    """
    site = registry.site
    lacking = tuple(_lacking(registry, day))
    communities = len(registry.communities) - len(lacking)
    bins, bins_missing = _devices(registry, DeviceKind.BIN, day)
    points, points_missing = _devices(registry, DeviceKind.COLLECTION_POINT, day)
    with_plain = {plain.community for plain in registry.plain_bins}
    without_plain = tuple(
        Missing(c.id, c.name, ()) for c in registry.communities.values() if c.id not in with_plain
    )
    return [
        _of(Promise.COMMUNITIES, communities, site.goal_communities, lacking),
        _of(Promise.BINS, bins, site.goal_bins, bins_missing),
        _of(Promise.COLLECTION_POINTS, points, site.goal_collection_points, points_missing),
        Coverage(
            Promise.PLAIN_BINS,
            len(registry.plain_bins),
            site.goal_plain_bins,
            max(0, site.goal_plain_bins - len(registry.plain_bins)),
            without_plain,
        ),
    ]


def _of(promise: Promise, have: int, goal: int, missing: tuple[Missing, ...]) -> Coverage:
    return Coverage(promise, have, goal, max(0, goal - have - len(missing)), missing)


def _devices(registry: Registry, kind: DeviceKind, day: date) -> tuple[int, tuple[Missing, ...]]:
    every = [device for device in registry.devices.values() if device.kind is kind]
    out = tuple(Missing(d.id, d.name, ()) for d in every if day not in d.days)
    return len(every) - len(out), out


def _lacking(registry: Registry, day: date) -> Iterator[Missing]:
    plain: dict[str, set[Category]] = {}
    for one in registry.plain_bins:
        plain.setdefault(one.community, set()).add(one.category)
    for community in registry.communities.values():
        takes = set(plain.get(community.id, ()))
        for device, _ in registry.bins_of(community.id, Days(day, day)):
            takes |= {span.door.category for span in registry.spans(device.id, Days(day, day))}
        if lacks := tuple(kind for kind in Category if kind not in takes):
            yield Missing(community.id, community.name, lacks)

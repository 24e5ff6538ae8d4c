"""From levels to stops: which doors a crew should empty, in what order, and which bins nobody may
touch; and which reports of an emptying are the same one. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum

from smartbin.core import calendar
from smartbin.facts.events import (
    Alarm,
    AlarmType,
    Category,
    Collection,
    DoorKey,
    LevelReading,
)
from smartbin.places import Door, Registry


class DoorState(StrEnum):
    """What a crew must know of a door, most urgent first."""

    OVERFULL = "overfull"
    FULL = "full"
    FAULT = "fault"
    SILENT = "silent"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Policy:
    """When a door counts as silent and how far back its last word is looked for.

    Three missed intervals are silence (habit of the field); bins report at least every 15 minutes,
    so an hour leaves one more.
    """

    silent_after_us: int = calendar.US_PER_HOUR
    look_back_us: int = 14 * 24 * calendar.US_PER_HOUR


@dataclass(frozen=True, slots=True)
class Stop:
    """One door as a crew sees it. ``level_pct`` is the last known level, None when never known."""

    door: Door
    state: DoorState
    level_pct: int | None
    read_at_us: int | None
    full_since_us: int | None


# Opening a bin that burns gives the fire air. Fire is the graver word for the same device.
BURNING = (AlarmType.FIRE, AlarmType.SMOKE)


@dataclass(frozen=True, slots=True)
class Withheld:
    """A device that nobody may empty while it burns or smokes, and all its doors."""

    device: str
    reason: AlarmType
    since_us: int
    doors: tuple[Door, ...]


def withheld(doors: Iterable[Door], alarms: Iterable[Alarm]) -> list[Withheld]:
    """The devices among ``doors`` with an active fire or smoke alarm, whichever door it names:
    fire first, then the longest active. A device is listed once.
    """
    gravest: dict[str, Alarm] = {}
    for alarm in sorted((a for a in alarms if a.active and a.type in BURNING), key=_gravity):
        gravest.setdefault(alarm.device, alarm)
    own: dict[str, list[Door]] = {device: [] for device in gravest}
    for door in doors:
        if door.device in own:
            own[door.device].append(door)
    return [
        Withheld(device, gravest[device].type, gravest[device].at_us, tuple(found))
        for device, found in own.items()
        if found
    ]


def _gravity(alarm: Alarm) -> tuple[int, int, str]:
    return BURNING.index(alarm.type), alarm.at_us, alarm.device


FullSince = Callable[[Mapping[DoorKey, int]], Mapping[DoorKey, int]]


def stops(
    doors: Iterable[Door],
    levels: Mapping[DoorKey, LevelReading],
    now_us: int,
    policy: Policy,
    *,
    threshold_pct: int | None,
    full_since: FullSince,
    off_limits: Set[str],
) -> list[Stop]:
    """The doors that need somebody: overfull, full, faulty, then silent *as silent*. No door of a
    device in ``off_limits`` is a stop.

    ``threshold_pct`` replaces each door's own threshold; ``full_since(thresholds)`` tells when the
    unbroken run of each full door at or above its threshold began. Within a state the fuller and
    then the longer full lead.
    """
    wanted = []
    for door in doors:
        if door.device in off_limits:
            continue
        reading = levels.get(door.key)
        state = state_of(door, reading, now_us, policy, threshold_pct)
        if state is not DoorState.OK:
            wanted.append((door, reading, state))
    since_us = full_since(
        {
            door.key: door.full_pct if threshold_pct is None else threshold_pct
            for door, _, state in wanted
            if state in (DoorState.FULL, DoorState.OVERFULL)
        }
    )
    found = [
        Stop(
            *(door, state),
            reading.level_pct if reading else None,
            reading.at_us if reading else None,
            since_us.get(door.key),
        )
        for door, reading, state in wanted
    ]
    order = list(DoorState)
    found.sort(
        key=lambda s: (
            order.index(s.state),
            -(s.level_pct or 0),
            s.full_since_us or now_us,
            s.door.key,
        )
    )
    return found


def state_of(
    door: Door,
    reading: LevelReading | None,
    now_us: int,
    policy: Policy,
    threshold_pct: int | None = None,
) -> DoorState:
    """A door's state now from its newest reading; ``threshold_pct`` replaces the door's own."""
    threshold = door.full_pct if threshold_pct is None else threshold_pct
    if reading is None or reading.at_us < now_us - policy.silent_after_us:
        return DoorState.SILENT
    if reading.level_pct is None:
        return DoorState.FAULT
    if reading.level_pct >= max(door.overfull_pct, threshold):
        return DoorState.OVERFULL
    return DoorState.FULL if reading.level_pct >= threshold else DoorState.OK


# A bin reports when its bag is changed, a person when they have a hand free; nobody empties the
# same door again within half an hour.
SAME_WITHIN_US = 30 * 60 * calendar.US_PER_S


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A person's word that a door was emptied; ``id`` was made on their phone."""

    id: str
    round: str
    crew: str
    device: str
    door: str
    at_us: int
    weight_g: int | None = None

    @property
    def key(self) -> DoorKey:
        """Which door."""
        return DoorKey(self.device, self.door)


class ConfirmationReason(StrEnum):
    """Why a confirmation counts for nothing; the office sees it all the same."""

    UNKNOWN_DOOR = "unknown_door"
    OTHER_CATEGORY = "other_category"
    FUTURE = "future"
    TOO_OLD = "too_old"
    ID_USED = "id_used"
    ROUND_FULL = "round_full"


# A phone's clock may go ahead as far as a device's.
AHEAD_US = 10 * 60 * calendar.US_PER_S
BACK_US = 31 * 24 * calendar.US_PER_HOUR


def confirmation_fault(
    what: Confirmation, category: Category, registry: Registry, now_us: int
) -> ConfirmationReason | None:
    """Why a confirmation on a round of that category cannot be right; None when it can."""
    if what.at_us > now_us + AHEAD_US:
        return ConfirmationReason.FUTURE
    if what.at_us < now_us - BACK_US:
        return ConfirmationReason.TOO_OLD
    door = registry.door(what.key, calendar.day_of(what.at_us, registry.site.zone))
    if door is None:
        return ConfirmationReason.UNKNOWN_DOOR
    return None if door.category is category else ConfirmationReason.OTHER_CATEGORY


CONFIRMED_BACK_US = 12 * calendar.US_PER_HOUR
"""How long a confirmation counts where the door's sensor is silent."""


def valid_confirmation(
    confirmation: Confirmation | None, read_at_us: int | None, now_us: int
) -> Confirmation | None:
    """The confirmation, if it counts now: until the door's own sensor reports again, and at most
    for ``CONFIRMED_BACK_US``.
    """
    if confirmation is None or confirmation.at_us < now_us - CONFIRMED_BACK_US:
        return None
    return confirmation if confirmation.at_us > (read_at_us or 0) else None


@dataclass(frozen=True, slots=True)
class Emptying:
    """A door emptied once, as the bin reported it, or people confirmed it, or both."""

    reported: Collection | None
    confirmed: tuple[Confirmation, ...]

    @property
    def key(self) -> DoorKey:
        """Which door."""
        first = self.reported or self.confirmed[0]
        return DoorKey(first.device, first.door)

    @property
    def at_us(self) -> int:
        """When: the bin knows best."""
        return (self.reported or self.confirmed[0]).at_us

    @property
    def weight_g(self) -> int | None:
        """What was taken away: the bin's scale, else the first weight a person gave."""
        if self.reported is not None:
            return self.reported.net_g
        return next((c.weight_g for c in self.confirmed if c.weight_g is not None), None)


def emptyings(
    reported: Iterable[Collection], confirmed: Iterable[Confirmation]
) -> Sequence[Emptying]:
    """Each emptying once, newest first, whatever the order in which its reports arrived.

    What a bin reports is an emptying. A confirmation belongs to the nearest report of its door
    within ``SAME_WITHIN_US``, else to an emptying that people alone confirmed: the first
    confirmation of a door begins one, and those within ``SAME_WITHIN_US`` after it are the same.
    """
    reports: dict[DoorKey, list[Collection]] = defaultdict(list)
    for report in sorted(reported, key=lambda r: r.at_us):
        reports[DoorKey(report.device, report.door)].append(report)
    told: dict[Collection, list[Confirmation]] = {r: [] for own in reports.values() for r in own}
    alone: dict[DoorKey, list[list[Confirmation]]] = defaultdict(list)
    for one in sorted(confirmed, key=lambda c: (c.at_us, c.id)):
        nearest = min(reports[one.key], key=lambda r: abs(r.at_us - one.at_us), default=None)
        if nearest is not None and abs(nearest.at_us - one.at_us) <= SAME_WITHIN_US:
            told[nearest].append(one)
        elif (own := alone[one.key]) and one.at_us - own[-1][0].at_us <= SAME_WITHIN_US:
            own[-1].append(one)
        else:
            own.append([one])
    found = [Emptying(report, tuple(people)) for report, people in told.items()]
    found += [Emptying(None, tuple(people)) for own in alone.values() for people in own]
    return sorted(found, key=lambda e: (-e.at_us, e.key))

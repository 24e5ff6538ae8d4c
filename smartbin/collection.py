"""From levels to stops: which doors a crew should empty, in what order. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from smartbin import calendar
from smartbin.events import DoorKey, LevelReading
from smartbin.registry import Door


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


FullSince = Callable[[Mapping[DoorKey, int]], Mapping[DoorKey, int]]


def stops(
    doors: Iterable[Door],
    levels: Mapping[DoorKey, LevelReading],
    now_us: int,
    policy: Policy,
    *,
    threshold_pct: int | None,
    full_since: FullSince,
) -> list[Stop]:
    """The doors that need somebody: overfull, full, faulty, then silent *as silent*.

    ``threshold_pct`` replaces each door's own threshold; ``full_since(thresholds)`` tells when the
    unbroken run of each full door at or above its threshold began. Within a state the fuller and
    then the longer full lead.
    """
    states: dict[DoorKey, DoorState] = {}
    thresholds: dict[DoorKey, int] = {}
    for door in (doors := list(doors)):
        state = state_of(door, levels.get(door.key), now_us, policy, threshold_pct)
        states[door.key] = state
        if state in (DoorState.FULL, DoorState.OVERFULL):
            thresholds[door.key] = door.full_pct if threshold_pct is None else threshold_pct
    since_us = full_since(thresholds)
    found = [
        Stop(
            door,
            states[door.key],
            reading.level_pct if (reading := levels.get(door.key)) else None,
            reading.at_us if reading else None,
            since_us.get(door.key),
        )
        for door in doors
        if states[door.key] is not DoorState.OK
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

"""What a device needs, and what a public board shows of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from smartbin.collection.rules import Policy
from smartbin.facts.events import Alarm, AlarmType, DeviceState, LevelReading, Status

BATTERY_LOW_PCT = 20
COMPLETENESS_LOW = 0.95
# A fire comes before everything else a person could look at.
FIRST_ALARMS = (AlarmType.FIRE, AlarmType.SMOKE)


class Care(StrEnum):
    """Why a device needs somebody, gravest first."""

    ALARM = "alarm"
    SILENT = "silent"
    OFFLINE = "offline"
    FAULT = "fault"
    BATTERY = "battery"
    GAPS = "gaps"
    REFUSED = "refused"


class BinState(StrEnum):
    """A bin as a board shows it."""

    ONLINE = "online"
    OFFLINE = "offline"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of a device: its newest status, when it was last heard, and of the last days
    the share of hours it was heard in (None when none has passed) and its refused messages.
    """

    status: Status | None
    last_us: int | None
    alarms: int
    faulty_doors: int
    completeness: float | None
    refused_messages: int


def last_heard_us(status: Status | None, readings: Iterable[LevelReading]) -> int | None:
    """When a device was last heard, by its status or a door's level; None when never."""
    heard = [reading.at_us for reading in readings]
    return max(heard + ([status.at_us] if status else []), default=None)


def is_silent(last_us: int | None, now_us: int, policy: Policy) -> bool:
    """Whether a device was heard so long ago that its last word no longer counts."""
    return last_us is None or last_us < now_us - policy.silent_after_us


def care(health: Health, now_us: int, policy: Policy) -> Iterator[Care]:
    """What a device needs, gravest first; nothing when it is well. A silent one is not offline
    as well: what it said last is old.
    """
    status = health.status
    if health.alarms:
        yield Care.ALARM
    if is_silent(health.last_us, now_us, policy):
        yield Care.SILENT
    elif status is not None and status.state is DeviceState.OFFLINE:
        yield Care.OFFLINE
    if health.faulty_doors:
        yield Care.FAULT
    battery_pct = status.battery_pct if status else None
    if battery_pct is not None and battery_pct < BATTERY_LOW_PCT:
        yield Care.BATTERY
    if health.completeness is not None and health.completeness < COMPLETENESS_LOW:
        yield Care.GAPS
    if health.refused_messages:
        yield Care.REFUSED


def urgency(needs: Iterable[Care]) -> int:
    """Where a device stands in a list by its gravest need, 0 first; one without needs is last."""
    order = list(Care)
    return min((order.index(need) for need in needs), default=len(order))


def alarm_urgency(alarm: Alarm) -> tuple[bool, int, str]:
    """A sort key for active alarms: fire and smoke, then the longest active."""
    return alarm.type not in FIRST_ALARMS, alarm.at_us, alarm.device


def bin_state(status: Status | None, last_us: int | None, now_us: int, policy: Policy) -> BinState:
    """Silent when not heard for long, else what the device last said of itself."""
    if is_silent(last_us, now_us, policy):
        return BinState.SILENT
    offline = status is not None and status.state is DeviceState.OFFLINE
    return BinState.OFFLINE if offline else BinState.ONLINE

"""How much of what happened was heard: the evidence given with every figure.

Completeness is the share of device-hours in which a device sent at least one message, among the
hours it was in service. Devices buffer while they are offline, so a late batch heals the hours it
covers: what stays open is what nobody knows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from itertools import pairwise, zip_longest
from zoneinfo import ZoneInfo

from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.telemetry import DayPresence

# A device says some 600 messages a day: so many lost ones would be four years of silence.
JUMP_MAX = 1_000_000
COUNTERS_MAX = 20_000
"""Messages of a day that are looked through for a restart; of more nothing is said."""
Counters = Callable[[date], Sequence[int]]
"""A day's counters in the order of the device's clock, at most COUNTERS_MAX."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Device-hours heard from, of those expected."""

    hours: int
    expected: int

    @property
    def share(self) -> float | None:
        """0 to 1; None when nothing was expected (a day to come, a place without devices)."""
        return self.hours / self.expected if self.expected else None

    def __add__(self, other: Heard) -> Heard:
        return Heard(self.hours + other.hours, self.expected + other.expected)


@dataclass(frozen=True, slots=True)
class SeqGaps:
    """Messages that a device counted and we never heard.

    ``missing`` are holes in its counter; ``unordered_days`` are days on which the counter cannot
    tell, because it restarted, wrapped or a clock was wrong.
    """

    missing: int
    unordered_days: int

    def __add__(self, other: SeqGaps) -> SeqGaps:
        return SeqGaps(self.missing + other.missing, self.unordered_days + other.unordered_days)


@dataclass(frozen=True, slots=True)
class Presence:
    """What was heard from the devices of a place: in all, by day, by device; ``silent`` are the
    devices not heard at all in the window; ``gaps`` hold the devices with holes.
    """

    total: Heard
    by_day: Mapping[date, Heard]
    by_device: Mapping[str, Heard]
    silent: tuple[str, ...]
    gaps: Mapping[str, SeqGaps]


NOTHING = Heard(0, 0)
NO_GAPS = SeqGaps(0, 0)


def around(days: Days) -> Days:
    """The days plus one on each side: the counter of a day is read against its neighbours."""
    return Days(days.first - timedelta(days=1), days.last + timedelta(days=1))


def presence(
    rows: Iterable[DayPresence],
    devices: Sequence[tuple[str, Days]],
    now_us: int,
    zone: ZoneInfo,
    counters: Callable[[str, date], Sequence[int]],
) -> Presence:
    """Compare what was heard with what the dated ``devices`` should have said until ``now_us``.

    ``rows`` may reach beyond the devices' days (see ``around``); hours are counted within them
    only. An hour still running is not expected yet. ``counters`` is asked for a device's day
    where its range alone does not tell (see ``seq_gaps``).
    """
    heard: dict[str, dict[date, DayPresence]] = defaultdict(dict)
    for row in rows:
        heard[row.device][row.day] = row
    hours_of = _hours_until(now_us, zone)
    by_day: dict[date, list[int]] = {}
    by_device: dict[str, Heard] = {}
    messages: dict[str, int] = defaultdict(int)
    gaps: dict[str, SeqGaps] = {}
    for device, days in devices:
        days_heard = heard.get(device, {})
        hours = expected = 0
        for day in days:
            most = hours_of(day)
            some = 0
            if row_of_day := days_heard.get(day):
                some = min(row_of_day.hours, most)
                messages[device] += row_of_day.messages
            hours += some
            expected += most
            sums = by_day.setdefault(day, [0, 0])
            sums[0] += some
            sums[1] += most
        by_device[device] = by_device.get(device, NOTHING) + Heard(hours, expected)
        found = seq_gaps(list(days_heard.values()), days, partial(counters, device))
        if found != NO_GAPS:  # a device that left and came back has two spans: both count
            gaps[device] = gaps.get(device, NO_GAPS) + found
    return Presence(
        total=sum(by_device.values(), NOTHING),
        by_day={day: Heard(*sums) for day, sums in sorted(by_day.items())},
        by_device=by_device,
        silent=tuple(d for d, h in by_device.items() if h.expected and not messages[d]),
        gaps=gaps,
    )


def heard_of(
    rows: Iterable[DayPresence],
    places: Mapping[str, Sequence[tuple[str, Days]]],
    now_us: int,
    zone: ZoneInfo,
) -> Mapping[str, Heard]:
    """What was heard in all from the dated devices of many places: ``presence`` without its days,
    for a ranking, at a small part of the cost.
    """
    heard: dict[str, list[tuple[date, int]]] = defaultdict(list)
    hours_of = _hours_until(now_us, zone)
    for row in rows:
        heard[row.device].append((row.day, min(row.hours, hours_of(row.day))))
    expected: dict[Days, int] = {}
    found = {}
    for place, devices in places.items():
        total = NOTHING
        for device, days in devices:
            if days not in expected:
                expected[days] = sum(hours_of(day) for day in days)
            first, last = days.first, days.last
            hours = sum(hours for day, hours in heard[device] if first <= day <= last)
            total += Heard(hours, expected[days])
        found[place] = total
    return found


def seq_gaps(rows: Sequence[DayPresence], days: Days, counters: Counters) -> SeqGaps:
    """Holes in one device's counter during ``days``, from each day's messages and counter range.

    Within a day ``seq_max - seq_min + 1 - messages`` are missing, and between two days what lies
    between the counter at the end of the one and the lowest of the other. Both hold only while
    the counter rises. A day is ``unordered``, and its holes are not guessed,

    - when the counter fell on it, or since the day heard before: a restart, a wrap, a wrong clock;
    - when a hole in it or before it is larger than JUMP_MAX: the counter began anew, higher;
    - when it has holes and the next day's counters begin among its own: they may belong there.

    A range tells whether the counter fell, but on the first day heard, and on a day that begins
    below the end of the one before or has more messages than numbers: these are looked through.
    """
    heard = sorted((r for r in rows if r.messages), key=lambda r: r.day)
    missing = unordered = 0
    end: int | None = None
    for row, after in zip_longest(heard, heard[1:]):
        holes = row.seq_max - row.seq_min + 1 - row.messages
        jump = 0 if end is None else row.seq_min - end - 1
        broken = jump < 0 or holes < 0 or max(jump, holes) > JUMP_MAX
        if broken or (end is None and holes):
            said = counters(row.day)
            broken |= len(said) >= COUNTERS_MAX or any(b <= a for a, b in pairwise(said))
            end = said[-1] if said else row.seq_max
        else:
            end = row.seq_max
        if holes and after is not None:
            broken |= row.seq_min < after.seq_min <= end
        if row.day in days:
            unordered += broken
            missing += 0 if broken else holes + jump
    return SeqGaps(missing, unordered)


class _hours_until:  # noqa: N801 - a function with a memory
    """The hours of a day that have wholly passed at an instant; zero for days to come."""

    def __init__(self, now_us: int, zone: ZoneInfo) -> None:
        self._now_us = now_us
        self._zone = zone
        self._today = calendar.day_of(now_us, zone)
        self._known: dict[date, int] = {}

    def __call__(self, day: date) -> int:
        if day > self._today:
            return 0
        if day not in self._known:
            self._known[day] = (
                calendar.hours_in(day, self._zone)
                if day < self._today
                else calendar.hour_of_day(self._now_us, self._zone)
            )
        return self._known[day]

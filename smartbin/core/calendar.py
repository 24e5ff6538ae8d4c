"""The site's calendar: the only place where instants and calendar days meet.

A *day* is the site's calendar day (``Asia/Shanghai`` for Xinbei), 23 to 25 hours long where
clocks change. A day is stored as an integer, the proleptic Gregorian ordinal of
``datetime.date.toordinal``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

US_PER_S = 1_000_000
US_PER_HOUR = 3600 * US_PER_S
US_PER_DAY = 24 * US_PER_HOUR
# A look-up remembers a month of quarters of an hour: some 0.6 MB.
SLOTS_MAX = 3_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Days:
    """Calendar days ``first`` to ``last``, both inclusive, as the API takes them."""

    first: date
    last: date

    def __post_init__(self) -> None:
        """Refuse an empty window: every caller would have to think about it."""
        if self.last < self.first:
            raise ValueError(f"the last day {self.last} lies before the first day {self.first}")

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __iter__(self) -> Iterator[date]:
        for n in range(len(self)):
            yield self.first + timedelta(days=n)

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last

    def overlap(self, other: Days) -> Days | None:
        """The days both have, or None."""
        first, last = max(self.first, other.first), min(self.last, other.last)
        return Days(first, last) if first <= last else None

    def shifted(self, days: int) -> Days:
        """The same number of days, ``days`` later (earlier when negative)."""
        return Days(self.first + timedelta(days=days), self.last + timedelta(days=days))


def weeks(days: Days) -> list[Days]:
    """The ISO weeks (from Monday) that the days lie in, the first and last cut to the days."""
    return _cut(days, lambda day: day + timedelta(days=6 - day.weekday()))


def months(days: Days) -> list[Days]:
    """The calendar months that the days lie in, the first and last cut to the days."""
    return _cut(days, lambda day: _next_month(day) - timedelta(days=1))


def year_before(days: Days) -> Days:
    """The same dates a year earlier; of 29 February the 28th."""
    return Days(_year_before(days.first), _year_before(days.last))


Dated = Iterable[tuple[Days, Hashable]]


def differing(before: Dated, now: Dated) -> list[Days]:
    """The days on which not the same is in force: of what is dated, what covers a day."""
    then, later = tuple(before), tuple(now)
    borders = {days.first for days, _ in (*then, *later)}
    borders |= {d.last + timedelta(days=1) for d, _ in (*then, *later) if d.last < date.max}
    found: list[Days] = []
    starts = sorted(borders)
    for n, first in enumerate(starts, 1):
        last = starts[n] - timedelta(days=1) if n < len(starts) else date.max
        if _covering(then, first) == _covering(later, first):
            continue
        if found and found[-1].last + timedelta(days=1) == first:
            found[-1] = Days(found[-1].first, last)
        else:
            found.append(Days(first, last))
    return found


def _covering(dated: Sequence[tuple[Days, Hashable]], day: date) -> Counter[Hashable]:
    return Counter(value for days, value in dated if day in days)


def _cut(days: Days, end_of: Callable[[date], date]) -> list[Days]:
    found, first = [], days.first
    while first <= days.last:
        last = min(end_of(first), days.last)
        found.append(Days(first, last))
        first = last + timedelta(days=1)
    return found


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _year_before(day: date) -> date:
    leap_day = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - 1, day=28 if leap_day else day.day)


def to_us(moment: datetime) -> int:
    """UTC microseconds since 1970 of an aware datetime."""
    if moment.tzinfo is None:
        raise ValueError("a time without an offset has no instant")
    since = moment - EPOCH
    # A third of the time of a division by a timedelta, and as exact.
    return (since.days * 86_400 + since.seconds) * US_PER_S + since.microseconds


def from_us(at_us: int, zone: ZoneInfo) -> datetime:
    """The aware local datetime of an instant."""
    return (EPOCH + timedelta(microseconds=at_us)).astimezone(zone)


def day_of(at_us: int, zone: ZoneInfo) -> date:
    """The site's calendar day of an instant."""
    return from_us(at_us, zone).date()


def start_us(day: date, zone: ZoneInfo) -> int:
    """The instant at which a day begins: its local midnight, or the first instant after it where
    midnight is skipped.
    """
    local = datetime.combine(day, time.min, zone)
    return to_us(local.astimezone(UTC))


def bounds_us(days: Days, zone: ZoneInfo) -> tuple[int, int]:
    """The half-open instant window ``[start, end)`` that the days cover."""
    return start_us(days.first, zone), start_us(days.last + timedelta(days=1), zone)


def even_stretches(days: Days, zone: ZoneInfo) -> Iterator[tuple[int, int, int]]:
    """The days' instants ``[start, end)`` in stretches whose days all begin at the same time of
    the UTC day, with that time in seconds: one stretch a year, three where clocks change. A day of
    25 hours ends its stretch, so it holds a second, short window of 24 hours.
    """
    first = end = start_us(days.first, zone)
    for day_after in days.shifted(1):
        end = start_us(day_after, zone)
        if (end - first) % US_PER_DAY:
            yield first, end, first % US_PER_DAY // US_PER_S
            first = end
    if end > first:
        yield first, end, first % US_PER_DAY // US_PER_S


@lru_cache(maxsize=4096)  # asked for each device of each day; two years of two zones
def hours_in(day: date, zone: ZoneInfo) -> int:
    """How many hours the day has: 24, or 23 and 25 where clocks change."""
    return (start_us(day + timedelta(days=1), zone) - start_us(day, zone)) // US_PER_HOUR


def hour_of_day(at_us: int, zone: ZoneInfo) -> int:
    """Which hour of its day an instant lies in, counted from the day's start: 0 to 24."""
    return (at_us - start_us(day_of(at_us, zone), zone)) // US_PER_HOUR


class Slots:
    """The day (as its ordinal) and the hour of that day of an instant, looked up by its quarter
    of an hour: since 1972 every zone's offset, and so every day and hour, begins on one.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._known: dict[int, tuple[int, int]] = {}

    def of(self, at_us: int) -> tuple[int, int]:
        """``(day, hour)`` of an instant since 1972."""
        quarter = at_us // (US_PER_HOUR // 4)
        if (slot := self._known.get(quarter)) is None:
            if len(self._known) >= SLOTS_MAX:
                self._known.clear()
            slot = day_of(at_us, self._zone).toordinal(), hour_of_day(at_us, self._zone)
            self._known[quarter] = slot
        return slot

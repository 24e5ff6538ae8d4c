"""Windows of days, cut and compared."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from smartbin.core import calendar
from smartbin.core.calendar import Days, Slots
from tests.places.small import SHANGHAI

DAY = date(2026, 11, 2)  # a Monday


def test_days_on_which_not_the_same_is_in_force() -> None:
    def span(first: int, last: int, value: str) -> tuple[Days, str]:
        return Days(DAY + timedelta(days=first), DAY + timedelta(days=last)), value

    def differ(before: list[tuple[Days, str]], now: list[tuple[Days, str]]) -> list[Days]:
        found = calendar.differing(before, now)
        assert calendar.differing(now, before) == found
        return found

    a = span(0, 9, "a")
    assert differ([], []) == []
    assert differ([a], [a]) == []
    assert differ([a], []) == [a[0]]
    assert differ([a], [span(0, 9, "b")]) == [a[0]]
    assert differ([a], [span(0, 4, "a"), span(5, 9, "a")]) == [], "cut in two is the same"
    assert differ([a], [span(0, 3, "a"), span(5, 9, "a")]) == [span(4, 4, "")[0]]
    assert differ([a], [span(2, 11, "a")]) == [span(0, 1, "")[0], span(10, 11, "")[0]]
    assert differ([a], [a, span(3, 5, "c")]) == [span(3, 5, "")[0]]
    assert differ([a], [a, a]) == [a[0]], "twice is not once"
    open_end = (Days(DAY, date.max), "a")
    assert differ([open_end], [open_end, span(5, 9, "c"), span(10, 12, "d")]) == [
        span(5, 12, "")[0]
    ]
    assert differ([open_end], [(Days(DAY, date.max), "b")]) == [Days(DAY, date.max)]


def test_weeks_months_and_last_years_dates() -> None:
    days = Days(date(2025, 12, 30), date(2026, 2, 2))
    weeks = calendar.weeks(days)
    assert (weeks[0].last, weeks[1].first.weekday(), len(weeks)) == (date(2026, 1, 4), 0, 6)
    assert calendar.months(days) == [
        Days(date(2025, 12, 30), date(2025, 12, 31)),
        Days(date(2026, 1, 1), date(2026, 1, 31)),
        Days(date(2026, 2, 1), date(2026, 2, 2)),
    ]
    leap = Days(date(2024, 2, 28), date(2024, 2, 29))
    assert calendar.year_before(leap) == Days(date(2023, 2, 28), date(2023, 2, 28))
    assert calendar.year_before(Days(DAY, DAY)) == Days(date(2025, 11, 2), date(2025, 11, 2))


def test_a_window_has_a_day_and_an_instant_an_offset() -> None:
    with pytest.raises(ValueError, match="lies before the first day"):
        Days(DAY, DAY - timedelta(days=1))
    with pytest.raises(ValueError, match="no instant"):
        calendar.to_us(datetime(2026, 11, 2))  # noqa: DTZ001 - what is refused
    assert calendar.to_us(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)) == calendar.US_PER_S


def test_slots_hold_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calendar, "SLOTS_MAX", 3)
    slots = Slots(SHANGHAI)
    first_us = calendar.start_us(DAY, SHANGHAI)
    for hour in [*range(24), *range(24)]:
        assert slots.of(first_us + hour * calendar.US_PER_HOUR) == (DAY.toordinal(), hour)
        assert len(slots._known) <= 3

"""Windows of days, cut and compared."""

from __future__ import annotations

from datetime import date, timedelta

from smartbin import calendar
from smartbin.calendar import Days

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

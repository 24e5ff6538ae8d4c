"""Hours in service that were heard, and holes in the counters."""

from __future__ import annotations

from datetime import date, timedelta

from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.sorting.rules import completeness
from smartbin.sorting.rules.completeness import Heard, SeqGaps
from tests.places.small import SHANGHAI
from tests.sorting.counting import DAY, NEXT_US, WEEK, gaps, heard, rising


def test_completeness_counts_hours_in_service_until_now() -> None:
    rows = [heard(0, 24, 50, 1, 50), heard(1, 12, 50, 51, 100), heard(7, 24, 9, 101, 109)]
    devices = [("bin-001", WEEK), ("bin-002", Days(DAY, DAY))]
    now_us = calendar.start_us(DAY + timedelta(days=2), SHANGHAI) + 5 * calendar.US_PER_HOUR + 1
    found = completeness.presence(rows, devices, now_us, SHANGHAI, rising)
    assert found.total == Heard(36, 24 + 24 + 5 + 24)
    assert found.by_day[DAY] == Heard(24, 48)
    assert found.by_day[WEEK.last] == Heard(0, 0)
    assert found.by_day[WEEK.last].share is None
    assert found.by_device == {"bin-001": Heard(36, 53), "bin-002": Heard(0, 24)}
    assert found.silent == ("bin-002",)
    both = completeness.heard_of(rows, {"oak": devices}, now_us, SHANGHAI)
    assert both == {"oak": found.total}


def test_an_hour_that_runs_is_not_expected_and_not_counted() -> None:
    now_us = calendar.start_us(DAY, SHANGHAI) + 3 * calendar.US_PER_HOUR + 5
    rows = [heard(0, 4, 9, 1, 9)]
    found = completeness.presence(rows, [("bin-001", WEEK)], now_us, SHANGHAI, rising)
    assert found.total == Heard(3, 3)
    assert completeness.heard_of(rows, {"x": [("bin-001", WEEK)]}, now_us, SHANGHAI)["x"] == Heard(
        3, 3
    )


def test_a_device_that_left_and_came_back_keeps_the_holes_of_both_spans() -> None:
    rows = [heard(0, 24, 8, 1, 10), heard(1, 24, 10, 11, 20), heard(4, 24, 7, 21, 30)]
    spans = [("bin-001", Days(DAY, DAY)), ("bin-001", Days(DAY + timedelta(days=4), WEEK.last))]
    found = completeness.presence(rows, spans, NEXT_US, SHANGHAI, rising)
    assert found.gaps == {"bin-001": SeqGaps(2 + 3, 0)}
    assert found.by_device == {"bin-001": Heard(48, 24 + 72)}


def test_holes_are_counted_within_and_between_days() -> None:
    rows = [heard(0, 24, 10, 1, 10), heard(1, 24, 8, 13, 22), heard(2, 24, 5, 23, 27)]
    assert gaps(rows) == SeqGaps(2 + 2, 0)
    assert gaps(rows, days=Days(DAY, DAY)) == SeqGaps(0, 0)
    assert gaps(rows[:2], days=Days(DAY + timedelta(days=1), WEEK.last)) == SeqGaps(4, 0)


def test_a_counter_that_went_down_is_a_restart_and_no_hole() -> None:
    """One restart makes one unordered day; the holes of the others count."""
    rows = [heard(0, 24, 10, 5000, 5009), heard(1, 24, 10, 0, 9), heard(2, 24, 9, 10, 19)]
    assert gaps(rows) == SeqGaps(1, 1)
    nightly = [heard(n, 24, 90, 0, 99) for n in range(5)]
    assert gaps(nightly) == SeqGaps(10, 4)


def test_a_restart_within_a_day_makes_that_day_unordered_and_no_other() -> None:
    said = {DAY: [5000, 5001, 5002, 0, 1, 2]}
    rows = [heard(0, 24, 6, 0, 5002)]
    assert gaps(rows, said) == SeqGaps(0, 1), "on a device's first day"
    rows += [heard(1, 24, 5, 3, 9)]
    assert gaps(rows, said) == SeqGaps(2, 1), "the next day goes on where the counter stood"
    later = {DAY + timedelta(days=1): [11, 12, 15, 0, 1]}
    rows = [heard(0, 24, 10, 1, 10), heard(1, 24, 5, 0, 15), heard(2, 24, 7, 2, 9)]
    assert gaps(rows, later) == SeqGaps(1, 1)


def test_more_messages_than_numbers_are_no_order() -> None:
    said = {DAY: [1, 2, 3, 2, 3, 4]}
    assert gaps([heard(0, 24, 6, 1, 4)], said) == SeqGaps(0, 1)


def test_holes_that_the_next_days_counters_may_fill_are_not_guessed() -> None:
    """A message of the next day, dated by a wrong clock."""
    rows = [heard(0, 24, 11, 1, 25), heard(1, 24, 10, 11, 20), heard(2, 24, 9, 21, 30)]
    assert gaps(rows) == SeqGaps(1, 2)


def test_what_is_lost_over_midnight_counts_up_to_a_million() -> None:
    rows = [heard(0, 24, 3, 1, 3), heard(1, 24, 5, 20_004, 20_008)]
    assert gaps(rows) == SeqGaps(20_000, 0)
    most = [heard(0, 24, 3, 1, 3), heard(1, 24, 1, 1_000_004, 1_000_004)]
    assert gaps(most) == SeqGaps(1_000_000, 0)
    more = [heard(0, 24, 3, 1, 3), heard(1, 24, 1, 1_000_005, 1_000_005)]
    assert gaps(more) == SeqGaps(0, 1), "it began anew, higher"
    within = [heard(0, 24, 3, 1, 3), heard(1, 24, 2, 4, 1_000_006)]
    assert gaps(within) == SeqGaps(0, 1)


def test_a_day_with_too_many_messages_to_look_through_is_unordered() -> None:
    said = {DAY: list(range(completeness.COUNTERS_MAX))}
    assert gaps([heard(0, 24, 25_000, 0, 25_001)], said) == SeqGaps(0, 1)


def test_the_days_around_a_window_and_a_number_that_came_twice() -> None:
    around = completeness.around(WEEK)
    assert (around.first, around.last) == (date(2026, 11, 1), date(2026, 11, 9))
    same = [heard(0, 24, 10, 1, 10), heard(1, 24, 10, 10, 19)]
    assert gaps(same) == SeqGaps(0, 1), "the same number twice"

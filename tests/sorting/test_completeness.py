"""Hours in service that were heard, and holes in the counters."""

from __future__ import annotations

from datetime import date, timedelta

from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.sorting.rules import completeness
from smartbin.sorting.rules.completeness import Heard, SeqGaps
from tests.places.small import SHANGHAI
from tests.sorting.counting import DAY, NEXT_US, WEEK, heard


def test_completeness_counts_hours_in_service_until_now() -> None:
    rows = [heard(0, 24, 50, 1, 50), heard(1, 12, 50, 51, 100), heard(7, 24, 9, 101, 109)]
    devices = [("bin-001", WEEK), ("bin-002", Days(DAY, DAY))]
    now_us = calendar.start_us(DAY + timedelta(days=2), SHANGHAI) + 5 * calendar.US_PER_HOUR + 1
    found = completeness.presence(rows, devices, now_us, SHANGHAI)
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
    found = completeness.presence(rows, [("bin-001", WEEK)], now_us, SHANGHAI)
    assert found.total == Heard(3, 3)
    assert completeness.heard_of(rows, {"x": [("bin-001", WEEK)]}, now_us, SHANGHAI)["x"] == Heard(
        3, 3
    )


def test_a_device_that_left_and_came_back_keeps_the_holes_of_both_spans() -> None:
    rows = [heard(0, 24, 8, 1, 10), heard(1, 24, 10, 11, 20), heard(4, 24, 7, 21, 30)]
    spans = [("bin-001", Days(DAY, DAY)), ("bin-001", Days(DAY + timedelta(days=4), WEEK.last))]
    found = completeness.presence(rows, spans, NEXT_US, SHANGHAI)
    assert found.gaps == {"bin-001": SeqGaps(2 + 3, 0)}
    assert found.by_device == {"bin-001": Heard(48, 24 + 72)}


def test_holes_are_counted_within_and_between_days() -> None:
    rows = [heard(0, 24, 10, 1, 10), heard(1, 24, 8, 13, 22), heard(2, 24, 5, 23, 27)]
    assert completeness.seq_gaps(rows, WEEK) == SeqGaps(2 + 2, 0)
    assert completeness.seq_gaps(rows, Days(DAY, DAY)) == SeqGaps(0, 0)
    assert completeness.seq_gaps(rows[:2], Days(DAY + timedelta(days=1), WEEK.last)) == SeqGaps(
        4, 0
    )


def test_a_counter_that_went_down_is_a_restart_and_no_hole() -> None:
    rows = [heard(0, 24, 10, 5000, 5009), heard(1, 24, 10, 0, 9), heard(2, 24, 9, 10, 19)]
    assert completeness.seq_gaps(rows, WEEK) == SeqGaps(1, 2)
    nightly = [heard(n, 24, 90, 0, 99) for n in range(5)]
    assert completeness.seq_gaps(nightly, WEEK) == SeqGaps(0, 5)


def test_a_counter_that_jumps_far_up_between_two_days_began_anew() -> None:
    rows = [heard(n, 24, 90, n * 100_000, n * 100_000 + 99) for n in range(3)]
    assert completeness.seq_gaps(rows, WEEK) == SeqGaps(10 * 3, 0)
    near = [heard(0, 24, 100, 0, 99), heard(1, 24, 100, 10_100, 10_199)]
    assert completeness.seq_gaps(near, WEEK) == SeqGaps(10_000, 0)


def test_the_days_around_a_window_and_a_number_that_came_twice() -> None:
    around = completeness.around(WEEK)
    assert (around.first, around.last) == (date(2026, 11, 1), date(2026, 11, 9))
    same = [heard(0, 24, 10, 1, 10), heard(1, 24, 10, 10, 19)]
    assert completeness.seq_gaps(same, WEEK) == SeqGaps(0, 2), "the same number twice"

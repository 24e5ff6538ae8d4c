"""Rates, counts and days for the tests of the statistics: one short way to write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from hypothesis import strategies as st

from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.facts.events import Category
from smartbin.sorting.rules import completeness, counts, rates
from smartbin.sorting.rules.completeness import SeqGaps
from smartbin.sorting.rules.counts import Counts
from smartbin.sorting.rules.rates import Rate
from smartbin.telemetry import DayPresence
from tests.places.small import SHANGHAI

DAY = date(2026, 11, 2)  # a Monday
WEEK = Days(DAY, DAY + timedelta(days=6))
NEXT_US = calendar.start_us(DAY + timedelta(days=30), SHANGHAI)
of_n = st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def rate_of(count: int, n: int) -> Rate:
    found = rates.rate(count, n, "things")
    assert found
    return found


def full(kitchen: Counts, residual: Counts = counts.NOTHING) -> dict[Category, Counts]:
    return {**counts.complete({}), Category.KITCHEN: kitchen, Category.RESIDUAL: residual}


def values_of(rate: Rate) -> tuple[float, float, float, int]:
    return rate.value, rate.low, rate.high, rate.n


def heard(day: int, hours: int, messages: int, low: int, high: int) -> DayPresence:
    return DayPresence("bin-001", DAY + timedelta(days=day), hours, messages, low, high)


def rising(device: str, day: date) -> list[int]:
    """Counters of which nothing is known but that they rise."""
    return []


def gaps(
    rows: Sequence[DayPresence], said: Mapping[date, Sequence[int]] | None = None, days: Days = WEEK
) -> SeqGaps:
    """A device's holes; ``said`` are the counters of days on which they do not only rise."""
    return completeness.seq_gaps(rows, days, lambda day: (said or {}).get(day, ()))

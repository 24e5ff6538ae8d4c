"""Expiry: the oldest points first, each year's end a whole day, changed by differences only."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartbin.points.rules.expiry import expiries
from tests.oracle.points import expired as oracle_expired
from tests.points.rewarding import tariffs_of


def file(*changes: tuple[int, int | None]) -> dict[str, Any]:
    """Tariffs from the first of January of each year, with months until expiry."""
    tariffs = []
    for year, months in changes:
        tariff: dict[str, Any] = {"from": date(year, 1, 1)}
        if months is not None:
            tariff["expiry_months"] = months
        tariffs.append(tariff)
    return {"tariff": tariffs}


@pytest.mark.parametrize(
    ("months", "last"),
    [
        (None, None),
        (0, date(2026, 12, 31)),
        (1, date(2027, 1, 31)),
        (2, date(2027, 2, 28)),
        (11, date(2027, 11, 30)),
        (12, date(2027, 12, 31)),
        (14, date(2028, 2, 29)),
        (24, date(2028, 12, 31)),
    ],
)
def test_the_last_day_to_spend(months: int | None, last: date | None) -> None:
    assert tariffs_of(file((2024, months))).expires_on(2026) == last


def test_a_year_follows_the_tariff_of_its_last_day() -> None:
    changed = file((2024, 12))
    changed["tariff"].append({"from": date(2026, 12, 31), "expiry_months": 3})
    tariffs = tariffs_of(changed)
    assert tariffs.expires_on(2025) == date(2026, 12, 31)
    assert tariffs.expires_on(2026) == date(2027, 3, 31)
    assert tariffs.expires_on(2023) is None


def test_points_can_be_spent_on_the_last_day_and_expire_with_its_end() -> None:
    tariffs, last = tariffs_of(file((2024, 12))), date(2027, 12, 31)
    assert expiries(tariffs, {2026: 10}, [], last) == {}
    assert expiries(tariffs, {2026: 10}, [], last + timedelta(days=1)) == {2026: 10}
    later = date(2028, 6, 1)
    assert expiries(tariffs, {2026: 10}, [(last, 4)], later) == {2026: 6}
    assert expiries(tariffs, {2026: 10}, [(last + timedelta(days=1), 4)], later) == {2026: 10}


def test_a_late_deposit_and_a_cancelled_redemption_change_what_expired() -> None:
    tariffs, later = tariffs_of(file((2024, 12))), date(2028, 6, 1)
    spent = [(date(2027, 5, 1), 7)]
    assert expiries(tariffs, {2026: 10}, spent, later) == {2026: 3}
    assert expiries(tariffs, {2026: 12}, spent, later) == {2026: 5}
    assert expiries(tariffs, {2026: 10}, [], later) == {2026: 10}
    assert expiries(tariffs, {2026: 5}, spent, later) == {2026: 0}


def test_overspent_points_are_taken_from_later_years() -> None:
    tariffs, later = tariffs_of(file((2024, 12))), date(2029, 6, 1)
    spent = [(date(2026, 5, 1), 7)]
    assert expiries(tariffs, {2026: 5, 2027: 10}, spent, later) == {2026: 0, 2027: 8}


def test_points_that_never_expire_are_spent_first_and_stay() -> None:
    tariffs = tariffs_of(file((2024, None), (2026, 0)))
    given_ = {2025: 10, 2026: 10}
    assert expiries(tariffs, given_, [(date(2026, 3, 1), 4)], date(2030, 1, 1)) == {2026: 10}


def test_a_later_year_may_expire_first() -> None:
    tariffs = tariffs_of(file((2025, 24), (2026, 3)))
    given_ = {2025: 10, 2026: 10}
    spent = [(date(2027, 1, 1), 4), (date(2027, 5, 1), 5)]
    assert expiries(tariffs, given_, spent, date(2027, 6, 1)) == {2026: 10}
    assert expiries(tariffs, given_, spent, date(2028, 6, 1)) == {2026: 10, 2025: 1}


YEARS = range(2024, 2028)
MONTHS = st.one_of(st.none(), st.integers(0, 26))


@given(
    st.tuples(*(MONTHS for _ in YEARS)),
    st.dictionaries(st.sampled_from(YEARS), st.integers(0, 9)),
    st.lists(
        st.tuples(st.dates(date(2024, 1, 1), date(2030, 6, 1)), st.integers(0, 9)), max_size=6
    ),
    st.dates(date(2024, 1, 1), date(2031, 1, 1)),
)
def test_the_separate_implementation_agrees(
    months: tuple[int | None, ...],
    given_: dict[int, int],
    spent: list[tuple[date, int]],
    today: date,
) -> None:
    tables = file(*zip(YEARS, months, strict=True))
    tariffs = tariffs_of(tables)
    due = expiries(tariffs, given_, spent, today)
    assert due == oracle_expired(tables, given_, spent, today)
    assert due == expiries(tariffs, given_, spent[::-1], today)
    assert all(0 <= points <= given_[year] for year, points in due.items())

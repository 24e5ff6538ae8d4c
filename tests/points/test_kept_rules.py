"""A corrected tariff or registry settles again what it concerns, by itself and only that."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from smartbin.core.calendar import Days
from smartbin.core.errors import StoreUnavailable
from smartbin.deposit_lines.tables import unsettled
from smartbin.facts.events import Category
from smartbin.points.kept_rules import changes, stated
from smartbin.points.rules.tariff import Campaign, Tariff, Tariffs
from smartbin.points.settle import Settler
from tests.places.small import small_registry
from tests.points.books import DAY, HOME, NOW_US, OTHER, REGISTRY, TARIFFS, Books, kitchen

KITCHEN = {"deposit_points": 5, "kg_points": 10, "day_max": 2}


def tariff(first: date, **kitchen_: int) -> Tariff:
    rules = {"week_max_points": 120, "kitchen": {**KITCHEN, **kitchen_}}
    return Tariff.model_validate({"from": first, "expiry_months": 0, "household": rules})


def campaign(first: date, last: date, **more: Any) -> Campaign:
    names = {"name_zh": "周", "name_en": "Week"}
    return Campaign.model_validate({**names, "from": first, "to": last, "times_pct": 200, **more})


def marks(books: Books) -> int:
    with books.database.read() as db:
        return int(db.execute(select(func.count()).select_from(unsettled)).scalar_one())


def test_a_corrected_tariff_is_followed_from_the_day_it_changes(books: Books) -> None:
    before = DAY - timedelta(days=7)
    books.keep(kitchen(0, day=before), kitchen(0))
    books.settle()
    assert books.balance() == 50
    corrected = Tariffs([*TARIFFS.all, tariff(DAY, deposit_points=15)])
    books.settle(tariffs=corrected)
    assert books.balance() == 60
    entry = books.entries(HOME)[-1].entry
    assert (entry.kind, entry.points, entry.day, entry.reason) == ("correction", 10, DAY, "tariff")
    books.settle(tariffs=TARIFFS)
    assert books.balance() == 50, "and back"
    books.check()


def test_a_campaign_marks_its_days_only(books: Books) -> None:
    books.keep(kitchen(0, day=DAY - timedelta(days=1)), kitchen(0), kitchen(1, card="H2"))
    books.settle()
    later = Tariffs(TARIFFS.all, [campaign(DAY, DAY, communities=["oak"])])
    books.settle(tariffs=later)
    assert books.balance() == 75
    renamed = Tariffs(TARIFFS.all, [campaign(DAY, DAY, communities=["oak"], name_en="Oak's")])
    kept = books.entries()
    Settler(books.database, REGISTRY, renamed).settle(NOW_US, stop=lambda: True)
    assert marks(books) == 0, "another name changes no points"
    assert books.entries() == kept


def test_the_same_rules_mark_nothing_however_often_a_program_starts(books: Books) -> None:
    books.keep(kitchen(0))
    for _ in range(3):
        books.settle()
    kept = books.entries()
    Settler(books.database, REGISTRY, TARIFFS).settle(NOW_US, stop=lambda: True)
    assert marks(books) == 0
    assert books.entries() == kept


def test_a_corrected_door_is_followed(books: Books) -> None:
    books.keep(kitchen(0), replace(kitchen(1, card="H2"), device="bin-002"))
    books.settle()
    assert (books.balance(HOME), books.balance(OTHER)) == (25, 25)
    mended = small_registry(took={("bin-001", "kitchen"): Category.RESIDUAL})
    Settler(books.database, mended, TARIFFS).settle(NOW_US)
    assert (books.balance(HOME), books.balance(OTHER)) == (0, 25)
    assert books.entries(HOME)[-1].entry.reason == "registry"
    books.check()


def test_a_program_with_older_rules_settles_nothing_back(books: Books) -> None:
    old = Settler(books.database, REGISTRY, TARIFFS)
    books.keep(kitchen(0))
    old.settle(NOW_US)
    books.settle(tariffs=Tariffs([*TARIFFS.all, tariff(DAY, deposit_points=15)]))
    books.keep(kitchen(3))
    with pytest.raises(StoreUnavailable, match="another tariff or registry"):
        old.settle(NOW_US)
    with pytest.raises(StoreUnavailable, match="restart it"):
        old.expire(NOW_US + 400 * 24 * 3_600_000_000)
    assert books.balance() == 35
    assert marks(books) == 1, "it waits for who has the rules in force"


def test_what_a_change_concerns_is_named_by_device_and_day() -> None:
    known = stated(REGISTRY, TARIFFS)
    assert changes(known, known) == []
    day = date(2026, 1, 5)
    later = Tariffs([*TARIFFS.all, tariff(day)])
    assert changes(known, stated(REGISTRY, later)) == [(None, Days(day, date.max))]
    week = Days(day, day + timedelta(days=6))
    both = Tariffs(TARIFFS.all, [campaign(week.first, week.last)])
    assert changes(known, stated(REGISTRY, both)) == [(None, week)]
    mended = small_registry(took={("bin-001", "kitchen"): Category.RESIDUAL})
    [change] = changes(known, stated(mended, TARIFFS))
    assert change.device == "bin-001"
    assert changes(stated(mended, TARIFFS), known) == [change]

"""A community's page shows what its ledger entries add up to, whatever the days."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date, timedelta

import pytest

from smartbin.core.calendar import Days
from smartbin.points.community_points import of_community
from smartbin.points.ledger import Entry, EntryKind, append
from tests.places.small import SHANGHAI
from tests.points.books import NOW_US, Books

FIRST = date(2025, 11, 20)
SPAN = 400
CODES = [f"1000000{n}" for n in range(9)]
SHOP = "shop-0001"


@pytest.fixture
def entries(books: Books) -> list[Entry]:
    """A year of entries of every kind in two communities."""
    rows = "".join(f"C{n},household,oak,2025-01-01,,{code}\n" for n, code in enumerate(CODES))
    books.load(
        "card,kind,community,from,to,account\n" + rows + f"E1,enterprise,oak,2025-01-01,,{SHOP}\n"
    )
    rng = random.Random(7)
    made = []
    for _ in range(600):
        kind = rng.choice(list(EntryKind))
        points = rng.randrange(1, 60) * (
            -1 if kind in (EntryKind.REDEMPTION, EntryKind.EXPIRY) else 1
        )
        day = FIRST + timedelta(days=rng.randrange(SPAN))
        made.append(
            Entry(rng.choice([*CODES, SHOP]), rng.choice(["oak", "elm"]), kind, points, day, "x")
        )
    with books.database.write() as db:
        append(db, made, NOW_US, SHANGHAI)
    return made


def windows() -> list[Days]:
    rng = random.Random(11)
    found = [
        Days(date(2026, 2, 1), date(2026, 2, 28)),
        Days(date(2026, 2, 1), date(2026, 3, 1)),
        Days(date(2026, 1, 31), date(2026, 2, 28)),
        Days(date(2026, 2, 2), date(2026, 2, 27)),
        Days(date(2025, 12, 31), date(2026, 1, 1)),
        Days(FIRST, FIRST + timedelta(days=SPAN)),
        Days(FIRST, FIRST),
    ]
    for _ in range(30):
        first = FIRST + timedelta(days=rng.randrange(SPAN - 1))
        found.append(Days(first, first + timedelta(days=rng.randrange(SPAN // 2))))
    return found


def test_sums_and_ranks_are_those_of_the_entries(books: Books, entries: list[Entry]) -> None:
    for days in windows():
        own = [e for e in entries if e.community == "oak" and e.day in days]
        earned: dict[str, int] = defaultdict(int)
        for e in own:
            if e.kind in (EntryKind.EARNED, EntryKind.CORRECTION):
                earned[e.account] += e.points

        def total(*kinds: EntryKind, own: list[Entry] = own) -> int:
            return sum(e.points for e in own if e.kind in kinds)

        found = of_community(books.database, "oak", days, 3)
        assert found.earned == sum(earned.values()), days
        assert found.adjusted == total(EntryKind.ADJUSTMENT)
        assert found.given == found.earned + found.adjusted
        assert found.spent == -total(EntryKind.REDEMPTION, EntryKind.REFUND)
        assert found.expired == -total(EntryKind.EXPIRY)
        assert found.accounts == sum(points > 0 for points in earned.values())
        best = sorted((-p, code) for code, p in earned.items() if code != SHOP and p > 0)
        assert [(-t.points, t.account) for t in found.top] == best[:3]
    books.check()


def test_a_page_of_nothing(books: Books) -> None:
    found = of_community(books.database, "oak", Days(FIRST, FIRST), 0)
    assert (found.given, found.spent, found.accounts, list(found.top)) == (0, 0, 0, [])


def test_a_year_needs_no_more_entries_than_its_two_ends(books: Books, entries: list[Entry]) -> None:
    """The months in between come from their sums: a wrong sum would show."""
    with books.database.write() as db:
        db.exec_driver_sql("UPDATE points_month SET spent = spent + 1000 WHERE month = 202603")
    year = Days(date(2025, 12, 10), date(2026, 11, 20))
    shown = of_community(books.database, "oak", year).spent
    truth = -sum(
        e.points
        for e in entries
        if e.community == "oak"
        and e.day in year
        and e.kind in (EntryKind.REDEMPTION, EntryKind.REFUND)
    )
    assert shown > truth

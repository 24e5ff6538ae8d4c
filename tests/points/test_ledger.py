"""Points are booked as differences, stay forever, and add up to what the deposits earn."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.database import Database
from smartbin.deposit_lines.tables import deposit_line, unsettled
from smartbin.facts.events import Deposit, Verdict
from smartbin.points.catalogue import Reward, RewardCatalogue
from smartbin.points.ledger import EntryKind, month_of
from smartbin.points.redemptions import Redemptions
from smartbin.points.rules.tariff import Tariff, Tariffs
from smartbin.points.settle import _SETTLE_LOCK, Settled, Settler
from smartbin.points.statements import Statements
from smartbin.points.tables import closed_month, ledger
from tests.places.small import SHANGHAI
from tests.points.books import (
    DAY,
    HOME,
    HOUR_US,
    NOW_US,
    OTHER,
    REGISTRY,
    TABLE,
    TARIFFS,
    Books,
    kitchen,
)
from tests.postgres import Postgres
from tests.real import patient_s


def said(books: Books, code: str = HOME) -> list[tuple[str, int, str]]:
    return [(b.entry.kind, b.entry.points, b.entry.reason) for b in books.entries(code)]


def test_a_day_is_booked_once_and_late_deposits_as_a_difference(books: Books) -> None:
    books.keep(kitchen(0), kitchen(0))
    assert books.settle() == 1
    assert said(books) == [("earned", 25, "deposits")]
    books.keep(kitchen(0))
    assert books.settle() == 0, "twice is once"
    books.keep(kitchen(2))
    assert books.settle() == 1
    assert said(books)[1:] == [("correction", 25, "late")]
    assert books.balance() == 50
    [first, _] = books.entries()
    assert (first.entry.day, first.entry.community, first.month) == (DAY, "oak", 202611)
    assert first.booked_us == NOW_US
    books.check()


def test_an_earlier_deposit_moves_the_reward_and_not_the_total(books: Books) -> None:
    books.keep(kitchen(3), kitchen(5))
    books.settle()
    books.keep(kitchen(1, weight_g=500))
    books.settle()
    assert books.balance() == 10 + 25, "two a day, in the order of events"
    assert said(books)[-1] == ("correction", -15, "late")


def test_a_week_has_its_maximum_over_all_its_days(books: Books) -> None:
    monday = DAY - timedelta(days=2)
    week = [kitchen(n, day=monday + timedelta(days=d)) for d in range(7) for n in (0, 5)]
    for deposit in reversed(week):
        books.keep(deposit)
        books.settle()
    assert books.balance() == 120
    books.keep(kitchen(0, day=monday - timedelta(days=1)))
    books.settle()
    assert books.balance() == 145, "Sunday is of the week before"
    books.check()


def test_a_persons_verdict_is_followed_and_says_so(books: Books) -> None:
    deposit = kitchen(0)
    books.keep(deposit)
    books.settle()
    books.judge(deposit, Verdict.INCORRECT)
    books.settle()
    assert said(books)[1:] == [("correction", -25, "verdict")]
    books.judge(deposit, Verdict.CORRECT)
    books.settle()
    assert said(books)[2:] == [("correction", 25, "verdict")]
    assert books.balance() == 25


def test_a_verdict_before_the_first_settling_is_no_correction(books: Books) -> None:
    books.keep(kitchen(0), kitchen(2))
    books.judge(kitchen(2), Verdict.INCORRECT)
    books.settle()
    assert [(kind, points) for kind, points, _ in said(books)] == [("earned", 25)]


def test_a_corrected_tariff_is_booked_as_differences(books: Books) -> None:
    books.keep(kitchen(0), kitchen(1, "H2", weight_g=1000))
    books.settle()
    rules = {"week_max_points": 120, "kitchen": {"deposit_points": 5, "kg_points": 20}}
    dearer = Tariffs([Tariff.model_validate({"from": date(2024, 1, 1), "household": rules})])
    settler = Settler(books.database, REGISTRY, dearer)
    assert settler.again(Days(DAY, DAY)) == 2
    assert settler.again(Days(DAY, DAY).shifted(1)) == 0
    assert settler.settle(NOW_US).entries == 2
    assert said(books)[1:] == [("correction", 20, "tariff")]
    assert said(books, OTHER)[1:] == [("correction", 10, "tariff")]


def test_a_deposit_before_its_card_is_known_counts_when_it_is(books: Books) -> None:
    books.keep(kitchen(0, "H3"))
    assert books.settle() == 0
    books.load(TABLE + "H3,household,oak,2025-01-01,,\n")
    assert books.settle() == 1


def test_a_moved_card_takes_its_points_with_it(books: Books) -> None:
    books.keep(kitchen(0))
    books.settle()
    wrong_since = "H1,household,oak,2025-01-01,,11111111"
    books.load(TABLE.replace(wrong_since, f"H1,household,elm,2025-01-01,,{OTHER}"), NOW_US + 1)
    books.settle()
    assert (books.balance(HOME), books.balance(OTHER)) == (0, 25)
    assert said(books, OTHER) == [("earned", 25, "card")]
    assert said(books)[1:] == [("correction", -25, "card")]
    books.check()


def test_a_move_takes_the_points_to_the_other_community(books: Books) -> None:
    books.keep(kitchen(0))
    books.settle()
    books.load(TABLE.replace("H1,household,oak", "H1,household,elm"), NOW_US + 1)
    books.settle()
    moved = [(b.entry.community, b.entry.points) for b in books.entries(HOME)]
    assert moved == [("oak", 25), ("elm", 25), ("oak", -25)]
    assert books.balance() == 25
    books.check()


def test_two_cards_of_an_account_are_one_household(books: Books) -> None:
    books.load(f"{TABLE}H1b,household,oak,2025-01-01,,{HOME}\n")
    books.keep(kitchen(0), kitchen(2, "H1b"), kitchen(4))
    books.settle()
    assert books.balance() == 50, "two rewarded deposits a day, whichever card"


@pytest.mark.parametrize(
    "change", [update(ledger).values(points=1), delete(ledger), text("DELETE FROM ledger")]
)
def test_the_database_refuses_to_change_an_entry(books: Books, change: object) -> None:
    books.keep(kitchen(0))
    books.settle()
    with pytest.raises(DBAPIError, match="append-only"), books.database.engine.begin() as db:
        db.execute(change)  # type: ignore[call-overload]
    assert books.balance() == 25
    books.check()


def test_what_comes_for_a_closed_month_is_booked_in_the_open_one(books: Books) -> None:
    books.keep(kitchen(0, day=date(2026, 10, 20)))
    books.settle()
    with books.database.write() as db:
        row = {"month": 202610, "entries": 1, "points": 25, "sha256": "", "closed_us": 1}
        db.execute(closed_month.insert().values(row))
    books.keep(kitchen(2, day=date(2026, 10, 20)))
    books.settle()
    late = books.entries()[-1]
    assert (late.month, late.entry.reference) == (month_of(date(2026, 11, 23)), "2026-10")
    assert late.entry.day == date(2026, 10, 20)
    books.check()


def test_a_backlog_is_settled_in_pieces(books: Books) -> None:
    many = [kitchen(0, f"C{n}") for n in range(25)]
    # One deposit has one card: give each its own millisecond.
    many = [Deposit("bin-001", "kitchen", d.at_us + n, 2000, account=d.account)
            for n, d in enumerate(many)]  # fmt: skip
    rows = "".join(f"C{n},household,oak,2025-01-01,\n" for n in range(25))
    books.load("card,kind,community,from,to\n" + rows)
    books.keep(*many)
    assert books.settle(cards_at_once=10) == 25
    with books.database.read() as db:
        assert db.execute(select(unsettled)).all() == []
    books.check()


def test_settlers_beside_each_other_book_once(books: Books) -> None:
    rows = "".join(f"C{n},household,oak,2025-01-01,\n" for n in range(120))
    books.load("card,kind,community,from,to\n" + rows)
    every = [Deposit("bin-001", "kitchen", kitchen().at_us + n, 2000, account=f"C{n % 120}")
             for n in range(240)]  # fmt: skip
    wrong: list[Exception] = []

    def settle() -> None:
        settler = Settler(books.database, REGISTRY, TARIFFS)
        try:
            for _ in range(12):
                settler.settle(NOW_US, cards_at_once=7)
        except Exception as error:  # shown by the assertion
            wrong.append(error)

    threads = [threading.Thread(target=settle) for _ in range(3)]
    for thread in threads:
        thread.start()
    for start in range(0, len(every), 40):
        books.keep(*every[start : start + 40])
    for thread in threads:
        thread.join(patient_s(60))
    books.settle()
    assert wrong == []
    books.check()
    with books.database.read() as db:
        assert len(db.execute(select(deposit_line)).all()) == 240
        assert db.execute(select(unsettled)).all() == []
    per_account = [b.entry.account for b in books.entries() if b.entry.kind is EntryKind.EARNED]
    assert len(per_account) == len(set(per_account)) == 120
    assert sum(b.entry.points for b in books.entries()) == 120 * 25


def test_points_expire_at_a_years_end_as_a_difference(books: Books) -> None:
    books.keep(kitchen(0, day=date(2025, 12, 29)), kitchen(0, day=date(2026, 1, 5)))
    late_us = calendar.start_us(date(2025, 12, 30), SHANGHAI)
    books.settle(late_us)
    assert books.balance() == 50
    settler = Settler(books.database, REGISTRY, TARIFFS)
    assert settler.expire(late_us + HOUR_US) == 0, "the year is not over"
    assert settler.expire(NOW_US) == 1
    assert settler.expire(NOW_US) == 0
    assert said(books)[-1] == ("expiry", -25, "expired")
    books.keep(kitchen(4, day=date(2025, 12, 29)))
    books.settle()
    assert said(books)[-2:] == [("correction", 25, "late"), ("expiry", -25, "expired")]
    books.judge(kitchen(0, day=date(2025, 12, 29)), Verdict.INCORRECT)
    books.settle()
    assert said(books)[-2:] == [("correction", -25, "verdict"), ("expiry", 25, "expired")]
    assert books.balance() == 25
    books.check()
    today = calendar.day_of(NOW_US, SHANGHAI)
    made = Statements(books.database, REGISTRY, TARIFFS).of(
        HOME, Days(date(2025, 12, 30), today), today
    )
    assert made is not None
    assert (made.opening, made.closing) == (25, 25)
    expired = [line for line in made.lines if "expired" in line.text.en]
    assert [line.points for line in expired] == [-25, -25, 25]
    for line in expired[:2]:
        assert line.text.en == "25 points of 2025 expired (they could be spent until 2025-12-31)."
    assert expired[2].text.en.startswith("Correction: 25 points of 2025 had not expired")


def test_what_expires_is_booked_on_the_last_day_to_spend_it(books: Books) -> None:
    """Of 2024, with twelve months: on 2025-12-31. What was told of 2024 stays as it was."""
    books.keep(kitchen(0, day=date(2025, 1, 6)), kitchen(0, "H9", day=date(2024, 6, 3)))
    books.load(f"{TABLE}H9,household,oak,2024-01-01,,{HOME}\n")
    (tariff,) = TARIFFS.all
    year = Tariffs([tariff.model_copy(update={"expiry_months": 12})])
    books.settle(tariffs=year)
    entry = books.entries()[-1].entry
    assert (entry.kind, entry.points) == (EntryKind.EXPIRY, -25)
    assert (entry.day, entry.reference) == (date(2025, 12, 31), "2024")
    made = Statements(books.database, REGISTRY, year)
    today = calendar.day_of(NOW_US, SHANGHAI)
    then = made.of(HOME, Days(date(2024, 1, 1), date(2024, 12, 31)), today)
    assert then
    assert (then.opening, then.closing) == (0, 25)
    december = made.of(HOME, Days(date(2025, 12, 1), date(2025, 12, 31)), today)
    assert december
    assert (december.opening, december.closing) == (50, 25)
    assert [line.text.en for line in december.lines] == [
        "25 points of 2024 expired (they could be spent until 2025-12-31)."
    ]
    assert Settler(books.database, REGISTRY, year).expire(NOW_US) == 0
    books.check()


def test_a_redemption_cancelled_after_the_end_brings_back_no_expired_points(books: Books) -> None:
    books.keep(kitchen(0, day=date(2025, 12, 29)))
    spent_us = calendar.start_us(date(2025, 12, 30), SHANGHAI)
    books.settle(spent_us)
    redemptions = Redemptions(books.database, SHANGHAI)
    RewardCatalogue(books.database).put(Reward("tissues", "纸巾", "Tissues", 20, 5))
    number = redemptions.redeem(HOME, "request-1", "tissues", 1, "li", spent_us).id
    settler = Settler(books.database, REGISTRY, TARIFFS)
    after_us = calendar.start_us(date(2026, 1, 2), SHANGHAI)
    assert settler.expire(after_us) == 1
    assert said(books)[-1] == ("expiry", -5, "expired")
    redemptions.cancel(number, "li", after_us)
    assert books.balance() == 20
    assert settler.expire(after_us) == 1
    assert said(books)[-1] == ("expiry", -20, "expired")
    assert books.balance() == 0
    books.check()


def test_a_settler_that_is_told_to_stop_leaves_the_marks(books: Books) -> None:
    books.keep(kitchen(0))
    settler = Settler(books.database, REGISTRY, TARIFFS)
    assert settler.settle(NOW_US, stop=lambda: True) == Settled(0, 0, left=True)
    assert books.entries() == []
    assert settler.settle(NOW_US) == Settled(1, 1, left=False)


@pytest.mark.real
def test_beside_another_settler_nothing_is_taken_and_nothing_forgotten(
    postgres_server: Postgres, tmp_path: Path
) -> None:
    with postgres_server.database() as url:
        database = Database.open(url)
        books = Books(database, tmp_path)
        books.load()
        books.keep(kitchen(0))
        started, fresh = (Settler(database, REGISTRY, TARIFFS) for _ in range(2))
        started.settle(NOW_US)
        books.keep(kitchen(3))
        years_later_us = NOW_US + 3 * 366 * 24 * HOUR_US
        with database.write() as other:
            other.execute(text("SELECT pg_advisory_xact_lock(:k)"), {"k": _SETTLE_LOCK})
            for settler in (started, fresh):
                assert settler.settle(NOW_US) == Settled(0, 0, left=True)
            assert started.expire(years_later_us) == 0
        assert books.balance() == 25
        assert fresh.settle(NOW_US) == Settled(1, 1, left=False)
        database.close()

"""A device's word is a claim: what comes too late waits for a person, points wait to be spent."""

from __future__ import annotations

import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.core.errors import BadInput, Conflict
from smartbin.deposit_lines.rules import LATE_US
from smartbin.deposit_lines.store import DepositLines
from smartbin.deposit_lines.tables import LATE, deposit_line
from smartbin.facts.events import Deposit
from smartbin.points.adjustments import Adjustments
from smartbin.points.catalogue import Reward, RewardCatalogue
from smartbin.points.claims import Claims
from smartbin.points.ledger import EntryKind
from smartbin.points.redemptions import Redemptions
from smartbin.points.rules.claims import ClaimState, Decision, claim_state
from smartbin.points.rules.tariff import Tariff, Tariffs
from smartbin.points.statements import Statements
from smartbin.points.tables import claim_decision
from tests.oracle.points import oracle
from tests.places.small import SHANGHAI
from tests.points.books import DAY, HOME, NOW_US, OTHER, REGISTRY, TARIFF, TARIFFS, Books, kitchen

TODAY = calendar.day_of(NOW_US, SHANGHAI)
DAY_US = 24 * calendar.US_PER_HOUR
FORGED = Days(date(2026, 1, 1), TODAY - timedelta(days=8))
CARDS = ("H1", "H2")
DELAY_DAYS = 2
(_TARIFF,) = TARIFFS.all
DELAYED = Tariffs([_TARIFF.model_copy(update={"spend_delay_days": DELAY_DAYS})])


def forged(card: str, offset_s: int) -> list[Deposit]:
    """Two honest-looking bags a day for eleven months."""
    return [
        replace(kitchen(n, card, day), at_us=kitchen(n, card, day).at_us + offset_s)
        for day in FORGED
        for n in (7, 19)
    ]


def history() -> list[Deposit]:
    return [d for n, card in enumerate(CARDS) for d in forged(card, n)]


def arrive(books: Books, deposits: list[Deposit], at_us: int = NOW_US) -> None:
    DepositLines(books.database, SHANGHAI).append(deposits, at_us)


def beside(books: Books, tariffs: Tariffs = TARIFFS, day: date = TODAY) -> tuple[int, int]:
    return Statements(books.database, REGISTRY, tariffs).beside(HOME, day)


def test_a_week_is_late_and_a_microsecond_more_is_too_late() -> None:
    assert claim_state([], "kitchen", 0, LATE_US) is ClaimState.COUNTED
    assert claim_state([], "kitchen", 0, LATE_US + 1) is ClaimState.HELD
    assert claim_state([], "kitchen", 0, None) is ClaimState.COUNTED, "before arrivals were kept"
    assert str(LATE) == f"arrived_us - at_us > {LATE_US}"


def test_the_newest_decision_that_covers_a_deposit_stands() -> None:
    def made(state: ClaimState, arrived_us: int = 100, door: str | None = None) -> Decision:
        return Decision("bin-001", door, 10, 20, arrived_us, state)

    rejected, released = made(ClaimState.REJECTED), made(ClaimState.RELEASED)
    assert claim_state([released, rejected], "kitchen", 10, 50) is ClaimState.RELEASED
    assert claim_state([rejected, released], "kitchen", 20, 50) is ClaimState.REJECTED
    assert claim_state([rejected], "kitchen", 21, 50) is ClaimState.COUNTED
    assert claim_state([rejected], "kitchen", 9, 50) is ClaimState.COUNTED
    assert claim_state([rejected], "kitchen", 15, 101) is ClaimState.COUNTED, "came afterwards"
    assert claim_state([released], "kitchen", 15, LATE_US + 16) is ClaimState.HELD
    other = made(ClaimState.REJECTED, door="residual")
    assert claim_state([other], "kitchen", 15, 50) is ClaimState.COUNTED
    assert claim_state([other], "residual", 15, 50) is ClaimState.REJECTED


def test_a_forged_history_earns_nothing_until_a_person_releases_it(books: Books) -> None:
    """The attack: eleven months, told at once by one compromised bin."""
    arrive(books, history())
    books.settle()
    assert (books.balance(), books.balance(OTHER)) == (0, 0)
    assert books.entries() == []
    spendable, held = beside(books)
    assert spendable == 0
    assert held > 5_000
    redemptions = Redemptions(books.database, SHANGHAI)
    RewardCatalogue(books.database).put(Reward("soap", "肥皂", "Soap", 1, 10))
    with pytest.raises(Conflict, match="cost 1 points, the balance is 0"):
        redemptions.redeem(HOME, "request-1", "soap", 1, "li", NOW_US)
    [waits] = Claims(books.database, SHANGHAI).held()
    assert (waits.device, waits.cards, waits.deposits) == ("bin-001", 2, 2 * len(forged("H1", 0)))
    assert calendar.day_of(waits.first_us, SHANGHAI) == FORGED.first
    made = Statements(books.database, REGISTRY, TARIFFS).of(
        HOME, Days(FORGED.last, FORGED.last), TODAY
    )
    assert made
    assert (made.held, made.spendable, made.balance) == (held, 0, 0)
    assert "waits for the office" in made.lines[0].text.en
    books.check()


def test_what_was_released_earns_as_if_it_had_come_in_time(books: Books) -> None:
    arrive(books, history())
    books.settle()
    _, held = beside(books)
    claims = Claims(books.database, SHANGHAI)
    args = ("bin-001", FORGED, ClaimState.RELEASED, "seen", "li", NOW_US, "decide-01")
    assert claims.decide(*args) == claims.decide(*args)
    books.settle()
    assert books.balance() == held
    assert beside(books, DELAYED) == (held, 0), "a person looked: nothing more to wait for"
    assert claims.held() == []
    arrive(books, [kitchen(9, day=FORGED.last)], NOW_US + 1)
    books.settle()
    assert books.balance() == held, "what comes after the decision waits for one of its own"
    assert len(claims.held()) == 1
    books.check()


def test_voiding_takes_points_back_as_differences(books: Books) -> None:
    books.keep(kitchen(0), kitchen(2), kitchen(1, "H2"), replace(kitchen(4), device="bin-002"))
    books.settle()
    before = books.entries()
    claims = Claims(books.database, SHANGHAI)
    claims.decide("bin-001", Days(DAY, DAY), ClaimState.REJECTED, "stolen key", "li", NOW_US)
    books.settle()
    assert books.entries()[: len(before)] == before, "nothing is rewritten"
    news = [b.entry for b in books.entries()[len(before) :]]
    assert [(e.kind, e.reason) for e in news] == [(EntryKind.CORRECTION, "void")] * 2
    assert books.balance() == 25, "the other bin's deposit stays, and is no longer the third"
    assert books.balance(OTHER) == 0
    books.settle()
    assert len(books.entries()) == len(before) + 2
    with books.database.write() as db, pytest.raises(DBAPIError, match="append-only"):
        db.execute(update(claim_decision).values(state="released"))
    books.check()


def test_a_late_honest_batch_earns_as_before(books: Books) -> None:
    books.keep(kitchen(0), kitchen(2), late_us=LATE_US)
    books.settle()
    assert books.balance() == 50
    assert Claims(books.database, SHANGHAI).held() == []


def test_a_second_telling_does_not_make_a_deposit_late(books: Books) -> None:
    books.keep(kitchen(0))
    books.keep(kitchen(0), late_us=LATE_US + 1)
    books.settle()
    assert books.balance() == 25
    with books.database.read() as db:
        assert db.execute(select(deposit_line.c.arrived_us)).scalars().all() == [kitchen(0).at_us]


def test_points_wait_before_they_can_be_spent(books: Books) -> None:
    redemptions = Redemptions(books.database, SHANGHAI, DELAYED)
    RewardCatalogue(books.database).put(Reward("soap", "肥皂", "Soap", 10, 10))
    books.keep(kitchen(0), kitchen(2))
    books.settle(tariffs=DELAYED)
    assert books.balance() == 50
    last_us = NOW_US + DELAY_DAYS * DAY_US - 1
    for now_us in (NOW_US, last_us):
        assert beside(books, DELAYED, calendar.day_of(now_us, SHANGHAI)) == (0, 0)
        with pytest.raises(Conflict, match="points wait 2 days") as refused:
            redemptions.redeem(HOME, "request-1", "soap", 1, "li", now_us)
        assert (refused.value.kind, refused.value.more["spendable"]) == ("not-yet-spendable", 0)
    Adjustments(books.database, SHANGHAI).add(HOME, "a-gift-01", 12, "a prize", "li", NOW_US)
    assert beside(books, DELAYED) == (12, 0), "what a person gave does not wait"
    redemptions.redeem(HOME, "request-1", "soap", 1, "li", NOW_US)
    assert beside(books, DELAYED) == (2, 0)
    assert beside(books, DELAYED, TODAY + timedelta(days=DELAY_DAYS)) == (52, 0)
    redemptions.redeem(HOME, "request-2", "soap", 5, "li", last_us + 1)
    assert books.balance() == 2


def test_no_race_spends_what_has_to_wait(books: Books) -> None:
    """Twenty at once, half of the balance spendable: as many succeed as it pays."""
    redemptions = Redemptions(books.database, SHANGHAI, DELAYED)
    RewardCatalogue(books.database).put(Reward("soap", "肥皂", "Soap", 10, 100))
    books.keep(kitchen(0), kitchen(2))
    books.settle(tariffs=DELAYED)
    Adjustments(books.database, SHANGHAI).add(HOME, "a-gift-01", 50, "a prize", "li", NOW_US)

    def wish(n: int) -> bool:
        try:
            redemptions.redeem(HOME, f"wish-{n:04}", "soap", 1, "li", NOW_US)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(wish, range(20))) == 5
    assert books.balance() == 50
    assert beside(books, DELAYED) == (0, 0)


def test_a_card_is_bounded_over_all_bins(books: Books) -> None:
    rules = tomllib.loads(TARIFF)["tariff"][0]["household"] | {"card_day_max": 3}
    rules["recyclable"] = {"deposit_points": 2, "kg_points": 0}
    table: dict[str, Any] = {"from": date(2024, 1, 1), "household": rules}
    tariffs = Tariffs([Tariff.model_validate(table)])
    deposits = [
        replace(kitchen(n), device=device, door=door)
        for n, (device, door) in enumerate(
            (device, door)
            for device in ("bin-001", "bin-002")
            for door in ("kitchen", "recyclable")
        )
    ]
    books.keep(*deposits)
    books.settle(tariffs=tariffs)
    assert books.balance() == 25 + 2 + 25, "the fourth with this card is one too many"
    rows = [
        {"device": d.device, "door": d.door, "at_us": d.at_us, "card": d.account,
         "category": d.door, "weight_g": d.weight_g}
        for d in deposits
    ]  # fmt: skip
    card = {"card": "H1", "from": date(2025, 1, 1), "to": None}
    accounts = {HOME: {"kind": "household", "cards": [card]}}
    assert oracle(rows, accounts, {"tariff": [table]}) == {HOME: 52}


def test_the_separate_implementation_holds_and_releases_alike(books: Books) -> None:
    deposits = history()
    arrive(books, deposits)
    books.keep(kitchen(0), kitchen(2))
    claims = Claims(books.database, SHANGHAI)
    middle = FORGED.first + timedelta(days=100)
    first, rest = Days(FORGED.first, middle), Days(middle, FORGED.last)
    claims.decide("bin-001", first, ClaimState.RELEASED, "seen", "li", NOW_US)
    claims.decide("bin-001", rest, ClaimState.REJECTED, "forged", "li", NOW_US)
    books.settle()
    rows = [
        {"device": d.device, "door": d.door, "at_us": d.at_us, "card": d.account,
         "category": "kitchen", "weight_g": d.weight_g, "verdict": "correct", "judge": "camera",
         "arrived_us": arrived_us}
        for some, arrived_us in ((deposits, NOW_US), ([kitchen(0), kitchen(2)], kitchen(2).at_us))
        for d in some
    ]  # fmt: skip
    decisions = [
        {"device": "bin-001", "from": days.first, "to": days.last, "arrived_us": NOW_US,
         "state": state}
        for days, state in ((first, "released"), (rest, "rejected"))
    ]  # fmt: skip
    accounts = {
        code: {"kind": "household", "cards": [{"card": c, "from": date(2025, 1, 1), "to": None}]}
        for code, c in ((HOME, "H1"), (OTHER, "H2"))
    }
    wanted = oracle(rows, accounts, tomllib.loads(TARIFF), decisions=decisions)
    assert {code: books.balance(code) for code in accounts} == wanted
    assert wanted[HOME] > 1000


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"state": ClaimState.HELD}, "release or reject"),
        ({"reason": " "}, "say why"),
        ({"days": Days(date(2000, 1, 1), date(2020, 1, 1))}, "at a time"),
    ],
)
def test_a_decision_that_cannot_be_is_refused(
    books: Books, changed: dict[str, Any], said: str
) -> None:
    good: dict[str, Any] = {
        "device": "bin-001", "days": FORGED, "state": ClaimState.RELEASED, "reason": "seen",
        "who": "li", "now_us": NOW_US,
    }  # fmt: skip
    with pytest.raises(BadInput, match=said):
        Claims(books.database, SHANGHAI).decide(**(good | changed))


def test_rows_of_the_delay_are_few(books: Books) -> None:
    for n in range(3):
        day = DAY + timedelta(days=40 * n)
        books.keep(kitchen(0, day=day))
        books.settle(calendar.start_us(day, SHANGHAI) + DAY_US)
    with books.database.read() as db:
        assert db.execute(text("SELECT count(*) FROM points_fresh")).scalar_one() == 2

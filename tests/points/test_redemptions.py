"""No pair of requests spends a point or a piece twice; repeating one changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine

from smartbin.core.errors import BadInput, Conflict, NotFound, StoreUnavailable
from smartbin.core.scope import EVERYTHING
from smartbin.database import Database
from smartbin.facts.events import Verdict
from smartbin.points.adjustments import Adjustments
from smartbin.points.catalogue import Reward, RewardCatalogue
from smartbin.points.redemptions import CANCEL_DAYS, Redemptions, State
from tests.places.small import SHANGHAI
from tests.points.books import HOME, HOUR_US, NOW_US, OTHER, Books, kitchen

TISSUES = Reward("tissues", "纸巾", "Tissues", 20, 5)


@pytest.fixture
def redemptions(books: Books) -> Redemptions:
    """A catalogue with five packs of tissues; the household has 50 points."""
    kept = Redemptions(books.database, SHANGHAI)
    RewardCatalogue(books.database).put(TISSUES)
    books.keep(kitchen(0), kitchen(2))
    books.settle()
    return kept


def test_points_become_a_reward_once(books: Books, redemptions: Redemptions) -> None:
    answers = [redemptions.redeem(HOME, "request-1", "tissues", 2, "li", NOW_US) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert (answers[0].points, answers[0].balance, answers[0].state) == (
        40,
        10,
        "reserved",
    )
    assert books.balance() == 10
    assert RewardCatalogue(books.database).rewards() == [
        Reward("tissues", "纸巾", "Tissues", 20, 3)
    ]
    [one] = redemptions.find(EVERYTHING, code=HOME)
    assert (one.quantity, one.points, one.state, one.community) == (2, 40, State.RESERVED, "oak")
    books.check()


def test_an_id_is_good_for_one_request(books: Books, redemptions: Redemptions) -> None:
    redemptions.redeem(HOME, "request-1", "tissues", 1, "li", NOW_US)
    for account, quantity in ((HOME, 2), (OTHER, 1)):
        with pytest.raises(Conflict, match="used for another request"):
            redemptions.redeem(account, "request-1", "tissues", quantity, "li", NOW_US)
    with pytest.raises(Conflict, match="used for another request"):
        Adjustments(books.database, SHANGHAI).add(HOME, "request-1", 5, "a gift", "li", NOW_US)
    assert books.balance() == 30


def test_what_cannot_be_paid_or_had_changes_nothing(books: Books, redemptions: Redemptions) -> None:
    with pytest.raises(Conflict, match="3 x tissues cost 60 points, the balance is 50"):
        redemptions.redeem(HOME, "request-1", "tissues", 3, "li", NOW_US)
    Adjustments(books.database, SHANGHAI).add(HOME, "adjust-01", 500, "a prize", "li", NOW_US)
    with pytest.raises(Conflict, match="fewer than 6 of tissues are left"):
        redemptions.redeem(HOME, "request-2", "tissues", 6, "li", NOW_US)
    with pytest.raises(NotFound, match="'soap' is not offered"):
        redemptions.redeem(HOME, "request-3", "soap", 1, "li", NOW_US)
    with pytest.raises(NotFound, match="there is no 'nobody'"):
        redemptions.redeem("nobody", "request-4", "tissues", 1, "li", NOW_US)
    with pytest.raises(BadInput, match="quantity"):
        redemptions.redeem(HOME, "request-5", "tissues", 0, "li", NOW_US)
    RewardCatalogue(books.database).put(Reward("tissues", "纸巾", "Tissues", 20, 5, offered=False))
    assert RewardCatalogue(books.database).rewards() == []
    assert [r.id for r in RewardCatalogue(books.database).rewards(every=True)] == ["tissues"]
    with pytest.raises(NotFound, match="not offered"):
        redemptions.redeem(HOME, "request-6", "tissues", 1, "li", NOW_US)
    assert books.balance() == 550
    assert redemptions.find(EVERYTHING) == []
    books.check()


def test_a_correction_after_spending_goes_below_zero_and_blocks(
    books: Books, redemptions: Redemptions
) -> None:
    redemptions.redeem(HOME, "request-1", "tissues", 2, "li", NOW_US)
    books.judge(kitchen(0), Verdict.INCORRECT)
    books.settle()
    assert books.balance() == -15
    with pytest.raises(Conflict, match="the balance is -15"):
        redemptions.redeem(HOME, "request-2", "tissues", 1, "li", NOW_US)
    books.keep(kitchen(5), kitchen(8))
    books.settle()
    assert books.balance() == 10, "two a day: the misjudged one made room for another"
    Adjustments(books.database, SHANGHAI).add(HOME, "adjust-01", 10, "a hard winter", "li", NOW_US)
    redemptions.redeem(HOME, "request-2", "tissues", 1, "li", NOW_US)
    assert books.balance() == 0
    books.check()


def test_a_cancelled_redemption_is_reversed_once_and_in_time(
    books: Books, redemptions: Redemptions
) -> None:
    number = redemptions.redeem(HOME, "request-1", "tissues", 2, "li", NOW_US).id
    for _ in range(2):
        assert redemptions.cancel(number, "wang", NOW_US + HOUR_US).state is State.CANCELLED
    assert books.balance() == 50
    assert RewardCatalogue(books.database).rewards()[0].stock == 5
    entries = [(b.entry.kind, b.entry.points, b.entry.reference) for b in books.entries(HOME)]
    assert entries[1:] == [
        ("redemption", -40, f"redemption {number}"),
        ("refund", 40, f"redemption {number}"),
    ]
    with pytest.raises(Conflict, match="was cancelled"):
        redemptions.hand_over(number, "li", NOW_US)
    late = redemptions.redeem(HOME, "request-2", "tissues", 1, "li", NOW_US).id
    with pytest.raises(Conflict, match="older than 7 days"):
        redemptions.cancel(late, "wang", NOW_US + CANCEL_DAYS * 24 * HOUR_US + 1)
    for _ in range(2):
        assert redemptions.hand_over(late, "li", NOW_US).state is State.HANDED_OVER
    with pytest.raises(Conflict, match="handed over"):
        redemptions.cancel(late, "wang", NOW_US)
    with pytest.raises(NotFound, match="no number 99"):
        redemptions.cancel(99, "wang", NOW_US)
    books.check()


def test_an_adjustment_says_who_and_why(books: Books, redemptions: Redemptions) -> None:
    first = Adjustments(books.database, SHANGHAI).add(
        HOME, "adjust-01", -80, "刷卡错误 wrong card", "li", NOW_US
    )
    assert first == Adjustments(books.database, SHANGHAI).add(
        HOME, "adjust-01", -80, "刷卡错误 wrong card", "li", NOW_US
    )
    assert first.balance == books.balance() == -30
    entry = books.entries(HOME)[-1].entry
    assert (entry.kind, entry.reason, entry.who) == ("adjustment", "刷卡错误 wrong card", "li")
    for points, reason in ((0, "x"), (5, " "), (5, "x" * 201), (2_000_000, "x")):
        with pytest.raises(BadInput):
            Adjustments(books.database, SHANGHAI).add(
                HOME, "adjust-02", points, reason, "li", NOW_US
            )


def outcomes(calls: list[Callable[[], object]], threads: int) -> Counter[str]:
    def done(call: Callable[[], object]) -> str:
        for _ in range(20):
            try:
                call()
            except StoreUnavailable:  # SQLite gives no one a turn: ask again, as a client would
                continue
            except Conflict as error:
                return error.kind
            return "ok"
        return "no turn"

    with ThreadPoolExecutor(threads) as pool:
        return Counter(pool.map(done, calls))


@pytest.mark.parametrize("short", ["points", "stock"])
def test_a_thousand_at_once_get_exactly_what_can_be_paid(books: Books, short: str) -> None:
    """1,000 on PostgreSQL; SQLite has one writer whatever we do, so a tenth shows the same."""
    real = books.database.dialect == "postgresql"
    number = 1000 if real else 100
    database = books.database
    if real:
        database = Database(create_engine(database.url, pool_size=40, pool_timeout=60))
    redemptions = Redemptions(database, SHANGHAI)
    can_be = 137 if real else 37
    stock, points = (10_000, can_be * 20 + 19) if short == "points" else (can_be, 10**6)
    RewardCatalogue(books.database).put(Reward("tissues", "纸巾", "Tissues", 20, stock))
    for account in (HOME, OTHER):
        Adjustments(books.database, SHANGHAI).add(
            account, f"gift-{account}", points, "a gift", "li", NOW_US
        )
    # One balance against an endless shelf; or one shelf that two accounts empty.
    spenders = (HOME,) if short == "points" else (HOME, OTHER)

    def redeem(n: int) -> Callable[[], object]:
        account = spenders[n % len(spenders)]
        return lambda: redemptions.redeem(account, f"request-{n:04}", "tissues", 1, "li", NOW_US)

    calls = [redeem(n) for n in range(number)]
    refused = "too-few-points" if short == "points" else "out-of-stock"
    first = outcomes(calls, 40 if real else 8)
    assert first == {"ok": can_be, refused: number - can_be}
    kept = books.entries()
    assert outcomes(calls, 40 if real else 8) == first, "every request repeated: the same answers"
    assert books.entries() == kept
    assert RewardCatalogue(books.database).rewards()[0].stock == stock - can_be
    assert books.balance(HOME) + books.balance(OTHER) == 2 * points - can_be * 20
    assert min(books.balance(HOME), books.balance(OTHER)) >= 0
    books.check()
    database.close()


def test_one_request_sent_many_times_at_once_is_done_once(
    books: Books, redemptions: Redemptions
) -> None:
    calls = [lambda: redemptions.redeem(HOME, "request-1", "tissues", 1, "li", NOW_US)] * 40
    assert outcomes(list(calls), 8) == {"ok": 40}
    assert books.balance() == 30
    assert len(redemptions.find(EVERYTHING)) == 1

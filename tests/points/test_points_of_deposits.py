"""What a deposit has just earned, as a board shows it."""

from __future__ import annotations

from smartbin.points.earnings import Earnings
from smartbin.points.points_of_deposits import DEPOSITS_MAX, earned
from smartbin.verdicts.rules import DepositKey
from tests.points.books import REGISTRY, TARIFFS, Books, kitchen


def test_a_deposit_says_what_it_earned_and_a_strangers_nothing(books: Books) -> None:
    books.load()
    mine, third, nobodys = kitchen(1, "H1"), kitchen(3, "H1"), kitchen(4, "X9")
    given = [mine, kitchen(2, "H1"), third, nobodys]
    books.keep(*given)
    found = earned(books.database, Earnings(REGISTRY, TARIFFS), given)
    assert found[DepositKey(mine.device, mine.door, mine.at_us)] == 25
    assert found[DepositKey(third.device, third.door, third.at_us)] == 0  # two a day
    assert DepositKey(nobodys.device, nobodys.door, nobodys.at_us) not in found
    assert len(found) == 3


def test_a_burst_is_not_read(books: Books) -> None:
    books.load()
    given = [kitchen(n, "H1") for n in range(DEPOSITS_MAX + 1)]
    books.keep(*given)
    assert earned(books.database, Earnings(REGISTRY, TARIFFS), given) == {}

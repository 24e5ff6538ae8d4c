"""However deposits arrive, repeat and are settled, balance and statement end the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smartbin.accounts.rules import AccountKind
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.facts.events import Category, Deposit, Judge, Verdict
from smartbin.points.claims import week_of
from smartbin.points.rules.earning import RewardDeposit, earned_in_week
from smartbin.points.rules.tariff import Tariff, Tariffs
from smartbin.points.statements import Statements
from tests.places.small import SHANGHAI
from tests.points.books import REGISTRY, Books

_KITCHEN = {"deposit_points": 5, "kg_points": 10, "day_max": 2, "weight_max_g": 3000}
_RULES = {"pause_s": 600, "week_max_points": 90, "kitchen": _KITCHEN}
TARIFFS = Tariffs([Tariff.model_validate({"from": date(2020, 1, 1), "household": _RULES})])
FIRST = date(2022, 1, 3)  # a Monday
NOW_US = calendar.start_us(date(2030, 1, 1), SHANGHAI)
SLOT_S = 240  # coarse, so that deposits come too soon, and days fill up


@dataclass(frozen=True)
class Fact:
    """A deposit of an example: its slot in two weeks, by which of an account's cards."""

    slot: int
    card: int
    door: str
    weight_g: int
    verdict: Verdict | None


FACTS = st.lists(
    st.builds(
        Fact,
        slot=st.integers(0, 30).map(lambda n: n * 3 if n < 20 else n * 150),
        card=st.integers(0, 1),
        door=st.sampled_from(["kitchen", "kitchen", "residual"]),
        weight_g=st.sampled_from([100, 900, 2000, 9000]),
        verdict=st.sampled_from([None, *Verdict]),
    ),
    min_size=1,
    max_size=14,
    unique_by=lambda fact: (fact.slot, fact.door),
)
numbers = count()  # weeks of their own, for the database of a test serves all its examples


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(facts=FACTS, data=st.data())
def test_order_repetition_and_settlings_change_nothing(
    books: Books, facts: Sequence[Fact], data: Any
) -> None:
    n = next(numbers)
    monday = FIRST + timedelta(weeks=2 * n)
    straight, shuffled = (Account(books, f"{name}{n}", device, monday) for name, device in (
        ("a", "bin-001"), ("b", "bin-002")))  # fmt: skip
    verdicts = data.draw(
        st.lists(st.tuples(st.sampled_from(facts), st.sampled_from(Verdict)), max_size=4)
    )
    for fact in sorted(facts, key=lambda f: f.slot):
        books.keep(straight.deposit(fact))
    for fact, verdict in verdicts:
        books.judge(straight.deposit(fact), verdict)
    books.settle(NOW_US, TARIFFS)

    again = data.draw(st.lists(st.sampled_from(facts), max_size=6))
    order = data.draw(st.permutations([*facts, *again]))
    cuts = data.draw(st.lists(st.integers(0, len(order)), max_size=4))
    waiting = list(verdicts)
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(order)], strict=True):
        books.keep(*map(shuffled.deposit, order[start:end]))
        if waiting and data.draw(st.booleans()):
            fact, verdict = waiting.pop(0)
            books.judge(shuffled.deposit(fact), verdict)
        books.settle(NOW_US, TARIFFS)
    for fact, verdict in waiting:
        books.judge(shuffled.deposit(fact), verdict)
    assert shuffled.adds_up(), "also before it is settled"
    books.settle(NOW_US, TARIFFS)

    expected = straight.by_the_rule(facts, verdicts)
    assert straight.balance() == shuffled.balance() == expected
    assert straight.lines() == shuffled.lines()
    assert straight.adds_up()
    assert shuffled.adds_up()
    books.check()


class Account:
    """An account with two cards that uses one bin for two weeks."""

    def __init__(self, books: Books, code: str, device: str, monday: date) -> None:
        self.books, self.code, self.device = books, f"account-{code}", device
        self.days = Days(monday, monday + timedelta(days=13))
        self.start_us = calendar.start_us(monday, SHANGHAI)
        cards = (f"{code}-{n},household,oak,2020-01-01,,{self.code}\n" for n in (0, 1))
        books.load("card,kind,community,from,to,account\n" + "".join(cards))
        self.cards = [f"{code}-0", f"{code}-1"]

    def deposit(self, fact: Fact) -> Deposit:
        at_us = self.start_us + fact.slot * SLOT_S * calendar.US_PER_S
        judge = Judge.CAMERA if fact.verdict else None
        return Deposit(
            self.device, fact.door, at_us, fact.weight_g, fact.verdict, judge,
            account=self.cards[fact.card],
        )  # fmt: skip

    def by_the_rule(self, facts: Sequence[Fact], verdicts: Sequence[tuple[Fact, Verdict]]) -> int:
        weeks: dict[date, list[RewardDeposit]] = defaultdict(list)
        for fact in facts:
            d = self.deposit(fact)
            day = calendar.day_of(d.at_us, SHANGHAI)
            stands = next((v for f, v in reversed(verdicts) if f == fact), d.verdict)
            weeks[week_of(day).first].append(
                RewardDeposit(d.device, d.door, d.at_us, day, Category(d.door), d.weight_g, stands)
            )
        return sum(
            one.points
            for week in weeks.values()
            for one in earned_in_week(TARIFFS, AccountKind.HOUSEHOLD, week)
        )

    def balance(self) -> int:
        return self.books.balance(self.code)

    def lines(self) -> list[object]:
        found = self.statement().lines
        return [replace(line, door=line.door and line.door._replace(device="")) for line in found]

    def statement(self) -> Any:
        found = Statements(self.books.database, REGISTRY, TARIFFS).of(
            self.code, self.days, self.days.last
        )
        assert found is not None
        return found

    def adds_up(self) -> bool:
        found = self.statement()
        points = sum(line.points for line in found.lines)
        return bool(found.opening == 0 and points == found.closing == self.balance())

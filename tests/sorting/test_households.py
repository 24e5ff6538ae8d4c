"""The counting itself, on both databases."""

from __future__ import annotations

from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.deposit_lines.store import DepositLines
from smartbin.facts.events import Deposit, DoorKey, Judge, Span, Verdict
from smartbin.sorting.households import Households, holders, took_part
from smartbin.verdicts.store import HumanVerdicts
from tests.places.small import SHANGHAI
from tests.points.books import DAY, HOME, NOW_US, OTHER, Books

DAYS = Days(DAY, DAY)
AT_US = calendar.start_us(DAY, SHANGHAI)


def test_households_and_holders(books: Books) -> None:
    deposits = [
        Deposit("bin-001", "kitchen", AT_US + 1, 900, account="H1"),
        Deposit("bin-001", "kitchen", AT_US + 2, 900, account="H1"),
        Deposit("bin-001", "kitchen", AT_US + 3, 900, Verdict.INCORRECT, account="H2"),
        Deposit("bin-001", "kitchen", AT_US + 4, 900, account="lost"),
    ]
    DepositLines(books.database, SHANGHAI).append(deposits)
    database = books.database
    day = {DAYS.first.toordinal()}
    oak, elm = Households({HOME}, {HOME: day}), Households({OTHER}, {})
    assert took_part(database, DAYS, 200) == {"oak": oak, "elm": elm}
    nobody = Households({HOME}, {})
    assert took_part(database, DAYS, 901) == {"oak": nobody, "elm": elm}
    by = (Judge.INSPECTOR, "li", "seen", NOW_US)
    judged = HumanVerdicts(books.database, SHANGHAI)
    judged.add(deposits[2], Verdict.CORRECT, *by)
    judged.add(deposits[0], Verdict.INCORRECT, *by)
    assert took_part(database, DAYS, 200, "oak") == {"oak": oak}, "another deposit is left"
    assert took_part(database, DAYS, 200, "elm") == {"elm": Households({OTHER}, {OTHER: day})}
    judged.add(deposits[1], Verdict.INCORRECT, *by)
    assert took_part(database, DAYS, 200, "oak") == {"oak": nobody}
    spans = [Span(DoorKey("bin-001", "kitchen"), DAYS)]
    assert holders(database, spans, SHANGHAI) == {"household": 3, "unknown": 1}
    assert holders(database, [spans[0]._replace(days=DAYS.shifted(1))], SHANGHAI) == {}

"""A person's verdict is kept forever, corrects the figures, and re-opens its card's day."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.core.errors import BadInput, Conflict
from smartbin.database import Database
from smartbin.deposit_lines.store import DepositLines
from smartbin.deposit_lines.tables import unsettled
from smartbin.facts.events import Deposit, DoorKey, Judge, Verdict
from smartbin.verdicts.rules import Correction, DepositKey, HumanVerdict, standing
from smartbin.verdicts.store import HumanVerdicts
from smartbin.verdicts.tables import human_verdict
from tests.places.small import SHANGHAI

DAY = date(2026, 11, 20)
AT_US = calendar.start_us(DAY, SHANGHAI) + 5
NOW_US = AT_US + calendar.US_PER_HOUR
DEPOSIT = Deposit("bin-001", "kitchen", AT_US, 900, Verdict.CORRECT, Judge.CAMERA, account="K3f9Qz")
KEY = DepositKey("bin-001", "kitchen", AT_US)
DOOR = DoorKey("bin-001", "kitchen")


def marks(database: Database) -> list[tuple[str, int, str | None]]:
    with database.read() as db:
        rows = db.execute(select(unsettled.c.card, unsettled.c.day, unsettled.c.why))
        return [(card, day, why) for card, day, why in rows]


def test_a_verdict_is_kept_and_its_cards_day_marked(database: Database) -> None:
    DepositLines(database, SHANGHAI).append([DEPOSIT])
    kept = HumanVerdicts(database, SHANGHAI).add(
        DEPOSIT, Verdict.INCORRECT, Judge.SUPERVISOR, "wang", "塑料袋 plastic bag", NOW_US
    )
    assert kept.day == DAY
    assert HumanVerdicts(database, SHANGHAI).for_deposits([KEY, KEY._replace(at_us=1)]) == {
        KEY: [kept]
    }
    day = DAY.toordinal()
    assert marks(database) == [("K3f9Qz", day, None), ("K3f9Qz", day, "verdict")]


def test_a_deposit_without_a_card_is_judged_too(database: Database) -> None:
    judged = HumanVerdicts(database, SHANGHAI)
    judged.add(DEPOSIT, Verdict.INCORRECT, Judge.SUPERVISOR, "wang", "bag", NOW_US)
    assert marks(database) == []
    assert judged.corrections(Days(DAY, DAY)) == [Correction(DOOR, DAY, 0, -1)]
    assert judged.corrections(Days(DAY, DAY), ["bin-002"]) == []
    assert judged.corrections(Days(DAY, DAY).shifted(1)) == []


def test_the_newest_of_equals_stands_and_the_inspector_outranks(database: Database) -> None:
    judged = HumanVerdicts(database, SHANGHAI)

    def said(verdict: Verdict, judge: Judge) -> list[Correction]:
        judged.add(DEPOSIT, verdict, judge, "wang", "seen", NOW_US)
        return judged.corrections(Days(DAY, DAY), ["bin-001"])

    wrong = [Correction(DOOR, DAY, 0, -1)]
    assert said(Verdict.INCORRECT, Judge.SUPERVISOR) == wrong
    assert said(Verdict.CORRECT, Judge.SUPERVISOR) == []
    assert said(Verdict.INCORRECT, Judge.INSPECTOR) == wrong
    assert said(Verdict.CORRECT, Judge.SUPERVISOR) == wrong
    assert said(Verdict.CORRECT, Judge.INSPECTOR) == []
    every = judged.for_deposits([KEY])[KEY]
    assert standing(Verdict.CORRECT, Judge.CAMERA, every) == (Verdict.CORRECT, Judge.INSPECTOR)


def test_what_nobody_judged_is_judged_by_a_person(database: Database) -> None:
    plain = Deposit("bin-001", "kitchen", AT_US, 900)
    judged = HumanVerdicts(database, SHANGHAI)
    judged.add(plain, Verdict.CORRECT, Judge.SUPERVISOR, "wang", "seen", NOW_US)
    assert judged.corrections(Days(DAY, DAY)) == [Correction(DOOR, DAY, 1, 1)]


@pytest.mark.parametrize(
    "change", [update(human_verdict).values(verdict="correct"), delete(human_verdict)]
)
def test_the_database_refuses_to_change_a_verdict(database: Database, change: object) -> None:
    judged = HumanVerdicts(database, SHANGHAI)
    judged.add(DEPOSIT, Verdict.INCORRECT, Judge.INSPECTOR, "li", "seen", NOW_US)
    with pytest.raises(DBAPIError, match="append-only"), database.engine.begin() as db:
        db.execute(change)  # type: ignore[call-overload]
    assert len(judged.for_deposits([KEY])[KEY]) == 1


def test_a_verdict_needs_a_name_a_reason_and_an_office(database: Database) -> None:
    judged = HumanVerdicts(database, SHANGHAI)
    for judge, who, why, named in (
        (Judge.CAMERA, "wang", "seen", "judge"),
        (Judge.SUPERVISOR, " ", "seen", "who"),
        (Judge.SUPERVISOR, "wang", "x" * 201, "why"),
    ):
        with pytest.raises(BadInput, match=named):
            judged.add(DEPOSIT, Verdict.CORRECT, judge, who, why, NOW_US)


def test_a_request_is_kept_once_and_means_one_verdict(database: Database) -> None:
    DepositLines(database, SHANGHAI).append([DEPOSIT])
    judged = HumanVerdicts(database, SHANGHAI)

    def said(verdict: Verdict, now_us: int) -> HumanVerdict:
        return judged.add(DEPOSIT, verdict, Judge.SUPERVISOR, "wang", "seen", now_us, "request-1")

    first = said(Verdict.INCORRECT, NOW_US)
    assert said(Verdict.INCORRECT, NOW_US + 5) == first
    with pytest.raises(Conflict, match="request_id"):
        said(Verdict.CORRECT, NOW_US)
    assert [one for _, one in judged.of_device("bin-001", [Days(DAY, DAY)], 10)] == [first]
    assert len(marks(database)) == 2


def test_one_request_from_many_sides_at_once_is_kept_once(database: Database) -> None:
    judged = HumanVerdicts(database, SHANGHAI)

    def said(now_us: int) -> int:
        why = judged.add(
            DEPOSIT, Verdict.INCORRECT, Judge.SUPERVISOR, "wang", "seen", now_us, "request-1"
        )
        return why.judged_at_us

    with ThreadPoolExecutor(8) as sides:
        told = set(sides.map(said, range(NOW_US, NOW_US + 8)))
    kept = judged.of_device("bin-001", [Days(DAY, DAY)], 10)
    assert [one.judged_at_us for _, one in kept] == list(told)

"""Named requests: answered with their own model, also where an earlier version kept the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import insert, select

from smartbin.database.tables import request
from smartbin.facts.events import Judge, Verdict
from smartbin.points.adjustments import AdjustmentReceipt, Adjustments
from smartbin.points.catalogue import Reward, RewardCatalogue
from smartbin.points.redemptions import RedemptionReceipt, Redemptions, State
from smartbin.verdicts.store import HumanVerdicts
from tests.places.small import SHANGHAI
from tests.points.books import HOME, NOW_US, Books, kitchen


def keep(books: Books, id: str, content: dict[str, object], answer: dict[str, object]) -> None:
    """As the versions before typed answers kept a request."""
    said, answered = (
        json.dumps(one, ensure_ascii=False, sort_keys=True) for one in (content, answer)
    )
    with books.database.write() as db:
        db.execute(insert(request).values(id=id, content=said, answer=answered, made_us=NOW_US))


def test_answers_that_an_earlier_version_kept_are_given_again(books: Books) -> None:
    kept: dict[str, Any] = {
        "id": 7, "account": HOME, "community": "oak", "reward": "soap", "quantity": 2,
        "points": 40, "state": "reserved", "made_us": 5, "changed_us": 5, "changed_by": "li",
        "balance": 10,
    }  # fmt: skip
    keep(books, "redeemed1", {"redeem": "soap", "account": HOME, "quantity": 2}, kept)
    redeemed = Redemptions(books.database, SHANGHAI).redeem(
        HOME, "redeemed1", "soap", 2, "li", NOW_US
    )
    assert redeemed == RedemptionReceipt(**{**kept, "state": State.RESERVED})

    said = {"adjust": 5, "account": HOME, "reason": "a gift", "who": "li"}
    keep(books, "adjusted1", said, {"account": HOME, "points": 5, "balance": 55})
    adjusted = Adjustments(books.database, SHANGHAI).add(
        HOME, "adjusted1", 5, "a gift", "li", NOW_US
    )
    assert adjusted == AdjustmentReceipt(account=HOME, points=5, balance=55)

    deposit = kitchen()
    said = {
        "device": deposit.device, "door": deposit.door, "at_us": deposit.at_us,
        "verdict": "incorrect", "judge": "inspector", "who": "li", "why": "seen",
    }  # fmt: skip
    keep(books, "verdict-1", said, {"judged_at_us": 5, "marked": True})
    judged = HumanVerdicts(books.database, SHANGHAI).add(
        deposit, Verdict.INCORRECT, Judge.INSPECTOR, "li", "seen", NOW_US, "verdict-1"
    )
    assert judged.judged_at_us == 5
    assert books.entries() == [], "nothing was done a second time"


def test_an_answer_is_kept_as_json_that_an_earlier_version_reads(books: Books) -> None:
    RewardCatalogue(books.database).put(Reward("soap", "皂", "soap", 1, 5))
    adjustments = Adjustments(books.database, SHANGHAI)
    adjustments.add(HOME, "adjusted1", 5, "a gift", "li", NOW_US)
    made = Redemptions(books.database, SHANGHAI).redeem(HOME, "redeemed1", "soap", 1, "li", NOW_US)
    with books.database.read() as db:
        answers = {row.id: json.loads(row.answer) for row in db.execute(select(request))}
    assert answers["adjusted1"] == {"account": HOME, "points": 5, "balance": 5}
    assert answers["redeemed1"] == {**made.model_dump(), "state": "reserved"}


def test_an_answer_of_another_shape_is_never_taken_for_one(books: Books) -> None:
    said = {"adjust": 5, "account": HOME, "reason": "a gift", "who": "li"}
    keep(books, "adjusted1", said, {"account": HOME})
    with pytest.raises(ValidationError):
        Adjustments(books.database, SHANGHAI).add(HOME, "adjusted1", 5, "a gift", "li", NOW_US)

"""What people judge: a supervisor's or an inspector's verdict on one deposit supersedes the
camera's, and every figure and every point follows. Nothing is edited: each verdict is kept.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.errors import Problem, documented
from api.inputs import Lines, Moment, OneLine
from api.paging import CursorOf, IdPosition, Next, Paging
from api.parts import Parts, PartsDep
from api.security import JUDGE, DepositsDep
from api.tables import Format, FormatQuery, model_csv
from api.windows import Window
from smartbin.core import calendar
from smartbin.database.requests import REQUEST_ID_PATTERN
from smartbin.facts.events import Deposit, DoorKey, Judge, Verdict
from smartbin.people.principals import Principal, Role
from smartbin.verdicts.rules import HumanVerdict, standing
from smartbin.verdicts.store import WHY_LENGTH_MAX

router = APIRouter(prefix="/api/v1", tags=["verdicts"])
ROWS_MAX = 1_000


class VerdictIn(BaseModel):
    """A verdict. ``at`` is the deposit's own time, to the microsecond, as the deposits of the
    device show it.
    """

    model_config = ConfigDict(extra="forbid")

    id: Annotated[
        str,
        Field(
            pattern=REQUEST_ID_PATTERN,
            description="made by the caller; repeating a request with it changes nothing",
            examples=["5b1c0a52-6c1e-4a57-9a55-0d3c0f8f6f11"],
        ),
    ]
    door: Annotated[OneLine, Field(max_length=32, examples=["kitchen"])]
    at: Moment = Field(examples=["2026-11-23T18:32:05.120182+08:00"])
    verdict: Verdict
    why: Annotated[
        Lines, Field(min_length=1, max_length=WHY_LENGTH_MAX, examples=["袋中有塑料 plastic in it"])
    ]


class VerdictOut(BaseModel):
    """A verdict as it is kept, and what stands for the deposit now."""

    device: str
    door: str
    at: datetime
    day: date = Field(description="the day whose figures and points it changes")
    device_verdict: Verdict | None = Field(description="what the device had said")
    verdict: Verdict
    judge: Judge
    who: str
    why: str
    judged_at: datetime
    standing: Verdict | None = Field(description="what counts: inspector, supervisor, camera")
    standing_judge: Judge | None


class Verdicts(BaseModel):
    """People's verdicts on a device's deposits, the newest first."""

    device: str
    verdicts: list[VerdictOut]
    next: Next


@router.post(
    "/devices/{device}/verdicts",
    status_code=201,
    responses=documented(404, 409),
)
def judge(
    parts: PartsDep, device: str, said: VerdictIn, who: Annotated[Principal, JUDGE]
) -> VerdictOut:
    """Give a person's verdict on one deposit. Idempotent by id; figures and points follow.

    A supervisor's verdict supersedes the camera's; an inspector's or the office's supersedes both.
    Among equals the newest stands.
    """
    deposit = _deposit(parts, device, said)
    office = Judge.SUPERVISOR if who.role is Role.SUPERVISOR else Judge.INSPECTOR
    _refuse_another_community(parts, deposit, who)
    kept = parts.stores.verdicts.add(
        deposit, said.verdict, office, who.name, said.why, parts.now_us(), said.id
    )
    return _shown(parts, [kept])[0]


@router.get(
    "/devices/{device}/verdicts",
    responses=documented(404),
    response_model=Verdicts,
)
def verdicts(
    parts: PartsDep,
    who: DepositsDep,
    device: str,
    days: Window,
    paging: Annotated[Paging[IdPosition], Depends(CursorOf(IdPosition))],
    limit: Annotated[int, Query(ge=1, le=ROWS_MAX, description="rows of a page")] = ROWS_MAX,
    format: FormatQuery = Format.JSON,
) -> Verdicts | Response:
    """List verdicts on a device's deposits, newest first: who judged what, and why."""
    parts.registry.device(device)
    judgements = parts.stores.verdicts
    seen = parts.registry.days_in(who.scope, device, days)
    before = paging.after.id if paging.after else None
    found = judgements.of_device(device, seen, limit + 1, before)
    page, following = paging.cut(found, limit, lambda row: IdPosition(row[0]))
    rows = _shown(parts, [one for _, one in page])
    if format is Format.CSV:
        return model_csv(VerdictOut, rows, f"verdicts-{device}", paging.link(following))
    return Verdicts(device=device, verdicts=rows, next=following)


def _deposit(parts: Parts, device: str, said: VerdictIn) -> Deposit:
    parts.registry.device(device)
    at_us = calendar.to_us(said.at)
    found = parts.reader.deposits([DoorKey(device, said.door)], at_us, at_us + 1, 1)
    if not found:
        raise Problem(
            404,
            "unknown-deposit",
            f"{device} kept no deposit at door {said.door} at {said.at.isoformat()}; take door and "
            f"at from GET /api/v1/devices/{device}/deposits",
            parameter="at",
        )
    return found[0]


def _refuse_another_community(parts: Parts, deposit: Deposit, who: Principal) -> None:
    """Whoever is bound to a community judges what was deposited while the device was its."""
    day = calendar.day_of(deposit.at_us, parts.registry.site.zone)
    community = parts.registry.community_of(deposit.device, day)
    if who.community not in (None, community):
        detail = f"{who.name} is of {who.community}; the deposit was made in {community}"
        raise Problem(403, "forbidden", detail)


def _shown(parts: Parts, found: list[HumanVerdict]) -> list[VerdictOut]:
    judgements = parts.stores.verdicts
    every = judgements.for_deposits(list(dict.fromkeys(one.deposit for one in found)))
    stands = {key: _standing(judged) for key, judged in every.items()}
    return [
        VerdictOut(
            device=one.deposit.device,
            door=one.deposit.door,
            at=parts.local(one.deposit.at_us),
            day=one.day,
            device_verdict=one.device_verdict,
            verdict=one.verdict,
            judge=one.judge,
            who=one.who,
            why=one.why,
            judged_at=parts.local(one.judged_at_us),
            standing=stands[one.deposit][0],
            standing_judge=stands[one.deposit][1],
        )
        for one in found
    ]


def _standing(judged: list[HumanVerdict]) -> tuple[Verdict | None, Judge | None]:
    first = judged[0]
    return standing(first.device_verdict, first.device_judge, judged)

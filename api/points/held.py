"""Deposits that devices told of too late: what waits, and what the office decides."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.errors import Problem, documented
from api.inputs import OneLine
from api.parts import Parts, PartsDep
from api.points.schemas import Body, RequestId
from api.security import OFFICE, OfficeDep
from api.tables import Format, FormatQuery, model_csv
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.points.claims import HeldClaims
from smartbin.points.rules.claims import ClaimState

router = APIRouter(prefix="/api/v1", tags=["points"], dependencies=[OFFICE])


class HeldOut(BaseModel):
    """Deposits of a device that wait: they earn nothing until somebody releases them."""

    device: str = Field(examples=["bin-007"])
    deposits: int = Field(examples=[48])
    cards: int = Field(description="how many cards they name", examples=[3])
    weight_g: int = Field(examples=[480_000])
    first: date = Field(serialization_alias="from", description="the first deposit's day")
    last: date = Field(serialization_alias="to", description="the last deposit's day")
    arrived_first_at: datetime = Field(description="when the first of them arrived")
    arrived_last_at: datetime

    @classmethod
    def of(cls, held: HeldClaims, parts: Parts) -> HeldOut:
        """From the records' value."""
        zone = parts.registry.site.zone
        return cls(
            device=held.device,
            deposits=held.deposits,
            cards=held.cards,
            weight_g=held.weight_g,
            first=calendar.day_of(held.first_us, zone),
            last=calendar.day_of(held.last_us, zone),
            arrived_first_at=parts.local(held.arrived_first_us),
            arrived_last_at=parts.local(held.arrived_last_us),
        )


class HeldList(BaseModel):
    """What waits, the newest arrival first: a row a device."""

    as_of: datetime
    held: list[HeldOut]


class Decided(StrEnum):
    """What the office decides of a device's deposits."""

    RELEASE = "release"
    REJECT = "reject"


class ClaimDecisionIn(Body):
    """What becomes of a device's deposits of some days that have arrived by now, and why."""

    request_id: RequestId
    decision: Decided
    first: date = Field(alias="from", description="the first day of the deposits")
    last: date = Field(alias="to", description="the last day")
    reason: OneLine = Field(min_length=1, max_length=200, examples=["断网补传，已现场核实 offline"])


class ClaimDecisionMade(BaseModel):
    """The answer to a decision; ``card_days`` are settled again."""

    device: str
    decision: Decided
    card_days: int


@router.get("/held", response_model=HeldList)
def held(parts: PartsDep, format: FormatQuery = Format.JSON) -> HeldList | Response:
    """List deposits that arrived more than 7 days late and wait for a decision, by device."""
    rows = [HeldOut.of(one, parts) for one in parts.stores.claims.held()]
    if format is Format.CSV:
        return model_csv(HeldOut, rows, "held")
    return HeldList(as_of=parts.local(parts.now_us()), held=rows)


@router.post("/held/{device}/decisions", status_code=201, responses=documented(404, 409))
def decide(
    parts: PartsDep,
    device: Annotated[str, Path(max_length=32)],
    body: ClaimDecisionIn,
    who: OfficeDep,
) -> ClaimDecisionMade:
    """Release or reject a device's deposits of some days. Idempotent by `request_id`.

    Released ones earn by the rules of their day; rejected ones earn nothing, also those that
    arrived in time. The differences are booked in the ledger. What arrives later is not covered.
    """
    parts.registry.device(device)
    if body.last < body.first:
        detail = f"to: {body.last} lies before from {body.first}; swap them"
        raise Problem(422, "bad-input", detail, parameter="to")
    released = body.decision is Decided.RELEASE
    state = ClaimState.RELEASED if released else ClaimState.REJECTED
    made = parts.stores.claims.decide(
        device, Days(body.first, body.last), state, body.reason, who.name, parts.now_us(),
        body.request_id,
    )  # fmt: skip
    return ClaimDecisionMade(device=device, decision=body.decision, card_days=made.card_days)

"""What was refused, for the office: how much, why, and the newest messages whole."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.parts import Parts, PartsDep
from api.security import OFFICE
from api.tables import Format, FormatQuery, model_csv
from smartbin.quarantine.store import Quarantine, QuarantinedMessage

router = APIRouter(prefix="/api/v1", tags=["quarantine"], dependencies=[OFFICE])
MESSAGES_MAX = 500
PAYLOAD_CHARS_MAX = 4_000


class RefusalsOut(BaseModel):
    """How many messages of one device are kept for one reason."""

    device: str = Field(description="empty when the topic names none", examples=["bin-007"])
    reason: str = Field(examples=["unknown_door"])
    messages: int


class RefusedMessage(BaseModel):
    """One refused message. ``payload`` is cut at 4,000 characters; the gateway keeps it whole."""

    id: str
    received_at: datetime
    device: str
    topic: str
    reason: str = Field(examples=["bad_value"])
    field: str = Field(examples=["weight_g"])
    detail: str
    payload: str


class QuarantineOut(BaseModel):
    """The quarantine: counts of all, and the newest messages first."""

    total: int
    counts: list[RefusalsOut]
    messages: list[RefusedMessage]


@router.get("/quarantine", response_model=QuarantineOut)
def quarantine(
    parts: PartsDep,
    device: Annotated[str, Query(max_length=64, description="only this device's")] = "",
    reason: Annotated[str, Query(max_length=64, description="only of this reason")] = "",
    limit: Annotated[int, Query(ge=1, le=MESSAGES_MAX, description="messages shown")] = 100,
    format: FormatQuery = Format.JSON,
) -> QuarantineOut | Response:
    """List refused messages and why they were refused. After the registry was corrected,
    `smartbin quarantine replay` keeps those that are good now.
    """
    shelf = Quarantine(parts.quarantine)
    chosen = (
        kept
        for kept in shelf.newest()
        if device in ("", kept.device) and reason in ("", kept.rejected.reason)
    )
    messages = [_message(parts, kept) for kept in islice(chosen, limit)]
    if format is Format.CSV:
        return model_csv(RefusedMessage, messages, "quarantine")
    kept_of: Counter[tuple[str, str]] = Counter()
    for refusal, messages_of_day in parts.refusals.counts().items():
        kept_of[refusal.device, refusal.reason] += messages_of_day
    counts = [
        RefusalsOut(device=of, reason=why, messages=count)
        for (of, why), count in kept_of.most_common()
        if device in ("", of) and reason in ("", why)
    ]
    return QuarantineOut(
        total=sum(c.messages for c in counts), counts=counts[:MESSAGES_MAX], messages=messages
    )


def _message(parts: Parts, kept: QuarantinedMessage) -> RefusedMessage:
    refused = kept.rejected
    return RefusedMessage(
        id=kept.id,
        received_at=parts.local(refused.received_at_us),
        device=kept.device,
        topic=refused.topic,
        reason=refused.reason,
        field=refused.field,
        detail=refused.detail,
        payload=refused.payload.decode("utf-8", "backslashreplace")[:PAYLOAD_CHARS_MAX],
    )

"""Closed months of the ledger: the sums of each and its file, for auditors."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.responses import Response, StreamingResponse

from api.errors import Problem, documented
from api.parts import Parts, PartsDep
from api.security import OFFICE
from api.tables import Format, FormatQuery, model_csv
from smartbin.points import months

router = APIRouter(prefix="/api/v1", tags=["points"], dependencies=[OFFICE])


class MonthOut(BaseModel):
    """A closed month: what its file holds, and the SHA-256 of the file's bytes."""

    month: str = Field(examples=["2026-10"])
    entries: int = Field(examples=[412_006])
    points: int = Field(examples=[3_901_250])
    sha256: str
    closed_at: datetime

    @classmethod
    def of(cls, kept: months.ClosedMonth, parts: Parts) -> MonthOut:
        """From the records' value."""
        return cls(
            month=months.said(kept.month),
            entries=kept.entries,
            points=kept.points,
            sha256=kept.sha256,
            closed_at=parts.local(kept.closed_us),
        )


class MonthsOut(BaseModel):
    """The closed months, the newest first."""

    months: list[MonthOut]


@router.get("/months", response_model=MonthsOut)
def closed(parts: PartsDep, format: FormatQuery = Format.JSON) -> MonthsOut | Response:
    """List the closed months of the ledger, newest first."""
    rows = [MonthOut.of(kept, parts) for kept in months.closed(parts.database)]
    return model_csv(MonthOut, rows, "months") if format is Format.CSV else MonthsOut(months=rows)


@router.get(
    "/months/{month}",
    responses={**documented(401, 403, 404, 422, 503), 200: {"content": {"text/csv": {}}}},
    response_class=StreamingResponse,
)
def file(
    parts: PartsDep,
    month: Annotated[str, Path(pattern=r"^\d{4}-\d{2}$", examples=["2026-10"])],
) -> StreamingResponse:
    """The file of a closed month (CSV), as the ledger gives it now.

    `Repr-Digest` (RFC 9530) holds the SHA-256 that was kept at closing: if the bytes do not match,
    they were changed since.
    """
    known = {months.said(kept.month): kept for kept in months.closed(parts.database)}
    if month not in known:
        detail = f"month: {month} is not closed; GET /api/v1/months lists what is"
        raise Problem(404, "unknown-month", detail, parameter="month")
    kept = known[month]
    digest = base64.b64encode(bytes.fromhex(kept.sha256)).decode()
    return StreamingResponse(
        months.content(parts.database, kept.month, parts.registry.site.zone),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="points-{month}.csv"',
            "Repr-Digest": f"sha-256=:{digest}:",
        },
    )

"""Windows of calendar days, as callers give them: inclusive, bounded, the last 30 by default."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from fastapi import Depends, Query

from api.errors import Problem
from api.parts import PartsDep
from smartbin.calendar import Days

DAYS_MAX = 400
DAYS_DEFAULT = 30


def window(
    parts: PartsDep,
    first: Annotated[
        date | None, Query(alias="from", description="first day", examples=["2026-11-01"])
    ] = None,
    last: Annotated[
        date | None, Query(alias="to", description="last day, inclusive", examples=["2026-11-23"])
    ] = None,
) -> Days:
    """The days asked for; a problem names the parameter and the remedy."""
    last = last or parts.today()
    first = first or last - timedelta(days=DAYS_DEFAULT - 1)
    if last < first:
        detail = f"from {first} lies after to {last}; swap them"
        raise Problem(422, "bad-input", detail, parameter="from")
    if (last - first).days >= DAYS_MAX:
        detail = f"{(last - first).days + 1} days; ask for at most {DAYS_MAX} at a time"
        raise Problem(422, "bad-input", detail, parameter="from")
    if first < date(2020, 1, 1) or last > parts.today() + timedelta(days=366):
        raise Problem(422, "bad-input", "days lie from 2020 to a year ahead", parameter="from")
    return Days(first, last)


Window = Annotated[Days, Depends(window)]

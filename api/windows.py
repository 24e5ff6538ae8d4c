"""Windows of calendar days, as callers give them: inclusive, bounded, the last 30 by default; and
pages through what lies in one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from fastapi import Depends, Query

from api.errors import Problem
from api.inputs import Day
from api.paging import CursorOf, FactPosition, Paging, read_after
from api.parts import PartsDep
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.facts.events import Collection, Deposit, LevelReading

DAYS_MAX = 400
DAYS_DEFAULT = 30
EARLIEST = date(2020, 1, 1)  # no smart bin of this system is older


def window(
    parts: PartsDep,
    first: Annotated[
        Day | None, Query(alias="from", description="first day", examples=["2026-11-01"])
    ] = None,
    last: Annotated[
        Day | None, Query(alias="to", description="last day, inclusive", examples=["2026-11-23"])
    ] = None,
) -> Days:
    """The days asked for; a problem names the parameter and the remedy."""
    latest = parts.today() + timedelta(days=366)
    for parameter, day in (("from", first), ("to", last)):
        if day is not None and not EARLIEST <= day <= latest:
            detail = f"{parameter}: {day} is not a day from {EARLIEST} to {latest}; ask for another"
            raise Problem(422, "bad-input", detail, parameter=parameter)
    last = last or parts.today()
    first = first or last - timedelta(days=DAYS_DEFAULT - 1)
    if last < first:
        detail = f"from {first} lies after to {last}; swap them"
        raise Problem(422, "bad-input", detail, parameter="from")
    if (last - first).days >= DAYS_MAX:
        detail = f"{(last - first).days + 1} days; ask for at most {DAYS_MAX} at a time"
        raise Problem(422, "bad-input", detail, parameter="from")
    return Days(first, last)


Window = Annotated[Days, Depends(window)]
PAGE_MAX = 1_000
Row = TypeVar("Row", LevelReading, Deposit, Collection)


@dataclass(frozen=True, slots=True)
class FactsPage:
    """One page of the facts of some days: ``limit`` rows at most, newest first."""

    days: Days
    zone: ZoneInfo
    limit: int
    paging: Paging[FactPosition]

    def of(
        self, read: Callable[[int, int, int], Sequence[Row]], seen: Sequence[Days]
    ) -> tuple[Sequence[Row], str | None]:
        """The rows and the cursor of the next page. ``read`` takes two instants and a limit;
        ``seen`` are the days, newest first, that the caller may see.
        """
        found: list[Row] = []
        for days in seen:
            start_us, end_us = calendar.bounds_us(days, self.zone)
            found += read_after(
                partial(read, start_us),
                lambda row: (-row.at_us, row.device, row.door),
                end_us,
                self.paging.after,
                self.limit + 1 - len(found),
            )
            if len(found) > self.limit:
                break
        return self.paging.cut(
            found, self.limit, lambda row: FactPosition(row.at_us, row.device, row.door)
        )


def facts_page(
    parts: PartsDep,
    days: Window,
    paging: Annotated[Paging[FactPosition], Depends(CursorOf(FactPosition))],
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX, description="rows of a page")] = PAGE_MAX,
) -> FactsPage:
    """The page asked for."""
    return FactsPage(days, parts.registry.site.zone, limit, paging)


FactsPageDep = Annotated[FactsPage, Depends(facts_page)]

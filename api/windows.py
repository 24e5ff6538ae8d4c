"""Windows of calendar days, as callers give them: inclusive, bounded, the last 30 by default; and
pages through what lies in one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Protocol, TypeVar

from fastapi import Depends, Query

from api.errors import Problem
from api.inputs import Day, Moment
from api.parts import PartsDep
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.facts.events import DoorKey

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
            detail = f"{parameter}: {day} is no day from {EARLIEST} to {latest}; ask for another"
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

Skip = Annotated[int, Query(ge=0, le=1_000_000, description="continue: next_skip of the last page")]


def next_skip(found: Sequence[object], skip: int, limit: int) -> int | None:
    """Where the next page begins, of ``found`` rows asked for beyond the limit."""
    return skip + limit if len(found) > limit else None


Found = TypeVar("Found")


def first_page(found: Sequence[Found], limit: int) -> tuple[Sequence[Found], Found | None]:
    """The page of ``found`` rows, asked for one beyond the limit; and, where more follow, its last
    row, which the next page continues after.
    """
    rows = found[:limit]
    return rows, rows[-1] if len(found) > limit else None


PAGE_MAX = 1_000


class Timed(Protocol):
    """Something that has its instant."""

    @property
    def at_us(self) -> int:
        """UTC microseconds."""


Row = TypeVar("Row", bound=Timed)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of facts, newest first: of ``[start_us, end_us)`` about ``limit`` rows."""

    start_us: int
    end_us: int
    limit: int

    def of(
        self,
        read: Callable[[Sequence[DoorKey], int, int, int], Sequence[Row]],
        doors: list[DoorKey],
    ) -> tuple[Sequence[Row], int | None]:
        """The rows, and the instant the next page lies before; None after the last. A door has one
        fact of an instant, so a page grows by fewer rows than there are doors.
        """
        return self.cut(read(doors, self.start_us, self.end_us, self.limit + len(doors)))

    def cut(self, rows: Sequence[Row]) -> tuple[Sequence[Row], int | None]:
        """The same of rows, newest first, that go on beyond the page. An instant is never cut in
        two, for ``before`` could not continue inside it.
        """
        end = min(self.limit, len(rows))
        while 0 < end < len(rows) and rows[end].at_us == rows[end - 1].at_us:
            end += 1
        return rows[:end], rows[end - 1].at_us if end < len(rows) else None


def page(
    parts: PartsDep,
    days: Window,
    before: Annotated[
        Moment | None, Query(description="continue: next_before of the last page")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX, description="rows of a page")] = PAGE_MAX,
) -> Page:
    """The page asked for."""
    start_us, end_us = calendar.bounds_us(days, parts.registry.site.zone)
    return Page(start_us, end_us if before is None else min(end_us, calendar.to_us(before)), limit)


PageDep = Annotated[Page, Depends(page)]

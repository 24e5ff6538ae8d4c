"""Collections: every emptying once, whether a bin reported it, people confirmed it, or both."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.errors import documented
from api.paging import FactPosition, Next
from api.parts import Parts, PartsDep
from api.security import CrewDep
from api.tables import Format, FormatQuery, csv_response
from api.windows import FactsPage, FactsPageDep
from smartbin.collection.rules import SAME_WITHIN_US, Emptying, emptyings
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.core.scope import Scope
from smartbin.facts.events import Category, DoorKey

router = APIRouter(prefix="/api/v1", tags=["collections"])
READ_MAX = 20_000


class EmptyingSource(StrEnum):
    """Who told of an emptying."""

    BIN = "bin"
    CREW = "crew"
    BOTH = "both"


class EmptiedDoor(BaseModel):
    """An emptying. ``weight_g`` is the bin's net weight, else what a person gave."""

    at: datetime
    device: str
    door: str
    category: Category | None
    community: str | None
    weight_g: int | None
    source: EmptyingSource
    crews: list[str] = Field(description="who confirmed it, first to last")
    rounds: list[str]


class EmptiedDoorsOut(BaseModel):
    """Emptyings, newest first."""

    collections: list[EmptiedDoor]
    next: Next


@router.get("/collections", responses=documented(404), response_model=EmptiedDoorsOut)
def collections(
    parts: PartsDep,
    who: CrewDep,
    page: FactsPageDep,
    community: str | None = None,
    device: str | None = None,
    category: Category | None = None,
    format: FormatQuery = Format.JSON,
) -> EmptiedDoorsOut | Response:
    """List emptyings, newest first: each once, whether a bin, a person or both reported it."""
    if community is not None:
        parts.registry.community(community)
    if device is not None:
        parts.registry.device(device)
    scope = who.scope.within(community)
    found, read_to_us = _read(parts, page, _doors(parts, scope, page.days, device), READ_MAX)
    shown = [
        row
        for row in (_row(parts, one) for one in found)
        if scope.has_community(row.community) and category in (None, row.category)
    ]
    rows, following = page.paging.cut(shown, page.limit, _position)
    if following is None and read_to_us is not None:
        following = page.paging.cursor(FactPosition(read_to_us - 1, "", ""))
    if format is Format.CSV:
        table = [
            {**row.model_dump(), "crews": "; ".join(row.crews), "rounds": "; ".join(row.rounds)}
            for row in rows
        ]
        link = page.paging.link(following)
        return csv_response(EmptiedDoor.model_fields, table, "collections", link)
    return EmptiedDoorsOut(collections=list(rows), next=following)


def _doors(parts: Parts, scope: Scope, days: Days, device: str | None) -> list[DoorKey]:
    """The doors of devices that the scope has on some of the days."""
    devices = parts.registry.devices if device is None else [device]
    seen = [id for id in devices if parts.registry.days_in(scope, id, days)]
    return sorted({door.key for id in seen for door in parts.registry.doors_of_device(id)})


def _read(
    parts: Parts, page: FactsPage, doors: list[DoorKey], most: int
) -> tuple[Sequence[Emptying], int | None]:
    """The emptyings of the days after the page's position; where there are more than may be read
    at a time, the instant that they were read to. What is read reaches beyond the days on both
    sides, so that an emptying at their edge has all its reports.
    """
    first_us, end_us = calendar.bounds_us(page.days, page.zone)
    if (after := page.paging.after) is not None:
        end_us = min(end_us, after.at_us + 1)
    within = first_us - SAME_WITHIN_US, end_us + 2 * SAME_WITHIN_US
    reported = parts.reader.collections(doors, *within, most)
    confirmed = parts.stores.rounds.confirmed(doors, *within, most)
    # When there are more than may be read, the oldest may lack a report: they wait for their page.
    full = [rows[-1].at_us for rows in (reported, confirmed) if len(rows) >= most]
    read_to_us = max(full) + 2 * SAME_WITHIN_US if full else None
    if read_to_us is not None and read_to_us >= end_us:
        return _read(parts, page, doors, 4 * most)
    start_us = max(first_us, read_to_us or first_us)
    found = [
        one
        for one in emptyings(reported, confirmed)
        if start_us <= one.at_us < end_us
        and (after is None or (-one.at_us, one.key) > (-after.at_us, after[1:]))
    ]
    return found, read_to_us


def _position(row: EmptiedDoor) -> FactPosition:
    return FactPosition(calendar.to_us(row.at), row.device, row.door)


def _row(parts: Parts, one: Emptying) -> EmptiedDoor:
    day = calendar.day_of(one.at_us, parts.registry.site.zone)
    door = parts.registry.door(one.key, day)
    source = EmptyingSource.BOTH if one.reported and one.confirmed else EmptyingSource.CREW
    if not one.confirmed:
        source = EmptyingSource.BIN
    return EmptiedDoor(
        at=parts.local(one.at_us),
        device=one.key.device,
        door=one.key.door,
        category=door.category if door else None,
        community=parts.registry.community_of(one.key.device, day),
        weight_g=one.weight_g,
        source=source,
        crews=list(dict.fromkeys(c.crew for c in one.confirmed)),
        rounds=list(dict.fromkeys(c.round for c in one.confirmed)),
    )

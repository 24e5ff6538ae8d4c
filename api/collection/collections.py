"""Collections: every emptying once, whether a bin reported it, people confirmed it, or both."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.errors import documented
from api.parts import Parts, PartsDep
from api.security import CrewDep
from api.tables import Format, FormatQuery, csv_response
from api.windows import Page, PageDep
from smartbin.collection.rules import SAME_WITHIN_US, Emptying, emptyings
from smartbin.core import calendar
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

    @property
    def at_us(self) -> int:
        """The same instant, as pages count it."""
        return calendar.to_us(self.at)


class EmptiedDoorsOut(BaseModel):
    """Emptyings, newest first. ``next_before`` continues."""

    collections: list[EmptiedDoor]
    next_before: datetime | None


@router.get("/collections", responses=documented(404), response_model=EmptiedDoorsOut)
def collections(
    parts: PartsDep,
    who: CrewDep,
    page: PageDep,
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
    rows, more_us = page.cut(
        [
            row
            for row in (_row(parts, one) for one in _within(parts, page, device))
            if who.scope.has_community(row.community)
            and community in (None, row.community)
            and category in (None, row.category)
        ]
    )
    if format is Format.CSV:
        table = [
            {**row.model_dump(), "crews": "; ".join(row.crews), "rounds": "; ".join(row.rounds)}
            for row in rows
        ]
        return csv_response(EmptiedDoor.model_fields, table, "collections")
    return EmptiedDoorsOut(collections=list(rows), next_before=parts.local_or_none(more_us))


def _within(parts: Parts, page: Page, device: str | None) -> Sequence[Emptying]:
    """The emptyings of the page's time. What is read reaches beyond it on both sides, so that one
    at its edge has all its reports.
    """
    devices = parts.registry.devices if device is None else [device]
    doors = sorted(
        {DoorKey(id, door.id) for id in devices for door in parts.registry.doors_of_device(id)}
    )
    start_us, end_us = page.start_us - SAME_WITHIN_US, page.end_us + 2 * SAME_WITHIN_US
    reported = parts.reader.collections(doors, start_us, end_us, READ_MAX)
    confirmed = parts.stores.rounds.confirmed(doors, start_us, end_us, READ_MAX)
    # When there are more than may be read, the oldest may lack a report: they wait for their page.
    cut_us = max(
        (rows[-1].at_us + 2 * SAME_WITHIN_US for rows in (reported, confirmed) if _full(rows)),
        default=page.start_us,
    )
    found = emptyings(reported, confirmed)
    return [one for one in found if max(cut_us, page.start_us) <= one.at_us < page.end_us]


def _full(rows: Sequence[object]) -> bool:
    return len(rows) >= READ_MAX


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

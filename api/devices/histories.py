"""What one device reported: levels, emptyings and deposits, page by page."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.devices import schemas
from api.devices.detail import level_at
from api.errors import documented
from api.paging import CursorOf, FactPosition, Paging
from api.parts import Parts, PartsDep
from api.rows import row_of
from api.security import CrewDep, DepositsDep
from api.tables import Format, FormatQuery, csv_response, model_csv
from api.windows import FactsPage, FactsPageDep, Window
from smartbin.facts.events import DoorKey

router = APIRouter(prefix="/api/v1")
LEVELS_MAX = 10_000


@router.get(
    "/bins/{device}/levels",
    tags=["bins"],
    responses=documented(404),
    response_model=schemas.Levels,
)
def levels(
    parts: PartsDep,
    who: CrewDep,
    device: str,
    days: Window,
    paging: Annotated[Paging[FactPosition], Depends(CursorOf(FactPosition))],
    limit: Annotated[int, Query(ge=1, le=LEVELS_MAX, description="rows of a page")] = LEVELS_MAX,
    format: FormatQuery = Format.JSON,
) -> schemas.Levels | Response:
    """List the fill levels that a device's doors reported, newest first."""
    parts.registry.device(device)
    page = FactsPage(days, parts.registry.site.zone, limit, paging)
    seen = parts.registry.days_in(who.scope, device, days)
    rows, following = page.of(partial(parts.reader.levels, device), seen)
    if format is Format.CSV:
        table = [
            {"door": r.door, "at": parts.local(r.at_us).isoformat(), "level_pct": r.level_pct}
            for r in rows
        ]
        link = paging.link(following)
        return csv_response(("door", "at", "level_pct"), table, f"levels-{device}", link)
    doors: dict[str, list[schemas.LevelAt]] = {
        door.id: [] for door in parts.registry.doors_of_device(device)
    }
    for row in rows:
        doors.setdefault(row.door, []).append(level_at(parts, row))
    return schemas.Levels(device=device, doors=doors, next=following)


@router.get(
    "/devices/{device}/collections",
    tags=["devices"],
    responses=documented(404),
    response_model=schemas.Collections,
)
def collections(
    parts: PartsDep,
    who: CrewDep,
    device: str,
    page: FactsPageDep,
    format: FormatQuery = Format.JSON,
) -> schemas.Collections | Response:
    """List the emptyings that one device reported, newest first."""
    keys = _keys(parts, device)
    seen = parts.registry.days_in(who.scope, device, page.days)
    found, following = page.of(partial(parts.reader.collections, keys), seen)
    rows = [row_of(schemas.CollectionRow, c, parts.local(c.at_us)) for c in found]
    if format is Format.CSV:
        link = page.paging.link(following)
        return model_csv(schemas.CollectionRow, rows, f"collections-{device}", link)
    return schemas.Collections(device=device, collections=rows, next=following)


@router.get(
    "/devices/{device}/deposits",
    tags=["devices"],
    responses=documented(404),
    response_model=schemas.DepositsOut,
)
def deposits(
    parts: PartsDep,
    who: DepositsDep,
    device: str,
    page: FactsPageDep,
    format: FormatQuery = Format.JSON,
) -> schemas.DepositsOut | Response:
    """List the deposits at one device, newest first, without who made them."""
    keys = _keys(parts, device)
    seen = parts.registry.days_in(who.scope, device, page.days)
    found, following = page.of(partial(parts.reader.deposits, keys), seen)
    rows = [row_of(schemas.DepositRow, d, parts.local(d.at_us)) for d in found]
    if format is Format.CSV:
        link = page.paging.link(following)
        return model_csv(schemas.DepositRow, rows, f"deposits-{device}", link)
    return schemas.DepositsOut(device=device, deposits=rows, next=following)


def _keys(parts: Parts, device: str) -> list[DoorKey]:
    parts.registry.device(device)
    return sorted({door.key for door in parts.registry.doors_of_device(device)})

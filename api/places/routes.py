"""The site, its devices and its collection points as they are now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api import schemas
from api.errors import Problem, documented
from api.paging import CursorOf, FactPosition, Paging
from api.parts import Parts, PartsDep
from api.security import CREW, PUBLIC, CrewDep, DepositsDep
from api.tables import Format, FormatQuery, csv_response, model_csv
from api.windows import FactsPage, FactsPageDep, Window
from smartbin.collection.rules import (
    CONFIRMED_BACK_US,
    Confirmation,
    Policy,
    Withheld,
    stops,
    valid_confirmation,
    withheld,
)
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.core.scope import Scope
from smartbin.facts.events import Category, DoorKey, LevelReading
from smartbin.places import Device, DeviceKind, Door

router = APIRouter(prefix="/api/v1")
LEVELS_MAX = 10_000
CONFIRMED_MAX = 2_000
POLICY = Policy()


@router.get("/site", tags=["site"], dependencies=[PUBLIC])
def site(parts: PartsDep) -> schemas.SiteOut:
    """Show the site, and every device with its doors."""
    registry, today = parts.registry, parts.today()
    kinds = [device.kind for device in registry.devices.values()]
    return schemas.SiteOut(
        id=registry.site.id,
        name=registry.site.name,
        zone=registry.site.zone.key,
        communities=len(registry.communities),
        bins=kinds.count(DeviceKind.BIN),
        collection_points=kinds.count(DeviceKind.COLLECTION_POINT),
        plain_bins=len(registry.plain_bins),
        devices=[
            schemas.SiteDevice(
                id=device.id,
                kind=device.kind,
                name=device.name,
                community=registry.community_of(device.id, today),
                doors=sorted({door.id for door in registry.doors_of_device(device.id)}),
            )
            for device in registry.devices.values()
        ],
    )


@router.get(
    "/bins/full",
    tags=["bins"],
    responses=documented(404),
    response_model=schemas.Full,
)
def full(
    parts: PartsDep,
    who: CrewDep,
    category: Category | None = None,
    threshold_pct: Annotated[int | None, Query(ge=1, le=100)] = None,
    collection_point: str | None = None,
    format: FormatQuery = Format.JSON,
) -> schemas.Full | Response:
    """List full, overfull, faulty and silent doors, most urgent first. A burning or smoking device
    is in ``withheld`` with the reason, and none of its doors in the list.
    """
    now_us, today = parts.now_us(), parts.today()
    burning = _burning(parts, who.scope, today)
    doors = _doors(parts, who.scope, category, collection_point, today)
    since_us = now_us - POLICY.look_back_us
    found = stops(
        doors,
        parts.reader.latest_levels([door.key for door in doors], since_us),
        now_us,
        POLICY,
        threshold_pct=threshold_pct,
        full_since=lambda pcts: parts.reader.full_since(pcts, now_us + 1, since_us),
        off_limits={one.device for one in burning},
    )
    confirmed = _confirmed(parts, [stop.door.key for stop in found], now_us)
    rows = [
        schemas.FullDoor(
            device=stop.door.device,
            door=stop.door.id,
            category=stop.door.category,
            community=parts.registry.community_of(stop.door.device, today),
            collection_point=parts.registry.collection_point_of(stop.door.device, today),
            name=parts.registry.devices[stop.door.device].name,
            x_m=parts.registry.devices[stop.door.device].x_m,
            y_m=parts.registry.devices[stop.door.device].y_m,
            level_pct=stop.level_pct,
            state=stop.state,
            full_since=parts.local_or_none(stop.full_since_us),
            read_at=parts.local_or_none(stop.read_at_us),
            age_s=None
            if stop.read_at_us is None
            else max(0, now_us - stop.read_at_us) // calendar.US_PER_S,
            confirmed_at=parts.local_or_none(one.at_us if one else None),
            confirmed_by=one.crew if one else None,
        )
        for stop in found
        for one in [valid_confirmation(confirmed.get(stop.door.key), stop.read_at_us, now_us)]
    ]
    if format is Format.CSV:
        return _full_csv(rows, burning, parts, today)
    told = [
        schemas.WithheldDevice(
            device=one.device,
            name=parts.registry.devices[one.device].name,
            community=parts.registry.community_of(one.device, today),
            reason=one.reason,
            since=parts.local(one.since_us),
            doors=[door.id for door in one.doors],
        )
        for one in burning
    ]
    return schemas.Full(as_of=parts.local(now_us), doors=rows, withheld=told)


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
        doors.setdefault(row.door, []).append(_level(parts, row))
    return schemas.Levels(device=device, doors=doors, next=following)


@router.get("/devices/{device}", tags=["devices"], dependencies=[CREW], responses=documented(404))
def device(parts: PartsDep, device: str) -> schemas.DeviceOut:
    """Show one device now: status, active alarms, doors with their newest levels."""
    place = parts.registry.device(device)
    status = parts.reader.latest_statuses([device]).get(device)
    today = parts.today()
    return schemas.DeviceOut(
        id=place.id,
        kind=place.kind,
        name=place.name,
        community=parts.registry.community_of(device, today),
        collection_point=parts.registry.collection_point_of(device, today),
        x_m=place.x_m,
        y_m=place.y_m,
        state=status.state if status else None,
        status_at=parts.local(status.at_us) if status else None,
        battery_pct=status.battery_pct if status else None,
        firmware=status.firmware if status else None,
        alarms=[
            schemas.AlarmNow(device=a.device, door=a.door, type=a.type, since=parts.local(a.at_us))
            for a in parts.reader.active_alarms([device])
        ],
        doors=_doors_now(parts, [place])[device],
    )


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
    rows = [
        schemas.CollectionRow(
            at=parts.local(c.at_us),
            device=c.device,
            door=c.door,
            gross_g=c.gross_g,
            tare_g=c.tare_g,
            net_g=c.net_g,
            crew=c.crew,
        )
        for c in found
    ]
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
    rows = [
        schemas.DepositRow(
            at=parts.local(d.at_us),
            device=d.device,
            door=d.door,
            weight_g=d.weight_g,
            verdict=d.verdict,
            judge=d.judge,
            item=d.item,
        )
        for d in found
    ]
    if format is Format.CSV:
        link = page.paging.link(following)
        return model_csv(schemas.DepositRow, rows, f"deposits-{device}", link)
    return schemas.DepositsOut(device=device, deposits=rows, next=following)


@router.get("/collection-points", tags=["collection points"])
def collection_points(parts: PartsDep, who: CrewDep) -> schemas.CollectionPoints:
    """List collection points, the communities and bins they serve, and their doors."""
    today = parts.today()
    days = Days(today, today)
    points = parts.registry.collection_points_in(who.scope, today)
    doors = _doors_now(parts, [point for point, _ in points])
    rows = [
        schemas.CollectionPoint(
            id=point.id,
            name=point.name,
            x_m=point.x_m,
            y_m=point.y_m,
            communities=[c.id for c in served],
            bins=[bin.id for c in served for bin, _ in parts.registry.bins_of(c.id, days)],
            doors=doors[point.id],
        )
        for point, served in points
    ]
    return schemas.CollectionPoints(collection_points=rows)


def _confirmed(parts: Parts, doors: list[DoorKey], now_us: int) -> Mapping[DoorKey, Confirmation]:
    """The newest word of a person that each door was emptied."""
    since_us = now_us - CONFIRMED_BACK_US
    found = parts.stores.rounds.confirmed(doors, since_us, now_us + 1, CONFIRMED_MAX)
    return {one.key: one for one in reversed(found)}


def _burning(parts: Parts, scope: Scope, today: date) -> list[Withheld]:
    """What burns or smokes among a caller's devices, whatever category they asked for."""
    doors = parts.registry.doors_in(scope, today)
    return withheld(doors, parts.reader.active_alarms({door.device for door in doors}))


def _full_csv(
    rows: list[schemas.FullDoor], burning: list[Withheld], parts: Parts, today: date
) -> Response:
    """The table a crew prints: what must not be touched stands first, in words."""
    off_limits = [
        {
            "device": door.device,
            "door": door.id,
            "category": door.category,
            "community": parts.registry.community_of(door.device, today),
            "collection_point": parts.registry.collection_point_of(door.device, today),
            "name": parts.registry.devices[door.device].name,
            "state": "withheld",
            "withheld_for": one.reason,
        }
        for one in burning
        for door in one.doors
    ]
    columns = (*schemas.FullDoor.model_fields, "withheld_for")
    return csv_response(columns, [*off_limits, *(row.model_dump() for row in rows)], "full")


def _doors(
    parts: Parts, scope: Scope, category: Category | None, point: str | None, today: date
) -> list[Door]:
    device = None if point is None else parts.registry.device(point, "collection_point")
    if device is not None and device.kind is not DeviceKind.COLLECTION_POINT:
        detail = f"{point} is a bin; GET /api/v1/collection-points lists the points"
        raise Problem(422, "bad-input", detail, parameter="collection_point")
    return [
        door
        for door in parts.registry.doors_in(scope, today)
        if category in (None, door.category)
        and (point is None or point == parts.registry.collection_point_of(door.device, today))
    ]


def _doors_now(parts: Parts, devices: Iterable[Device]) -> Mapping[str, list[schemas.DoorNow]]:
    today = parts.today()
    days = Days(today, today)
    spans = {d.id: parts.registry.spans(d.id, days) for d in devices}
    keys = [s.door.key for found in spans.values() for s in found]
    newest = parts.reader.latest_levels(keys, parts.now_us() - POLICY.look_back_us)
    return {
        id: [
            schemas.DoorNow(
                door=s.door.id,
                category=s.door.category,
                capacity_l=s.door.capacity_l,
                full_pct=s.door.full_pct,
                overfull_pct=s.door.overfull_pct,
                level=_level(parts, newest[s.door.key]) if s.door.key in newest else None,
            )
            for s in found
        ]
        for id, found in spans.items()
    }


def _level(parts: Parts, reading: LevelReading) -> schemas.LevelAt:
    return schemas.LevelAt(
        at=parts.local(reading.at_us), level_pct=reading.level_pct, fault=reading.fault
    )


def _keys(parts: Parts, device: str) -> list[DoorKey]:
    parts.registry.device(device)
    return sorted({door.key for door in parts.registry.doors_of_device(device)})

"""What is full: the list a crew drives by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.collection import schemas
from api.errors import Problem, documented
from api.parts import Parts, PartsDep
from api.security import CrewDep
from api.tables import Format, FormatQuery, csv_response
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
from smartbin.facts.events import Category, DoorKey
from smartbin.places import DeviceKind, Door

router = APIRouter(prefix="/api/v1", tags=["bins"])
CONFIRMED_MAX = 2_000
POLICY = Policy()


@router.get(
    "/bins/full",
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
    seen = parts.registry.doors_in(who.scope, today)
    burning = withheld(seen, parts.reader.active_alarms({door.device for door in seen}))
    doors = _doors(parts, seen, category, collection_point, today)
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


def _confirmed(parts: Parts, doors: list[DoorKey], now_us: int) -> Mapping[DoorKey, Confirmation]:
    """The newest word of a person that each door was emptied."""
    since_us = now_us - CONFIRMED_BACK_US
    found = parts.stores.rounds.confirmed(doors, since_us, now_us + 1, CONFIRMED_MAX)
    return {one.key: one for one in reversed(found)}


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
    parts: Parts, seen: Sequence[Door], category: Category | None, point: str | None, today: date
) -> list[Door]:
    """Those of the doors a caller may see that they asked for."""
    device = None if point is None else parts.registry.device(point, "collection_point")
    if device is not None and device.kind is not DeviceKind.COLLECTION_POINT:
        detail = f"{point} is a bin; GET /api/v1/collection-points lists the points"
        raise Problem(422, "bad-input", detail, parameter="collection_point")
    return [
        door
        for door in seen
        if category in (None, door.category)
        and (point is None or point == parts.registry.collection_point_of(door.device, today))
    ]

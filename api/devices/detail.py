"""One device as it is now, and its doors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fastapi import APIRouter

from api.devices import schemas
from api.errors import documented
from api.parts import Parts, PartsDep
from api.security import CREW
from smartbin.collection.rules import (
    Policy,
)
from smartbin.core.calendar import Days
from smartbin.facts.events import LevelReading
from smartbin.places import Device

router = APIRouter(prefix="/api/v1", tags=["devices"])
POLICY = Policy()


@router.get("/devices/{device}", dependencies=[CREW], responses=documented(404))
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
        doors=doors_now(parts, [place])[device],
    )


def doors_now(parts: Parts, devices: Iterable[Device]) -> Mapping[str, list[schemas.DoorNow]]:
    """The doors that devices have today, each with its newest level."""
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
                level=level_at(parts, newest[s.door.key]) if s.door.key in newest else None,
            )
            for s in found
        ]
        for id, found in spans.items()
    }


def level_at(parts: Parts, reading: LevelReading) -> schemas.LevelAt:
    """A reading as the API shows it."""
    return schemas.LevelAt(
        at=parts.local(reading.at_us), level_pct=reading.level_pct, fault=reading.fault
    )

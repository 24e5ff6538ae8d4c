"""What only the public boards ask: the site as one, and how a community's bins are doing."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from api.errors import documented
from api.parts import PartsDep
from api.security import PUBLIC
from smartbin.collection.rules import DoorState, Policy, state_of
from smartbin.core.calendar import Days
from smartbin.devices.rules import bin_state, last_heard_us
from smartbin.facts.events import Category

router = APIRouter(prefix="/api/v1", tags=["boards"], dependencies=[PUBLIC])
POLICY = Policy()


class BoardDoor(BaseModel):
    """A door of a bin as the board shows it."""

    door: str
    category: Category
    level_pct: int | None
    state: DoorState
    read_at: datetime | None


class BoardBin(BaseModel):
    """A bin: ``state`` is silent when every door is, else the device's own last word."""

    device: str
    name: str
    state: str
    last_seen: datetime | None
    doors: list[BoardDoor]


class BoardBins(BaseModel):
    """The bins of a community as they are now."""

    as_of: datetime
    bins: list[BoardBin]


@router.get("/communities/{community}/bins", responses=documented(404))
def bins(parts: PartsDep, community: str) -> BoardBins:
    """List a community's bins: how full each door is, and since when a silent one is silent."""
    now_us, today = parts.now_us(), parts.today()
    days = Days(today, today)
    devices = [device for device, _ in parts.registry.bins_of(community, days)]
    doors = {d.id: [s.door for s in parts.registry.spans(d.id, days)] for d in devices}
    keys = [door.key for found in doors.values() for door in found]
    newest = parts.reader.latest_levels(keys, now_us - POLICY.look_back_us)
    statuses = parts.reader.latest_statuses(doors)
    rows = []
    for device in devices:
        status = statuses.get(device.id)
        readings = [newest[door.key] for door in doors[device.id] if door.key in newest]
        last_us = last_heard_us(status, readings)
        rows.append(
            BoardBin(
                device=device.id,
                name=device.name,
                state=bin_state(status, last_us, now_us, POLICY),
                last_seen=parts.local_or_none(last_us),
                doors=[
                    BoardDoor(
                        door=door.id,
                        category=door.category,
                        level_pct=reading.level_pct if reading else None,
                        state=state_of(door, reading, now_us, POLICY),
                        read_at=parts.local_or_none(reading.at_us if reading else None),
                    )
                    for door in doors[device.id]
                    for reading in [newest.get(door.key)]
                ],
            )
        )
    return BoardBins(as_of=parts.local(now_us), bins=rows)

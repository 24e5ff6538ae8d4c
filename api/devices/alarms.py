"""Alarms: what is wrong at which device now."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.parts import PartsDep
from api.security import CrewDep
from api.tables import Format, FormatQuery, csv_response
from smartbin.devices.rules import alarm_urgency
from smartbin.facts.events import AlarmType

router = APIRouter(prefix="/api/v1", tags=["alarms"])


class ActiveAlarm(BaseModel):
    """An alarm that has begun and not ended; ``door`` is empty when it is the device's."""

    device: str
    name: str
    community: str | None
    door: str
    type: AlarmType
    since: datetime


class Alarms(BaseModel):
    """What is wrong now."""

    as_of: datetime
    alarms: list[ActiveAlarm] = Field(description="fire and smoke first, then the longest active")


@router.get("/alarms", response_model=Alarms)
def alarms(parts: PartsDep, who: CrewDep, format: FormatQuery = Format.JSON) -> Alarms | Response:
    """List active alarms, fire and smoke first. A community sees its own devices only."""
    today, registry = parts.today(), parts.registry
    mine = [device.id for device in registry.devices_in(who.scope, today)]
    rows = [
        ActiveAlarm(
            device=one.device,
            name=registry.devices[one.device].name,
            community=registry.community_of(one.device, today),
            door=one.door,
            type=one.type,
            since=parts.local(one.at_us),
        )
        for one in sorted(parts.reader.active_alarms(mine), key=alarm_urgency)
    ]
    if format is Format.CSV:
        return csv_response(ActiveAlarm.model_fields, (row.model_dump() for row in rows), "alarms")
    return Alarms(as_of=parts.local(parts.now_us()), alarms=rows)

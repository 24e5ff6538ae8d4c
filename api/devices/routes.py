"""Every device at a glance, and what each needs: the office's list of where to send somebody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.devices import schemas
from api.parts import Parts, PartsDep
from api.security import COMMUNITY
from api.sorting.statistics import heard
from api.tables import Format, FormatQuery, csv_response
from smartbin.collection.rules import Policy
from smartbin.core.calendar import Days
from smartbin.devices.rules import Care, Health, care, last_heard_us, urgency
from smartbin.facts.events import DeviceState, DoorKey, LevelReading
from smartbin.people.principals import Principal
from smartbin.places import Device, DeviceKind

router = APIRouter(prefix="/api/v1", tags=["devices"])
POLICY = Policy()
# Holes in a counter and refused messages are looked for in the last week.
LOOK_BACK_DAYS = 7


class DeviceRow(BaseModel):
    """A device, its last word, and what it needs. Completeness, missing and refused messages are
    of the last seven days.
    """

    id: str = Field(examples=["bin-007"])
    kind: DeviceKind
    name: str = Field(examples=["7号箱"])
    community: str | None
    care: list[Care] = Field(description="what it needs, gravest first; empty when nothing")
    last_seen: datetime | None
    state: DeviceState | None
    battery_pct: int | None
    rssi_dbm: int | None
    temperature_c: int | None
    firmware: str | None
    alarms: list[schemas.AlarmNow]
    faulty_doors: list[str] = Field(description="doors whose sensor could not tell their level")
    completeness: float | None = Field(description="share of device-hours heard from, 0 to 1")
    missing_messages: int = Field(description="holes in its message counter")
    refused_messages: int
    conflicts: int = Field(
        default=0,
        description="of the refused messages, those that differ from a fact already stored",
    )


class DevicesOut(BaseModel):
    """The devices in service today, those that need somebody first."""

    as_of: datetime
    devices: list[DeviceRow]


@router.get("/devices", response_model=DevicesOut)
def devices(
    parts: PartsDep,
    who: Annotated[Principal, COMMUNITY],
    format: FormatQuery = Format.JSON,
) -> DevicesOut | Response:
    """List devices in service: last message, health over seven days, and the care they need."""
    today = parts.today()
    chosen = [
        device for device in parts.registry.devices_in(who.scope, today) if today in device.days
    ]
    rows = sorted(_rows(parts, chosen), key=lambda row: (urgency(row.care), row.id))
    if format is Format.CSV:
        return csv_response(DeviceRow.model_fields, (_flat(row) for row in rows), "devices")
    return DevicesOut(as_of=parts.local(parts.now_us()), devices=rows)


def _rows(parts: Parts, chosen: Sequence[Device]) -> Iterable[DeviceRow]:
    now_us, today = parts.now_us(), parts.today()
    names = [device.id for device in chosen]
    days = Days(today - timedelta(days=LOOK_BACK_DAYS - 1), today)
    statuses = parts.reader.latest_statuses(names)
    levels = _levels(parts, names, now_us)
    found = heard(parts, [(id, days) for id in names], days)
    alarms: dict[str, list[schemas.AlarmNow]] = {}
    for a in parts.reader.active_alarms(names):
        told = schemas.AlarmNow(
            device=a.device, door=a.door, type=a.type, since=parts.local(a.at_us)
        )
        alarms.setdefault(a.device, []).append(told)
    refused, conflicts = _refused(parts, days)
    for device in chosen:
        status, readings = statuses.get(device.id), levels.get(device.id, [])
        last_us = last_heard_us(status, readings)
        gaps, share = found.gaps.get(device.id), found.by_device[device.id].share
        mine = alarms.get(device.id, [])
        faulty = sorted(r.door for r in readings if r.level_pct is None)
        health = Health(status, last_us, len(mine), len(faulty), share, refused[device.id])
        yield DeviceRow(
            id=device.id,
            kind=device.kind,
            name=device.name,
            community=parts.registry.community_of(device.id, today),
            care=list(care(health, now_us, POLICY)),
            last_seen=parts.local_or_none(last_us),
            state=status.state if status else None,
            battery_pct=status.battery_pct if status else None,
            rssi_dbm=status.rssi_dbm if status else None,
            temperature_c=status.temperature_c if status else None,
            firmware=status.firmware if status else None,
            alarms=mine,
            faulty_doors=faulty,
            completeness=share,
            missing_messages=gaps.missing if gaps else 0,
            refused_messages=refused[device.id],
            conflicts=conflicts[device.id],
        )


def _levels(parts: Parts, names: Iterable[str], now_us: int) -> Mapping[str, list[LevelReading]]:
    today = Days(parts.today(), parts.today())
    keys = [span.door.key for id in names for span in parts.registry.spans(id, today)]
    found: dict[str, list[LevelReading]] = {}
    newest: Mapping[DoorKey, LevelReading] = parts.reader.latest_levels(
        keys, now_us - POLICY.look_back_us
    )
    for key, reading in newest.items():
        found.setdefault(key.device, []).append(reading)
    return found


def _refused(parts: Parts, days: Days) -> tuple[Counter[str], Counter[str]]:
    """Refused messages by device, and those of them that are second tellings."""
    found: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for refusal, messages in parts.refusals.counts().items():
        if refusal.day in days:
            found[0][refusal.device] += messages
            if refusal.reason == "conflict":
                found[1][refusal.device] += messages
    return found


def _flat(row: DeviceRow) -> dict[str, object]:
    return {
        **row.model_dump(),
        "care": " ".join(row.care),
        "alarms": " ".join(alarm.type for alarm in row.alarms),
        "faulty_doors": " ".join(row.faulty_doors),
    }

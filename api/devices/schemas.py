"""The shapes of answers about devices and what they reported."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from api.paging import Next
from api.rows import columns_of
from smartbin.facts.events import Category, Deposit
from smartbin.places import DeviceKind


class LevelAt(BaseModel):
    """A level and when it was read; null with the fault when the sensor could not tell."""

    at: datetime
    level_pct: int | None
    fault: str | None


class Levels(BaseModel):
    """The history of a device's doors, newest first. A page's rows are those of all doors."""

    device: str
    doors: dict[str, list[LevelAt]]
    next: Next


class DoorNow(BaseModel):
    """A door and its newest level."""

    door: str
    category: Category
    capacity_l: int
    full_pct: int
    overfull_pct: int
    level: LevelAt | None


class AlarmNow(BaseModel):
    """An alarm that is active."""

    device: str
    door: str
    type: str
    since: datetime


class DeviceOut(BaseModel):
    """A device as it is now."""

    id: str
    kind: DeviceKind
    name: str
    community: str | None
    collection_point: str | None
    x_m: int
    y_m: int
    state: str | None
    status_at: datetime | None
    battery_pct: int | None
    firmware: str | None
    alarms: list[AlarmNow]
    doors: list[DoorNow]


class CollectionRow(BaseModel):
    """A door emptied."""

    at: datetime
    device: str
    door: str
    gross_g: int
    tare_g: int
    net_g: int
    crew: str | None


class Collections(BaseModel):
    """Collections of a device, newest first."""

    device: str
    collections: list[CollectionRow]
    next: Next


class DepositRow(columns_of(Deposit)):  # type: ignore[misc] # of the columns' own making
    """A deposit, without who made it."""


class DepositsOut(BaseModel):
    """Deposits of a device, newest first."""

    device: str
    deposits: list[DepositRow]
    next: Next

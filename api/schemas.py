"""The shapes of the API's answers. Programs rely on these names; more may come, none goes."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from api.paging import Next
from smartbin.collection.rules import DoorState
from smartbin.facts.events import AlarmType, Category
from smartbin.places import CommunityKind, DeviceKind


class CommunityOut(BaseModel):
    """A community."""

    id: str = Field(examples=["yicheng-haoting"])
    name: str = Field(examples=["贻成豪庭"])
    kind: CommunityKind
    grid: str
    households: int
    placeholder: bool
    x_m: int
    y_m: int
    bins: list[str]
    collection_point: str | None


class Communities(BaseModel):
    """All communities."""

    communities: list[CommunityOut]


class SiteDevice(BaseModel):
    """A device of the site."""

    id: str
    kind: DeviceKind
    name: str
    community: str | None
    doors: list[str]


class SiteOut(BaseModel):
    """The site and what it has."""

    id: str
    name: str
    zone: str
    communities: int
    bins: int
    collection_points: int
    plain_bins: int
    devices: list[SiteDevice]


class FullDoor(BaseModel):
    """A door that needs somebody."""

    device: str
    door: str
    category: Category
    community: str | None
    collection_point: str | None
    name: str
    x_m: int
    y_m: int
    level_pct: int | None
    state: DoorState
    full_since: datetime | None
    read_at: datetime | None
    age_s: int | None
    confirmed_at: datetime | None = Field(
        default=None, description="when a person said it was emptied, since it was read last"
    )
    confirmed_by: str | None = None


class WithheldDevice(BaseModel):
    """A device with an active fire or smoke alarm: nobody empties it, so none of its doors is
    among ``doors``.
    """

    device: str
    name: str
    community: str | None
    reason: AlarmType = Field(description="fire or smoke")
    since: datetime
    doors: list[str] = Field(description="all its doors, whatever their level and category")


class Full(BaseModel):
    """What a crew asks: full, overfull, faulty and silent doors, most urgent first."""

    as_of: datetime
    doors: list[FullDoor]
    withheld: list[WithheldDevice] = Field(
        default_factory=list,
        description="burning and smoking devices, fire first, whatever category was asked; "
        "their doors come back when the alarm has ended",
    )


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


class DepositRow(BaseModel):
    """A deposit, without who made it."""

    at: datetime
    device: str
    door: str
    weight_g: int
    verdict: str | None
    judge: str | None
    item: str | None


class DepositsOut(BaseModel):
    """Deposits of a device, newest first."""

    device: str
    deposits: list[DepositRow]
    next: Next


class CollectionPoint(BaseModel):
    """A collection point and what it serves."""

    id: str
    name: str
    x_m: int
    y_m: int
    communities: list[str]
    bins: list[str]
    doors: list[DoorNow]


class CollectionPoints(BaseModel):
    """All collection points."""

    collection_points: list[CollectionPoint]

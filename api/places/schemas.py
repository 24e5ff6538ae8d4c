"""The shapes of answers about the site and its collection points."""

from __future__ import annotations

from pydantic import BaseModel

from api.devices.schemas import DoorNow
from smartbin.places import DeviceKind


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

"""The registry: the site, its communities, devices and doors, and who belongs where since when.

Facts carry no community and no category; both come from here, *dated*, when reading. So a mistake
corrected today corrects history, and a message redelivered after a change cannot be stored twice.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from smartbin.core.calendar import Days
from smartbin.core.errors import UnknownPlace
from smartbin.core.scope import Scope
from smartbin.facts.events import Category, DoorKey, Span

T = TypeVar("T")  # requires-python is 3.11, which has no type parameter lists yet


class CommunityKind(StrEnum):
    """District-level showcase (区级示范), model community (精品社区), or neither."""

    SHOWCASE = "showcase"
    MODEL = "model"
    STANDARD = "standard"


class DeviceKind(StrEnum):
    """A smart bin (智能箱体) or a collection point (收运点位); both have doors and speak the same
    wire format.
    """

    BIN = "bin"
    COLLECTION_POINT = "collection_point"


@dataclass(frozen=True, slots=True)
class Site:
    """The customer's area, and what its plan promises (the denominators of coverage)."""

    id: str
    name: str
    zone: ZoneInfo
    goal_communities: int
    goal_bins: int
    goal_collection_points: int
    goal_plain_bins: int


@dataclass(frozen=True, slots=True)
class Community:
    """A community. ``placeholder`` marks a neutral name that stands for one the plan does not
    give; x, y are schematic, in metres.
    """

    id: str
    name: str
    kind: CommunityKind
    grid: str
    households: int
    placeholder: bool
    x_m: int
    y_m: int


@dataclass(frozen=True, slots=True)
class Device:
    """A bin or a collection point. ``days`` is when it is in service; x, y are schematic, in
    metres.
    """

    id: str
    kind: DeviceKind
    name: str
    x_m: int
    y_m: int
    days: Days


@dataclass(frozen=True, slots=True)
class Door:
    """One compartment of a device during some days: what it takes and how its level is measured
    and judged.
    """

    device: str
    id: str
    category: Category
    capacity_l: int
    depth_mm: int
    offset_mm: int
    full_pct: int
    overfull_pct: int
    days: Days
    key: DoorKey = field(init=False, repr=False, compare=False)
    """What facts call this door."""

    def __post_init__(self) -> None:
        """Name the door once: questions about all doors ask for it many times."""
        object.__setattr__(self, "key", DoorKey(self.device, self.id))


@dataclass(frozen=True, slots=True)
class PlainBin:
    """A plain sorting bin (分类投放桶): it sends nothing, it counts towards coverage."""

    id: str
    community: str
    category: Category
    capacity_l: int


@dataclass(frozen=True, slots=True)
class Membership:
    """During ``days`` the bin ``member`` belongs to the community ``group``; or the community
    ``member`` is served by the collection point ``group``.
    """

    member: str
    group: str
    days: Days


@dataclass(frozen=True, slots=True)
class DoorSpan:
    """A door that belonged somewhere during ``days`` and took ``category`` then."""

    door: Door
    days: Days

    @property
    def span(self) -> Span:
        """The same, as the telemetry port takes it."""
        return Span(self.door.key, self.days)


class Registry:
    """Everything known about places. Immutable once made; every look-up is a dictionary away."""

    def __init__(
        self,
        site: Site,
        communities: Sequence[Community],
        devices: Sequence[Device],
        doors: Sequence[Door],
        plain_bins: Sequence[PlainBin],
        memberships: Sequence[Membership],
        services: Sequence[Membership],
    ) -> None:
        self.site = site
        self.communities: Mapping[str, Community] = {c.id: c for c in communities}
        self.devices: Mapping[str, Device] = {d.id: d for d in devices}
        self.plain_bins = tuple(plain_bins)
        self._doors: dict[DoorKey, list[Door]] = defaultdict(list)
        for door in doors:
            self._doors[door.key].append(door)
        self._doors_of_device: dict[str, list[Door]] = defaultdict(list)
        for door in doors:
            self._doors_of_device[door.device].append(door)
        self._homes: dict[str, list[Membership]] = defaultdict(list)
        self._bins_of: dict[str, list[Membership]] = defaultdict(list)
        for m in memberships:
            self._homes[m.member].append(m)
            self._bins_of[m.group].append(m)
        self._served_by: dict[str, list[Membership]] = defaultdict(list)
        self._serves: dict[str, list[Membership]] = defaultdict(list)
        for m in services:
            self._served_by[m.member].append(m)
            self._serves[m.group].append(m)

    def community(self, community_id: str) -> Community:
        """The community, or UnknownPlace with the nearest names."""
        return _find("community", community_id, self.communities)

    def device(self, device_id: str, field: str = "device") -> Device:
        """The device that a field names, or UnknownPlace with the nearest names."""
        return _find(field, device_id, self.devices)

    def doors_of_device(self, device_id: str) -> Sequence[Door]:
        """Every dated door of a device, in the registry's order."""
        return self._doors_of_device.get(device_id, ())

    def door(self, key: DoorKey, day: date) -> Door | None:
        """What the door was on that day; outside all its days, what it was in the nearest of
        them; None when unknown.
        """
        versions = self._doors.get(key)
        if not versions:
            return None
        return min(
            versions,
            key=lambda d: (
                0
                if day in d.days
                else min(abs((day - d.days.first).days), abs((day - d.days.last).days))
            ),
        )

    def doors(self, day: date) -> Sequence[Door]:
        """All doors of devices in service on that day."""
        return [
            d
            for versions in self._doors.values()
            for d in versions
            if day in d.days and day in self.devices[d.device].days
        ]

    def devices_in(self, scope: Scope, day: date) -> Sequence[Device]:
        """The devices, in service or not, that a caller may see on a day: all, or those of their
        communities then.
        """
        return [
            device
            for device in self.devices.values()
            if scope.has_community(self.community_of(device.id, day))
        ]

    def doors_in(self, scope: Scope, day: date) -> Sequence[Door]:
        """The doors of devices in service that a caller may see on a day."""
        doors = self.doors(day)
        if scope.communities is None:
            return doors
        return [door for door in doors if scope.has_community(self.community_of(door.device, day))]

    def collection_points_in(
        self, scope: Scope, day: date
    ) -> Sequence[tuple[Device, Sequence[Community]]]:
        """The collection points that a caller may see on a day, each with the communities among
        theirs that it serves. Whoever is bound sees the points that serve them.
        """
        found = []
        for device in self.devices.values():
            if device.kind is DeviceKind.COLLECTION_POINT:
                served = [
                    community
                    for community, _ in self.communities_of(device.id, Days(day, day))
                    if scope.has_community(community.id)
                ]
                if served or scope.communities is None:
                    found.append((device, served))
        return found

    def days_in(self, scope: Scope, device_id: str, days: Days) -> Sequence[Days]:
        """Those of the days, newest first, on which a device was a caller's to see: all, or while
        it belonged to one of their communities.
        """
        if scope.communities is None:
            return [days]
        cuts = (
            home.days.overlap(days)
            for home in self.homes_of(device_id)
            if scope.has_community(home.group)
        )
        return sorted((cut for cut in cuts if cut), key=lambda cut: cut.first, reverse=True)

    def homes_of(self, device_id: str) -> Sequence[Membership]:
        """Every dated community of a bin, in the registry's order."""
        return self._homes.get(device_id, ())

    def community_of(self, device_id: str, day: date) -> str | None:
        """The community a bin belongs to on that day."""
        return _on(self._homes.get(device_id, ()), day)

    def collection_point_of(self, device_id: str, day: date) -> str | None:
        """The collection point that serves the device on that day; a collection point is its
        own.
        """
        if (device := self.devices.get(device_id)) and device.kind is DeviceKind.COLLECTION_POINT:
            return device_id
        community = self.community_of(device_id, day)
        return _on(self._served_by.get(community, ()), day) if community else None

    def bins_of(self, community_id: str, days: Days) -> Sequence[tuple[Device, Days]]:
        """The bins that served a community during some of the days, and when: what is out of
        service belongs nowhere.
        """
        self.community(community_id)
        found = []
        for m in self._bins_of.get(community_id, ()):
            device, cut = self.devices[m.member], m.days.overlap(days)
            if cut and (cut := cut.overlap(device.days)):
                found.append((device, cut))
        return found

    def communities_of(
        self, collection_point_id: str, days: Days
    ) -> Sequence[tuple[Community, Days]]:
        """The communities a collection point served during some of the days, and when."""
        self.device(collection_point_id)
        found = (
            (self.communities[m.member], m.days.overlap(days))
            for m in self._serves.get(collection_point_id, ())
        )
        return [(community, cut) for community, cut in found if cut]

    def doors_of_community(self, community_id: str, days: Days) -> Sequence[DoorSpan]:
        """The doors that belonged to a community during some of the days, with the category they
        took then.
        """
        return [
            span
            for device, cut in self.bins_of(community_id, days)
            for span in self.spans(device.id, cut)
        ]

    def spans(self, device_id: str, days: Days) -> Sequence[DoorSpan]:
        """The dated doors of one device during some of the days."""
        cuts = ((door, door.days.overlap(days)) for door in self.doors_of_device(device_id))
        return [DoorSpan(door, cut) for door, cut in cuts if cut]


def _on(memberships: Iterable[Membership], day: date) -> str | None:
    return next((m.group for m in memberships if day in m.days), None)


def _find(field: str, value: str, known: Mapping[str, T]) -> T:
    try:
        return known[value]
    except KeyError:
        raise UnknownPlace(
            field, value, tuple(difflib.get_close_matches(value, known, n=3))
        ) from None

"""Loads a site's folder of CSV tables and refuses nonsense, naming every mistake."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from smartbin.core.errors import BadInput
from smartbin.facts.events import Category
from smartbin.places import (
    Community,
    CommunityKind,
    Device,
    DeviceKind,
    Door,
    Membership,
    PlainBin,
    Registry,
    Site,
)
from smartbin.places.tables import Mistakes, TableRow, disjoint, known, read, unique


def load(folder: Path) -> Registry:
    """The registry of a folder; raises BadInput with one mistake a line (50 at most)."""
    if not folder.is_dir():
        raise BadInput(f"{folder} is not a folder: SMARTBIN_SITE names the registry's folder")
    m = Mistakes()
    sites = [_site(r) for r in read(folder, "site.csv", _SITE, m)]
    communities = [(r, _community(r)) for r in read(folder, "communities.csv", _COMMUNITY, m)]
    devices = [(r, _device(r)) for r in read(folder, "devices.csv", _DEVICE, m)]
    doors = [(r, _door(r)) for r in read(folder, "doors.csv", _DOOR, m)]
    memberships = [
        (r, Membership(r.id("bin"), r.id("community"), r.days()))
        for r in read(folder, "memberships.csv", ("bin", "community", "from", "to"), m)
    ]
    services = [
        (r, Membership(r.id("community"), r.id("collection_point"), r.days()))
        for r in read(folder, "services.csv", ("community", "collection_point", "from", "to"), m)
    ]
    plain_bins = [(r, _plain_bin(r)) for r in read(folder, "plain_bins.csv", _PLAIN, m)]

    if len(sites) != 1 and "site.csv" not in m.unreadable:
        m.add("site.csv", f"{len(sites)} sites", "a folder describes exactly one")
    unique([(r, c.id) for r, c in communities], "community", m)
    unique([(r, d.id) for r, d in devices], "device", m)
    unique([(r, b.id) for r, b in plain_bins], "plain bin", m)
    kinds = {d.id: d.kind for _, d in devices}
    community_ids = {c.id for _, c in communities}
    _check_references(kinds, community_ids, doors, memberships, services, plain_bins, m)
    disjoint([(r, f"{d.device}/{d.id}", d.days) for r, d in doors], "door", m)
    disjoint([(r, x.member, x.days) for r, x in memberships], "membership of", m)
    disjoint([(r, x.member, x.days) for r, x in services], "service of", m)
    if not m.unreadable & {"devices.csv", "doors.csv", "memberships.csv"}:
        _check_complete(devices, [d for _, d in doors], {x.member for _, x in memberships}, m)
    if m.found:
        raise BadInput("\n".join(m.found))
    return Registry(
        sites[0],
        [c for _, c in communities],
        [d for _, d in devices],
        [d for _, d in doors],
        [b for _, b in plain_bins],
        [x for _, x in memberships],
        [x for _, x in services],
    )


_GOALS = ("goal_communities", "goal_bins", "goal_collection_points", "goal_plain_bins")
_SITE = ("id", "name", "zone", *_GOALS)
_COMMUNITY = ("id", "name", "kind", "grid", "households", "placeholder", "x_m", "y_m")
_DEVICE = ("id", "kind", "name", "x_m", "y_m", "from", "to")
_MEASURES = ("capacity_l", "depth_mm", "offset_mm", "full_pct", "overfull_pct")
_DOOR = ("device", "door", "category", *_MEASURES, "from", "to")
_PLAIN = ("id", "community", "category", "capacity_l")


def _site(r: TableRow) -> Site:
    goals = [r.number(goal, 0, 1_000_000) for goal in _GOALS]
    name = r.text("zone")
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        r.mistakes.add(r.where, f"zone {name[:40]!r} is unknown", "use a name as Asia/Shanghai")
        zone = ZoneInfo("UTC")
    return Site(r.id("id"), r.text("name"), zone, *goals)


def _community(r: TableRow) -> Community:
    return Community(
        r.id("id"),
        r.text("name"),
        r.choice("kind", CommunityKind),
        r.text("grid"),
        r.number("households", 1, 1_000_000),
        r.yes("placeholder"),
        r.number("x_m", -10_000_000, 10_000_000),
        r.number("y_m", -10_000_000, 10_000_000),
    )


def _device(r: TableRow) -> Device:
    x_m, y_m = r.number("x_m", -10_000_000, 10_000_000), r.number("y_m", -10_000_000, 10_000_000)
    return Device(r.id("id"), r.choice("kind", DeviceKind), r.text("name"), x_m, y_m, r.days())


def _door(r: TableRow) -> Door:
    door = Door(
        r.id("device"),
        r.id("door"),
        r.choice("category", Category),
        r.number("capacity_l", 1, 1_000_000),
        r.number("depth_mm", 1, 100_000),
        r.number("offset_mm", 0, 100_000),
        r.number("full_pct", 1, 100),
        r.number("overfull_pct", 1, 100),
        r.days(),
    )
    if door.overfull_pct < door.full_pct:
        r.mistakes.add(r.where, "overfull_pct is below full_pct", "make it the higher of the two")
    return door


def _plain_bin(r: TableRow) -> PlainBin:
    category = r.choice("category", Category)
    return PlainBin(r.id("id"), r.id("community"), category, r.number("capacity_l", 1, 100_000))


def _check_complete(
    devices: list[tuple[TableRow, Device]], doors: list[Door], homes: set[str], m: Mistakes
) -> None:
    """A device has a door of every category that doors of its kind take at this site: a bin of
    four among bins of four that lacks one is a lost line. A bin belongs somewhere.
    """
    kinds = {device.id: device.kind for _, device in devices}
    taken: dict[str, set[Category]] = {device: set() for device in kinds}
    usual: dict[DeviceKind, set[Category]] = {kind: set() for kind in DeviceKind}
    for door in doors:
        if door.device in kinds:
            taken[door.device].add(door.category)
            usual[kinds[door.device]].add(door.category)
    for r, device in devices:
        lost = [c.value for c in Category if c in usual[device.kind] - taken[device.id]]
        if not taken[device.id]:
            m.add(r.where, f"device {device.id} has no door", "add its doors to doors.csv")
        elif lost:
            what = f"device {device.id} has no door for {', '.join(lost)}, as others of its kind do"
            m.add(r.where, what, "add it to doors.csv")
        if device.kind is DeviceKind.BIN and device.id not in homes:
            what = f"bin {device.id} belongs to no community"
            m.add(r.where, what, "add a line to memberships.csv")


def _check_references(
    kinds: dict[str, DeviceKind],
    communities: set[str],
    doors: list[tuple[TableRow, Door]],
    memberships: list[tuple[TableRow, Membership]],
    services: list[tuple[TableRow, Membership]],
    plain_bins: list[tuple[TableRow, PlainBin]],
    m: Mistakes,
) -> None:
    """Everything named stands in its table. A table that could not be read is one mistake already:
    what names its rows is not judged.
    """
    bins = {d for d, kind in kinds.items() if kind is DeviceKind.BIN}
    points = set(kinds) - bins
    if "devices.csv" not in m.unreadable:
        for row, door in doors:
            known(row, "device", door.device, kinds.__contains__, "devices.csv")
        for row, home in memberships:
            known(row, "bin", home.member, bins.__contains__, "devices.csv as a bin")
        for row, service in services:
            where = "devices.csv as a collection_point"
            known(row, "collection_point", service.group, points.__contains__, where)
    if "communities.csv" not in m.unreadable:
        named = [
            *((row, home.group) for row, home in memberships),
            *((row, service.member) for row, service in services),
            *((row, plain.community) for row, plain in plain_bins),
        ]
        for row, community in named:
            known(row, "community", community, communities.__contains__, "communities.csv")


def warnings(registry: Registry) -> list[str]:
    """What is allowed and looks like a mistake: places of one name."""
    same: dict[tuple[str, str], list[str]] = {}
    for community in registry.communities.values():
        same.setdefault(("communities.csv", community.name), []).append(community.id)
    for device in registry.devices.values():
        same.setdefault(("devices.csv", device.name), []).append(device.id)
    return [
        f"{file}: {len(ids)} places are called {name!r} ({', '.join(ids[:5])}"
        f"{', ...' if len(ids) > 5 else ''}); give each a name of its own"
        for (file, name), ids in same.items()
        if len(ids) > 1
    ]

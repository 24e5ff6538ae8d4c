"""The site, and its collection points as they are now."""

from __future__ import annotations

from fastapi import APIRouter

from api.devices.detail import doors_now
from api.parts import PartsDep
from api.places import schemas
from api.security import PUBLIC, CrewDep
from smartbin.core.calendar import Days
from smartbin.places import DeviceKind

router = APIRouter(prefix="/api/v1")


@router.get("/site", tags=["site"], dependencies=[PUBLIC])
def site(parts: PartsDep) -> schemas.SiteOut:
    """Show the site, and every device with its doors."""
    registry, today = parts.registry, parts.today()
    kinds = [device.kind for device in registry.devices.values()]
    return schemas.SiteOut(
        id=registry.site.id,
        name=registry.site.name,
        zone=registry.site.zone.key,
        communities=len(registry.communities),
        bins=kinds.count(DeviceKind.BIN),
        collection_points=kinds.count(DeviceKind.COLLECTION_POINT),
        plain_bins=len(registry.plain_bins),
        devices=[
            schemas.SiteDevice(
                id=device.id,
                kind=device.kind,
                name=device.name,
                community=registry.community_of(device.id, today),
                doors=sorted({door.id for door in registry.doors_of_device(device.id)}),
            )
            for device in registry.devices.values()
        ],
    )


@router.get("/collection-points", tags=["collection points"])
def collection_points(parts: PartsDep, who: CrewDep) -> schemas.CollectionPoints:
    """List collection points, the communities and bins they serve, and their doors."""
    today = parts.today()
    days = Days(today, today)
    points = parts.registry.collection_points_in(who.scope, today)
    doors = doors_now(parts, [point for point, _ in points])
    rows = [
        schemas.CollectionPoint(
            id=point.id,
            name=point.name,
            x_m=point.x_m,
            y_m=point.y_m,
            communities=[c.id for c in served],
            bins=[bin.id for c in served for bin, _ in parts.registry.bins_of(c.id, days)],
            doors=doors[point.id],
        )
        for point, served in points
    ]
    return schemas.CollectionPoints(collection_points=rows)

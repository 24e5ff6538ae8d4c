"""How other places than communities sorted: the site, what a collection point serves, a device."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from api.errors import Problem, documented
from api.parts import PartsDep
from api.security import CREW, PUBLIC
from api.sorting import statistics
from api.sorting.schemas import PlaceKind, Sorting
from api.sorting.statistics import Place, QuestionDep
from smartbin.core.calendar import Days
from smartbin.places import DeviceKind

router = APIRouter(prefix="/api/v1")


@router.get(
    "/site/sorting",
    tags=["site"],
    dependencies=[PUBLIC],
    response_model=Sorting,
)
def site_sorting(parts: PartsDep, asked: QuestionDep) -> Sorting | Response:
    """Sorting statistics of the whole site; `community` is the site's id."""

    def place(days: Days) -> Place:
        members = [(id, days) for id in parts.registry.communities]
        site = parts.registry.site.id
        return statistics.of_communities(parts.registry, PlaceKind.SITE, site, members)

    return statistics.sorting(parts, place, asked)


@router.get(
    "/collection-points/{device}/sorting",
    tags=["collection points"],
    dependencies=[CREW],
    responses=documented(404),
    response_model=Sorting,
)
def point_sorting(parts: PartsDep, device: str, asked: QuestionDep) -> Sorting | Response:
    """Sorting statistics of the communities that a collection point served, while it did. For the
    point's own doors ask for the device.
    """
    if parts.registry.device(device).kind is not DeviceKind.COLLECTION_POINT:
        detail = f"{device} is a bin; ask GET /api/v1/devices/{device}/sorting"
        raise Problem(404, "unknown-place", detail, parameter="device")

    def place(days: Days) -> Place:
        members = [(c.id, cut) for c, cut in parts.registry.communities_of(device, days)]
        kind = PlaceKind.COLLECTION_POINT
        return statistics.of_communities(parts.registry, kind, device, members)

    return statistics.sorting(parts, place, asked)


@router.get(
    "/devices/{device}/sorting",
    tags=["devices"],
    dependencies=[CREW],
    responses=documented(404),
    response_model=Sorting,
)
def device_sorting(parts: PartsDep, device: str, asked: QuestionDep) -> Sorting | Response:
    """Sorting statistics of one device."""
    return statistics.sorting(
        parts, lambda days: statistics.of_device(parts.registry, device, days), asked
    )

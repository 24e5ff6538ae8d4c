"""Communities: what there is, how each sorts, and how they compare."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.errors import documented
from api.parts import PartsDep
from api.security import PUBLIC
from api.sorting import statistics
from api.sorting.schemas import Sorting
from api.sorting.statistics import QuestionDep
from api.tables import Format, FormatQuery, csv_response
from smartbin.core.calendar import Days
from smartbin.places import CommunityKind, Registry

router = APIRouter(prefix="/api/v1/communities", tags=["communities"], dependencies=[PUBLIC])


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


@router.get("", response_model=Communities)
def communities(parts: PartsDep, format: FormatQuery = Format.JSON) -> Communities | Response:
    """List communities, showcases first, in the registry's order."""
    rows = [_community(parts.registry, id, parts.today()) for id in parts.registry.communities]
    if format is Format.CSV:
        columns = [name for name in CommunityOut.model_fields if name != "bins"]
        return csv_response(
            columns, [row.model_dump(exclude={"bins"}) for row in rows], "communities"
        )
    return Communities(communities=rows)


@router.get("/{community}", responses=documented(404))
def community(parts: PartsDep, community: str) -> CommunityOut:
    """Show one community."""
    parts.registry.community(community)
    return _community(parts.registry, community, parts.today())


@router.get("/{community}/sorting", responses=documented(404), response_model=Sorting)
def sorting(parts: PartsDep, community: str, asked: QuestionDep) -> Sorting | Response:
    """Sorting statistics of a community, each figure with the evidence behind it."""
    return statistics.sorting(
        parts, lambda days: statistics.of_community(parts.registry, community, days), asked
    )


def _community(registry: Registry, id: str, today: date) -> CommunityOut:
    place = registry.communities[id]
    bins = [device.id for device, _ in registry.bins_of(id, Days(today, today))]
    return CommunityOut(
        id=place.id,
        name=place.name,
        kind=place.kind,
        grid=place.grid,
        households=place.households,
        placeholder=place.placeholder,
        x_m=place.x_m,
        y_m=place.y_m,
        bins=bins,
        collection_point=registry.collection_point_of(bins[0], today) if bins else None,
    )

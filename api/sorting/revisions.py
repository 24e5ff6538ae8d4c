"""What was published of past days, and what late data and verdicts changed since."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.errors import documented
from api.paging import CursorOf, Next, Paging, Whole
from api.parts import Parts, PartsDep
from api.security import PUBLIC
from api.tables import Format, FormatQuery, csv_response
from api.windows import Window
from smartbin.facts.events import Category
from smartbin.sorting.revisions import Revision

router = APIRouter(prefix="/api/v1", tags=["communities"], dependencies=[PUBLIC])
ROWS_MAX = 1_000
NAMES = ("deposits", "weight_g", "judged", "correct")
Published = dict[Category, dict[str, int]]


class RevisionOut(BaseModel):
    """A day's counts as published. ``changed`` is what is more or less than in the revision
    before, by category; empty in the first.
    """

    day: date
    revision: int = Field(examples=[2])
    as_of: datetime
    figures: Published = Field(
        examples=[{"kitchen": {"deposits": 31, "weight_g": 37_200, "judged": 30, "correct": 28}}]
    )
    changed: Published = Field(examples=[{"kitchen": {"deposits": 1, "weight_g": 1_200}}])

    @classmethod
    def of(cls, parts: Parts, revision: Revision) -> RevisionOut:
        """From the records."""
        return cls(
            day=revision.of.day,
            revision=revision.revision,
            as_of=parts.local(revision.as_of_us),
            figures={Category(kind): dict(c) for kind, c in revision.figures.items()},
            changed={Category(kind): dict(c) for kind, c in revision.changed.items()},
        )


class RevisionsOut(BaseModel):
    """What was published, the newest first."""

    community: str
    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    revisions: list[RevisionOut]
    next: Next


class RevisionPosition(NamedTuple):
    """A revision by when it was published, its day and its number."""

    as_of_us: Whole
    day: Whole
    revision: Whole


@router.get(
    "/communities/{community}/revisions",
    responses=documented(404),
    response_model=RevisionsOut,
)
def revisions(
    parts: PartsDep,
    community: str,
    window: Window,
    paging: Annotated[Paging[RevisionPosition], Depends(CursorOf(RevisionPosition))],
    limit: Annotated[int, Query(ge=1, le=ROWS_MAX, description="rows of a page")] = ROWS_MAX,
    format: FormatQuery = Format.JSON,
) -> RevisionsOut | Response:
    """List when each past day's figures were published, and what changed them since."""
    parts.registry.community(community)
    found = parts.stores.revisions.of(community, window, limit + 1, paging.after)
    page, following = paging.cut(found, limit, _position)
    rows = [RevisionOut.of(parts, revision) for revision in page]
    if format is Format.CSV:
        return _table(rows, community, paging.link(following))
    return RevisionsOut(
        community=community,
        first=window.first,
        last=window.last,
        revisions=rows,
        next=following,
    )


def _position(revision: Revision) -> RevisionPosition:
    day = revision.of.day.toordinal()
    return RevisionPosition(revision.as_of_us, day, revision.revision)


def _table(rows: list[RevisionOut], community: str, link: Mapping[str, str]) -> Response:
    """A row a revision and category."""
    columns = ["day", "revision", "as_of", "category", *NAMES, *(f"{n}_changed" for n in NAMES)]
    table = [
        {
            "day": row.day,
            "revision": row.revision,
            "as_of": row.as_of.isoformat(),
            "category": kind,
            **counts,
            **{f"{n}_changed": row.changed.get(kind, {}).get(n, 0) for n in NAMES},
        }
        for row in rows
        for kind, counts in row.figures.items()
    ]
    return csv_response(columns, table, f"revisions-{community}", link)

"""How much of the plan stands today, and what is missing."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.parts import PartsDep
from api.security import PUBLIC
from api.tables import Format, FormatQuery, csv_response
from smartbin.facts.events import Category
from smartbin.places.coverage import Missing, Promise, coverage

router = APIRouter(prefix="/api/v1", tags=["site"], dependencies=[PUBLIC])


class MissingOut(BaseModel):
    """A community that lacks bins of some categories (or plain bins), or a device that is out of
    service.
    """

    id: str = Field(examples=["bin-017"])
    name: str = Field(examples=["17号箱"])
    lacks: list[Category]

    @classmethod
    def of(cls, missing: Missing) -> MissingOut:
        """From the rule's value."""
        return cls(id=missing.id, name=missing.name, lacks=list(missing.lacks))


class CoverageOut(BaseModel):
    """One promise of the plan: ``have`` of ``goal``."""

    promise: Promise
    have: int = Field(examples=[38])
    goal: int = Field(examples=[39])
    share: float | None = Field(description="have / goal, at most 1", examples=[0.974])
    short: int = Field(description="missing and not in the registry by name", examples=[0])
    missing: list[MissingOut]


class SiteCoverage(BaseModel):
    """The plan's promises on a day."""

    day: date
    coverage: list[CoverageOut]


@router.get("/site/coverage", response_model=SiteCoverage)
def site_coverage(parts: PartsDep, format: FormatQuery = Format.JSON) -> SiteCoverage | Response:
    """Compare the site with the plan: what is there today, and what is missing by name."""
    found = coverage(parts.registry, parts.today())
    if format is Format.CSV:
        columns = ("promise", "have", "goal", "short", "missing")
        rows = [
            {
                "promise": c.promise,
                "have": c.have,
                "goal": c.goal,
                "short": c.short,
                "missing": " ".join(missing.id for missing in c.missing),
            }
            for c in found
        ]
        return csv_response(columns, rows, "coverage")
    return SiteCoverage(
        day=parts.today(),
        coverage=[
            CoverageOut(
                promise=c.promise,
                have=c.have,
                goal=c.goal,
                share=min(1.0, c.have / c.goal) if c.goal else None,
                short=c.short,
                missing=[MissingOut.of(missing) for missing in c.missing],
            )
            for c in found
        ],
    )

"""Who takes part: households of a community, and what of its deposits no household is known for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.errors import Problem, documented
from api.parts import Parts, PartsDep
from api.security import PUBLIC
from api.sorting import statistics
from api.sorting.schemas import PlaceKind, RateOut
from api.sorting.statistics import Place
from api.tables import Format, FormatQuery, csv_response
from api.windows import Window
from smartbin.accounts.rules import AccountKind
from smartbin.core.calendar import Days
from smartbin.sorting.households import NOBODY, Households, holders, together, took_part
from smartbin.sorting.rules.participation import participation
from smartbin.sorting.rules.sufficiency import InsufficientWhy

router = APIRouter(prefix="/api/v1", dependencies=[PUBLIC])
# Distinct households cannot be summed from days: each window is counted from its deposits.
DAYS_MAX = 92


def counted(window: Window) -> Days:
    """The window, when it is short enough to be counted."""
    if len(window) > DAYS_MAX:
        detail = f"{len(window)} days; participation is counted for at most {DAYS_MAX} at a time"
        raise Problem(422, "bad-input", detail, parameter="from")
    return window


CountedDays = Annotated[Days, Depends(counted)]
DaysMin = Annotated[
    int | None,
    Query(
        ge=1, le=DAYS_MAX, description="regular: on at least this many days; the site's by default"
    ),
]


class DepositsBy(BaseModel):
    """The deposits at a place's bins by whose card they name; they add up to ``total``."""

    total: int
    households: int
    enterprises: int
    unknown_card: int = Field(description="a card that no account held on that day")
    without_account: int = Field(description="no card at all")


class ParticipationOut(BaseModel):
    """Households that took part, of those registered."""

    community: str = Field(description="the place's id: of a community or the site")
    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    as_of: datetime
    households: int = Field(description="the denominator", examples=[443])
    accounts: int = Field(description="household accounts that held a card", examples=[430])
    took_part: int = Field(description="on at least one day", examples=[391])
    regular: int = Field(description="on at least days_min days", examples=[310])
    days_min: int = Field(examples=[4])
    participation: RateOut | None
    regular_participation: RateOut | None
    completeness: float | None
    insufficient: str | None
    insufficient_reason: InsufficientWhy | None
    deposits: DepositsBy


@router.get(
    "/communities/{community}/participation",
    tags=["communities"],
    responses=documented(404),
    response_model=ParticipationOut,
)
def community_participation(
    parts: PartsDep,
    community: str,
    window: CountedDays,
    days_min: DaysMin = None,
    format: FormatQuery = Format.JSON,
) -> ParticipationOut | Response:
    """Households of a community that took part, on at least `days_min` days, of those registered.

    A household takes part with a valid deposit. Deposits without an account are counted apart.
    """
    place = statistics.of_community(parts.registry, community, window)
    registered = {community: parts.registry.communities[community].households}
    return _answer(parts, place, registered, window, days_min, format)


@router.get(
    "/site/participation",
    tags=["site"],
    response_model=ParticipationOut,
)
def site_participation(
    parts: PartsDep,
    window: CountedDays,
    days_min: DaysMin = None,
    format: FormatQuery = Format.JSON,
) -> ParticipationOut | Response:
    """Participation of the whole site; may be a minute old (`as_of`)."""
    registry = parts.registry
    members = [(id, window) for id in registry.communities]
    place = statistics.of_communities(registry, PlaceKind.SITE, registry.site.id, members)
    registered = {c.id: c.households for c in registry.communities.values()}
    return _answer(parts, place, registered, window, days_min, format)


def everywhere(parts: Parts, window: Days) -> tuple[Mapping[str, Households], int]:
    """The households of every community, and as of when. All deposits of the days are read:
    remembered for a minute.
    """

    def read() -> Mapping[str, Households]:
        return took_part(parts.database, window, parts.limits.valid_weight_g)

    return parts.recent.of(("took part", window), parts.now_us(), read)


def _answer(
    parts: Parts,
    place: Place,
    registered: Mapping[str, int],
    window: Days,
    days_min: int | None,
    format: Format,
) -> ParticipationOut | Response:
    as_of_us = parts.now_us()
    if place.kind is PlaceKind.COMMUNITY:
        households = took_part(parts.database, window, parts.limits.valid_weight_g, place.id)
    else:
        households, as_of_us = everywhere(parts, window)
    own = together(households.get(id, NOBODY) for id in registered)
    read = statistics.read(parts, place, window, by_day=False)
    share = read.heard.total.share
    found = participation(
        sum(registered.values()),
        len(own.accounts),
        map(len, own.days_of.values()),
        share,
        replace(parts.limits, days_min=days_min or parts.limits.days_min),
    )
    why = found.insufficient
    deposits = sum(c.deposits for c in read.tally.total.values())
    said = ParticipationOut(
        community=place.id,
        first=window.first,
        last=window.last,
        as_of=parts.local(as_of_us),
        households=found.households,
        accounts=found.accounts,
        took_part=found.took_part,
        regular=found.regular,
        days_min=found.days_min,
        participation=RateOut.of(found.rate),
        regular_participation=RateOut.of(found.regular_rate),
        completeness=share,
        insufficient=str(why) if why else None,
        insufficient_reason=why.why if why else None,
        deposits=_deposits_by(parts, place, deposits),
    )
    return said if format is Format.JSON else _table(said)


def _deposits_by(parts: Parts, place: Place, total: int) -> DepositsBy:
    spans = [door.span for door in place.doors]
    by_kind = holders(parts.database, spans, parts.registry.site.zone)
    return DepositsBy(
        total=total,
        households=by_kind[AccountKind.HOUSEHOLD],
        enterprises=by_kind[AccountKind.ENTERPRISE],
        unknown_card=by_kind["unknown"],
        without_account=max(0, total - by_kind.total()),  # records may be a moment ahead
    )


def _table(said: ParticipationOut) -> Response:
    nested = ("deposits", "participation", "regular_participation")
    row = said.model_dump(exclude=set(nested), by_alias=True)
    for name, rate in (
        ("participation", said.participation),
        ("regular", said.regular_participation),
    ):
        row[f"{name}_rate"] = rate and rate.value
        row[f"{name}_low"], row[f"{name}_high"] = rate and rate.low, rate and rate.high
    row |= {f"deposits_{name}": count for name, count in said.deposits.model_dump().items()}
    return csv_response(row, [row], f"participation-{said.community}")

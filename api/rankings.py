"""How the communities compare: one measure, one question to each store for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.errors import documented
from api.parts import Parts, PartsDep
from api.security import PUBLIC
from api.sorting_schemas import InsufficientRow, Ranking, RankRow
from api.tables import Format, FormatQuery, model_csv
from api.windows import Window
from smartbin.calendar import Days
from smartbin.records.judgements import Judgements
from smartbin.registry import DoorSpan
from smartbin.sorting import completeness, counts
from smartbin.sorting.ranking import Measure, ranking, weighed
from smartbin.sorting.rates import Rate
from smartbin.sorting.sufficiency import Insufficient

router = APIRouter(prefix="/api/v1/communities", tags=["communities"], dependencies=[PUBLIC])
ORDER = (
    "by the lower end of the 95 % interval, most first; a rank is shared while the upper end "
    "reaches the lower end of the group's first"
)
DENOMINATORS = {
    Measure.ACCURACY: "judged deposits",
    Measure.KITCHEN_SEPARATION: "kitchen + residual weight_g",
    Measure.WEIGHT_PER_HOUSEHOLD: "households x days; value in weight_g",
}


@router.get("/ranking", responses=documented(422, 503), response_model=Ranking)
def communities_ranking(
    parts: PartsDep,
    window: Window,
    by: Annotated[Measure, Query(description="the measure; more is better")] = Measure.ACCURACY,
    format: FormatQuery = Format.JSON,
) -> Ranking | Response:
    """The communities by what the evidence supports; ties share a rank, the insufficient stand
    apart with their reason, showcases are marked by their kind.
    """
    found = _measured(parts, window, by)
    places = parts.registry.communities
    ranks = [
        RankRow(
            rank=r.rank,
            community=r.community,
            name=places[r.community].name,
            kind=places[r.community].kind,
            value=r.rate.value,
            low=r.rate.low,
            high=r.rate.high,
            n=r.rate.n,
        )
        for r in ranking({id: rate for id, rate in found.items() if isinstance(rate, Rate)})
    ]
    if format is Format.CSV:
        return model_csv(RankRow, ranks, f"ranking-{by}")
    return Ranking(
        by=by,
        first=window.first,
        last=window.last,
        as_of=parts.local(parts.now_us()),
        denominator=DENOMINATORS[by],
        order=ORDER,
        ranks=ranks,
        insufficient=[
            InsufficientRow(
                community=id,
                name=places[id].name,
                kind=places[id].kind,
                reason=str(why),
                insufficient_reason=why.why,
            )
            for id, why in found.items()
            if isinstance(why, Insufficient)
        ],
    )


def _measured(parts: Parts, window: Days, by: Measure) -> Mapping[str, Rate | Insufficient]:
    registry, today = parts.registry, parts.today()
    devices = {
        id: [(d.id, days) for d, days in registry.bins_of(id, window)]
        for id in registry.communities
    }
    doors = {
        id: [door for device, days in bins for door in registry.spans(device, days)]
        for id, bins in devices.items()
    }
    heard = _heard(parts, devices, window)
    tallies = _tallies(parts, doors, window)
    days = len(Days(window.first, min(window.last, today))) if window.first <= today else 0
    return {
        id: weighed(by, tallies[id].total, heard[id].share, place.households * days, parts.limits)
        for id, place in registry.communities.items()
    }


def _heard(
    parts: Parts, devices: Mapping[str, Sequence[tuple[str, Days]]], window: Days
) -> Mapping[str, completeness.Heard]:
    rows = parts.reader.presence({d for bins in devices.values() for d, _ in bins}, window)
    return completeness.heard_of(rows, devices, parts.now_us(), parts.registry.site.zone)


def _tallies(
    parts: Parts, doors: Mapping[str, Sequence[DoorSpan]], window: Days
) -> Mapping[str, counts.Tally]:
    asked = [(id, door) for id, spans in doors.items() for door in spans]
    totals = parts.reader.deposit_totals([door.span for _, door in asked], by_day=False)
    fixes = Judgements(parts.engine, parts.registry.site.zone).corrections(window)
    return counts.tallies(totals, doors, corrections=fixes)

"""How the communities compare: one measure, one question to each store for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.parts import Parts, PartsDep
from api.security import PUBLIC
from api.sorting import statistics
from api.sorting.participation import counted, everywhere
from api.sorting.schemas import (
    CommunitiesSorting,
    CommunitySorting,
    FiguresOut,
    InsufficientRow,
    Ranking,
    RankRow,
)
from api.tables import Format, FormatQuery, csv_response
from api.windows import Window
from smartbin.core.calendar import Days
from smartbin.places import DoorSpan
from smartbin.sorting.households import NOBODY
from smartbin.sorting.rules import completeness, counts, figures
from smartbin.sorting.rules.participation import HOUSEHOLDS, participation
from smartbin.sorting.rules.ranking import Measure, ranking, weighed
from smartbin.sorting.rules.rates import Rate
from smartbin.sorting.rules.sufficiency import Insufficient

router = APIRouter(prefix="/api/v1/communities", tags=["communities"], dependencies=[PUBLIC])


class Grain(StrEnum):
    """The grain of the figures of many places."""

    DAY = "day"
    TOTAL = "total"


ORDER = (
    "by the lower end of the 95 % interval, most first; a rank is shared while the upper end "
    "reaches the lower end of the group's first"
)
DENOMINATORS = {
    Measure.ACCURACY: "judged deposits",
    Measure.KITCHEN_SEPARATION: "kitchen + residual weight_g",
    Measure.PARTICIPATION: HOUSEHOLDS,
    Measure.WEIGHT_PER_HOUSEHOLD: "households x days; value in weight_g",
}


@router.get("/ranking", response_model=Ranking)
def communities_ranking(
    parts: PartsDep,
    window: Window,
    by: Annotated[Measure, Query(description="the measure; more is better")] = Measure.ACCURACY,
    format: FormatQuery = Format.JSON,
) -> Ranking | Response:
    """Rank communities by the lower end of the 95 % interval. Ties share a rank; communities
    without enough evidence are listed apart, with the reason.
    """
    heard, heard_us = _heard(parts, _devices(parts, window), window)
    found, found_us = _measured(parts, window, by, heard)
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
            completeness=heard[r.community].share,
        )
        for r in ranking({id: rate for id, rate in found.items() if isinstance(rate, Rate)})
    ]
    insufficient = [
        InsufficientRow(
            community=id,
            name=places[id].name,
            kind=places[id].kind,
            completeness=heard[id].share,
            reason=str(why),
            insufficient_reason=why.why,
        )
        for id, why in found.items()
        if isinstance(why, Insufficient)
    ]
    if format is Format.CSV:
        columns = [*RankRow.model_fields, "reason", "insufficient_reason"]
        rows = [row.model_dump() for row in (*ranks, *insufficient)]
        return csv_response(columns, rows, f"ranking-{by}")
    return Ranking(
        by=by,
        first=window.first,
        last=window.last,
        as_of=parts.local(min(heard_us, found_us)),
        denominator=DENOMINATORS[by],
        order=ORDER,
        ranks=ranks,
        insufficient=insufficient,
    )


@router.get("/sorting", response_model=CommunitiesSorting)
def communities_sorting(
    parts: PartsDep,
    window: Window,
    every: Annotated[Grain, Query(description="day: each day too")] = Grain.TOTAL,
    format: FormatQuery = Format.JSON,
) -> CommunitiesSorting | Response:
    """Sorting statistics of every community side by side. They may be a minute old (`as_of`)."""
    by_day = every is Grain.DAY
    devices = _devices(parts, window)
    doors = _doors(parts, devices)
    tallies = _tallies(parts, doors, window, by_day=by_day)
    rows = []
    summed, as_of_us = (None, parts.now_us()) if by_day else _heard(parts, devices, window)
    for id, place in parts.registry.communities.items():
        if summed is None:
            found = statistics.heard(parts, devices[id], window)
            hours, days = found.total, statistics.days(parts, tallies[id], found, window)
        else:
            hours, days = summed[id], []
        said = figures.figures(tallies[id].total, hours.share, parts.limits)
        total = FiguresOut.of(said, hours)
        row = CommunitySorting(
            community=id, name=place.name, kind=place.kind, total=total, days=days
        )
        rows.append(row)
    if format is Format.CSV:
        return _table(rows)
    return CommunitiesSorting(
        first=window.first,
        last=window.last,
        as_of=parts.local(as_of_us),
        communities=rows,
    )


def _table(rows: Sequence[CommunitySorting]) -> Response:
    """A row a community, or a row a community and day."""
    table: list[dict[str, Any]] = []
    for row in rows:
        named = {"community": row.community, "name": row.name}
        if row.days:
            table += [{**named, "day": day.day, **statistics.flat(day)} for day in row.days]
        else:
            table.append({**named, **statistics.flat(row.total)})
    return csv_response(table[0] if table else (), table, "communities-sorting")


def _measured(
    parts: Parts, window: Days, by: Measure, heard: Mapping[str, completeness.Heard]
) -> tuple[Mapping[str, Rate | Insufficient], int]:
    """The measure of each community, and as of when."""
    registry, today, now_us = parts.registry, parts.today(), parts.now_us()
    if by is Measure.PARTICIPATION:
        return _participations(parts, heard, counted(window))
    doors = _doors(parts, _devices(parts, window))
    tallies = _tallies(parts, doors, window, by_day=False)
    days = len(Days(window.first, min(window.last, today))) if window.first <= today else 0
    found = {
        id: weighed(by, tallies[id].total, heard[id].share, place.households * days, parts.limits)
        for id, place in registry.communities.items()
    }
    return found, now_us


Devices = Mapping[str, Sequence[tuple[str, Days]]]


def _devices(parts: Parts, window: Days) -> Devices:
    bins_of = parts.registry.bins_of
    return {
        id: [(d.id, days) for d, days in bins_of(id, window)] for id in parts.registry.communities
    }


def _doors(parts: Parts, devices: Devices) -> Mapping[str, Sequence[DoorSpan]]:
    spans = parts.registry.spans
    return {id: [s for d, days in bins for s in spans(d, days)] for id, bins in devices.items()}


def _participations(
    parts: Parts, heard: Mapping[str, completeness.Heard], window: Days
) -> tuple[Mapping[str, Rate | Insufficient], int]:
    households, as_of_us = everywhere(parts, window)
    found: dict[str, Rate | Insufficient] = {}
    for id, place in parts.registry.communities.items():
        own = households.get(id, NOBODY)
        days, share = map(len, own.days_of.values()), heard[id].share
        said = participation(place.households, len(own.accounts), days, share, parts.limits)
        if one := said.rate or said.insufficient:
            found[id] = one
    return found, as_of_us


def _heard(
    parts: Parts, devices: Devices, window: Days
) -> tuple[Mapping[str, completeness.Heard], int]:
    """How completely each community was heard, and as of when. A year is 14,000
    device-days: remembered for a minute.
    """
    now_us, zone = parts.now_us(), parts.registry.site.zone

    def read() -> Mapping[str, completeness.Heard]:
        named = {device for bins in devices.values() for device, _ in bins}
        rows = parts.reader.presence(named, window, now_us)
        return completeness.heard_of(rows, devices, now_us, zone)

    return parts.recent.of(("heard", window), now_us, read)


def _tallies(
    parts: Parts, doors: Mapping[str, Sequence[DoorSpan]], window: Days, *, by_day: bool
) -> Mapping[str, counts.Tally]:
    spans = [door.span for found in doors.values() for door in found]
    totals = parts.reader.deposit_totals(spans, by_day=by_day)
    fixes = parts.stores.verdicts.corrections(window)
    return counts.tallies(totals, doors, fixes, by_day=by_day)

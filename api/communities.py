"""Communities: what there is, how each sorts, and how they compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api import schemas
from api.errors import documented
from api.parts import Parts, PartsDep
from api.security import PUBLIC
from api.tables import Format, FormatQuery, csv_response
from api.windows import Window
from smartbin.calendar import Days
from smartbin.quarantine import Quarantine
from smartbin.registry import DoorSpan, Registry
from smartbin.sorting import completeness, counts, figures
from smartbin.sorting.limits import DEFAULT
from smartbin.sorting.rates import Rate
from smartbin.telemetry import DoorTotals

router = APIRouter(prefix="/api/v1/communities", tags=["communities"], dependencies=[PUBLIC])


class Every(StrEnum):
    """The grain of the answer."""

    DAY = "day"
    TOTAL = "total"


class By(StrEnum):
    """What communities are ranked by."""

    ACCURACY = "accuracy"


@router.get("", responses=documented(422), response_model=schemas.Communities)
def communities(
    parts: PartsDep, format: FormatQuery = Format.JSON
) -> schemas.Communities | Response:
    """All communities, the showcases first in the registry's order."""
    rows = [_community(parts.registry, id, parts.today()) for id in parts.registry.communities]
    if format is Format.CSV:
        return _csv([row.model_dump(exclude={"bins"}) for row in rows], "communities")
    return schemas.Communities(communities=rows)


@router.get("/ranking", responses=documented(422, 503), response_model=schemas.Ranking)
def ranking(
    parts: PartsDep,
    window: Window,
    by: Annotated[By, Query(description="the measure")] = By.ACCURACY,
    format: FormatQuery = Format.JSON,
) -> schemas.Ranking | Response:
    """The communities by what the evidence supports: the lower end of the 95 % interval."""
    rates, insufficient = _accuracies(parts, window)
    places = parts.registry.communities
    ranks = [
        schemas.RankRow(
            rank=r.rank,
            community=r.community,
            name=places[r.community].name,
            kind=places[r.community].kind,
            value=r.rate.value,
            low=r.rate.low,
            high=r.rate.high,
            n=r.rate.n,
        )
        for r in figures.ranking(rates)
    ]
    if format is Format.CSV:
        return _csv([row.model_dump() for row in ranks], "ranking")
    return schemas.Ranking(
        by=by,
        first=window.first,
        last=window.last,
        order="lower end of Wilson's 95 % interval",
        ranks=ranks,
        insufficient=[
            schemas.InsufficientRow(community=id, name=places[id].name, reason=why)
            for id, why in insufficient.items()
        ],
    )


@router.get("/{community}", responses=documented(404))
def community(parts: PartsDep, community: str) -> schemas.Community:
    """One community."""
    parts.registry.community(community)
    return _community(parts.registry, community, parts.today())


@router.get(
    "/{community}/sorting", responses=documented(404, 422, 503), response_model=schemas.Sorting
)
def sorting(
    parts: PartsDep,
    community: str,
    window: Window,
    every: Annotated[Every, Query(description="day: each day and the total")] = Every.DAY,
    format: FormatQuery = Format.JSON,
) -> schemas.Sorting | Response:
    """How a community sorted: each day and in all, with evidence beside every figure."""
    return sorted_by(parts, [community], community, window, every, format)


def sorted_by(
    parts: Parts, members: Sequence[str], name: str, window: Days, every: Every, format: Format
) -> schemas.Sorting | Response:
    """The sorting statistics of some communities together, under one name."""
    registry = parts.registry
    doors = [door for id in members for door in registry.doors_of_community(id, window)]
    spans = [door.span for door in doors]
    heard = _presence(parts, members, window)
    tally = counts.tally(
        parts.reader.deposit_totals(spans, by_day=every is Every.DAY),
        doors,
        by_day=every is Every.DAY,
    )
    days = _days(window, tally.by_day, heard) if every is Every.DAY else []
    if format is Format.CSV:
        return _csv([_flat(day) for day in days], f"sorting-{name}")
    share = heard.total.share
    items = counts.items(parts.reader.item_totals(spans))
    devices = {door.door.device for door in doors}
    return schemas.Sorting(
        community=name,
        first=window.first,
        last=window.last,
        days=days,
        total=schemas.FiguresOut.of(figures.figures(tally.total, share, DEFAULT), share),
        items=[
            schemas.ItemFigures(item=item, deposits=c.deposits, weight_g=c.weight_g)
            for item, c in sorted(items.items())
        ],
        silent_devices=list(heard.silent),
        missing_messages=sum(gap.missing for gap in heard.gaps.values()),
        quarantined=_quarantined(parts, devices),
    )


def _community(registry: Registry, id: str, today: date) -> schemas.Community:
    place = registry.communities[id]
    bins = [device.id for device, _ in registry.bins_of(id, Days(today, today))]
    return schemas.Community(
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


def _presence(parts: Parts, members: Sequence[str], window: Days) -> completeness.Presence:
    bins_of = parts.registry.bins_of
    devices = [(d.id, cut) for id in members for d, cut in bins_of(id, window)]
    rows = parts.reader.presence([id for id, _ in devices], completeness.around(window))
    return completeness.presence(rows, devices, parts.now_us(), parts.registry.site.zone)


def _days(
    window: Days,
    by_day: Mapping[date, counts.ByCategory],
    heard: completeness.Presence,
) -> list[schemas.DayFigures]:
    rows = []
    for day in window:
        share = heard.by_day[day].share if day in heard.by_day else None
        found = figures.figures(by_day.get(day, counts.complete({})), share, DEFAULT)
        shaped = schemas.FiguresOut.of(found, share)
        rows.append(schemas.DayFigures(day=day, **dict(shaped)))
    return rows


def _accuracies(parts: Parts, window: Days) -> tuple[dict[str, Rate], dict[str, str]]:
    """Each community's accuracy, or why there is none: one question to the store for all."""
    doors: dict[str, Sequence[DoorSpan]] = {
        id: parts.registry.doors_of_community(id, window) for id in parts.registry.communities
    }
    spans = [door.span for found in doors.values() for door in found]
    totals = parts.reader.deposit_totals(spans, by_day=False)
    by_door: dict[tuple[object, date], list[DoorTotals]] = {}
    for row in totals:
        by_door.setdefault((row.door, row.day), []).append(row)
    rates: dict[str, Rate] = {}
    insufficient: dict[str, str] = {}
    for id, found in doors.items():
        own = [t for d in found for t in by_door.get((d.door.key, d.days.first), [])]
        said = figures.figures(counts.tally(own, found, by_day=False).total, None, DEFAULT)
        if said.accuracy is None:
            insufficient[id] = said.insufficient or "nothing was judged"
        else:
            rates[id] = said.accuracy
    return rates, insufficient


def _quarantined(parts: Parts, devices: set[str]) -> int:
    kept = Quarantine(parts.quarantine).counts()
    return sum(count for (device, _), count in kept.items() if device in devices)


def _flat(day: schemas.DayFigures) -> dict[str, object]:
    row: dict[str, object] = {
        "day": day.day,
        "deposits": day.deposits,
        "weight_g": day.weight_g,
        "judged": day.judged,
        "correct": day.correct,
        "accuracy": day.accuracy and day.accuracy.value,
        "accuracy_low": day.accuracy and day.accuracy.low,
        "accuracy_high": day.accuracy and day.accuracy.high,
        "completeness": day.completeness,
    }
    for kind, one in day.by_category.items():
        row[f"{kind}_deposits"] = one.deposits
        row[f"{kind}_weight_g"] = one.weight_g
    return row


def _csv(rows: list[dict[str, object]], name: str) -> Response:
    return csv_response(rows[0] if rows else (), rows, name)

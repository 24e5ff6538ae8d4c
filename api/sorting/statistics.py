"""How a place sorted: whatever the place, read and shaped the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Query
from starlette.responses import Response

from api.parts import Parts
from api.sorting.schemas import (
    ChangeOut,
    Compare,
    Comparison,
    DayFigures,
    Every,
    FiguresOut,
    FocusFigures,
    ItemFigures,
    PeriodFigures,
    PlaceKind,
    Sorting,
)
from api.tables import Format, FormatQuery, csv_response
from api.windows import Window
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.facts.events import Category
from smartbin.places import DoorSpan, Registry
from smartbin.sorting.rules import completeness, counts, figures
from smartbin.sorting.rules.comparison import compare
from smartbin.sorting.rules.figures import Figures
from smartbin.sorting.rules.limits import Limits

_NOTHING = counts.complete({})


@dataclass(frozen=True, slots=True)
class Question:
    """The days asked for, in what grain, compared with what, answered how."""

    days: Days
    every: Every = Every.DAY
    compare: Compare | None = None
    format: Format = Format.JSON


def question(
    window: Window,
    every: Annotated[Every, Query(description="the grain; the total is always there")] = Every.DAY,
    compare: Annotated[
        Compare | None,
        Query(description="previous: as many days directly before; last_year: the same dates"),
    ] = None,
    format: FormatQuery = Format.JSON,
) -> Question:
    """The question that every address of sorting statistics takes."""
    return Question(window, every, compare, format)


QuestionDep = Annotated[Question, Depends(question)]


@dataclass(frozen=True, slots=True)
class Place:
    """What to sum over: dated doors, and the dated devices that should be heard."""

    kind: PlaceKind
    id: str
    doors: Sequence[DoorSpan]
    devices: Sequence[tuple[str, Days]]


def of_communities(
    registry: Registry, kind: PlaceKind, id: str, members: Sequence[tuple[str, Days]]
) -> Place:
    """The bins of some communities, each during its days."""
    devices = [(d.id, cut) for name, days in members for d, cut in registry.bins_of(name, days)]
    doors = [door for device, cut in devices for door in registry.spans(device, cut)]
    return Place(kind, id, doors, devices)


def of_community(registry: Registry, community: str, days: Days) -> Place:
    """The bins of one community."""
    registry.community(community)
    return of_communities(registry, PlaceKind.COMMUNITY, community, [(community, days)])


def of_device(registry: Registry, device: str, days: Days) -> Place:
    """One device while it was in service."""
    cut = registry.device(device).days.overlap(days)
    if cut is None:
        return Place(PlaceKind.DEVICE, device, [], [])
    return Place(PlaceKind.DEVICE, device, registry.spans(device, cut), [(device, cut)])


@dataclass(frozen=True, slots=True)
class Read:
    """What the stores say of a place in a window."""

    tally: counts.Tally
    heard: completeness.Presence

    def of(self, days: Days) -> tuple[counts.ByCategory, completeness.Heard]:
        """The counts of some of the days, and how completely they were heard."""
        by_day, heard = self.tally.by_day, self.heard.by_day
        hours = sum((heard[d] for d in days if d in heard), completeness.NOTHING)
        return counts.merge(by_day[d] for d in days if d in by_day), hours

    def figures(self, limits: Limits) -> Figures:
        """The figures of the whole window."""
        return figures.figures(self.tally.total, self.heard.total.share, limits)


def read(parts: Parts, place: Place, days: Days, *, by_day: bool) -> Read:
    """Ask the stores: sums, what people judged, and what was heard."""
    names = [id for id, _ in place.devices]
    tally = counts.tally(
        parts.reader.deposit_totals([door.span for door in place.doors], by_day=by_day),
        place.doors,
        corrections=parts.stores.verdicts.corrections(days, names),
        by_day=by_day,
    )
    return Read(tally, heard(parts, place.devices, days))


def heard(parts: Parts, devices: Sequence[tuple[str, Days]], days: Days) -> completeness.Presence:
    """What was heard from some dated devices."""
    names = [id for id, _ in devices]
    now_us, zone = parts.now_us(), parts.registry.site.zone
    rows = parts.reader.presence(names, completeness.around(days), now_us)

    def counters(device: str, day: date) -> Sequence[int]:
        window = calendar.bounds_us(Days(day, day), zone)
        return parts.reader.counters(device, *window, completeness.COUNTERS_MAX)

    return completeness.presence(rows, devices, now_us, zone, counters)


def sorting(parts: Parts, place_of: Callable[[Days], Place], asked: Question) -> Sorting | Response:
    """The statistics of a place, which its days make, as JSON or as a table."""
    place = place_of(asked.days)
    found = read(parts, place, asked.days, by_day=asked.every is not Every.TOTAL)
    if asked.format is Format.CSV:
        return _table(parts, found, asked, place)
    said = found.figures(parts.limits)
    items = counts.items(parts.reader.item_totals([door.span for door in place.doors]))
    recyclable_g = found.tally.total[Category.RECYCLABLE].weight_g
    return Sorting(
        community=place.id,
        place=place.kind,
        first=asked.days.first,
        last=asked.days.last,
        as_of=parts.local(parts.now_us()),
        revision=_revision(parts, place, asked.days),
        days=days(parts, found.tally, found.heard, asked.days) if asked.every is Every.DAY else [],
        periods=list(_periods(parts, found, asked)),
        total=FiguresOut.of(said, found.heard.total),
        items=[
            ItemFigures(item=item, deposits=c.deposits, weight_g=c.weight_g)
            for item, c in sorted(items.items())
        ],
        focus={
            item: FocusFigures.of(counted, share)
            for item, (counted, share) in figures.focus(
                items, recyclable_g, found.heard.total.share, parts.limits
            ).items()
        },
        comparison=_comparison(parts, said, place_of, asked),
        **_evidence(parts, found, asked.days, place.devices),
    )


def _revision(parts: Parts, place: Place, window: Days) -> int | None:
    """Figures are published by community; the site's are theirs."""
    if place.kind not in (PlaceKind.COMMUNITY, PlaceKind.SITE):
        return None
    community = place.id if place.kind is PlaceKind.COMMUNITY else None
    return parts.stores.revisions.highest(community, window)


def days(
    parts: Parts, tally: counts.Tally, found: completeness.Presence, window: Days
) -> list[DayFigures]:
    """The figures of each day of a window."""
    by_day = found.by_day
    rows = []
    for day in window:
        hours = by_day.get(day, completeness.NOTHING)
        said = figures.figures(tally.by_day.get(day, _NOTHING), hours.share, parts.limits)
        rows.append(DayFigures(day=day, **dict(FiguresOut.of(said, hours))))
    return rows


def _periods(parts: Parts, found: Read, asked: Question) -> Iterator[PeriodFigures]:
    cut = {Every.WEEK: calendar.weeks, Every.MONTH: calendar.months}.get(asked.every)
    for days in cut(asked.days) if cut else ():
        counted, hours = found.of(days)
        said = FiguresOut.of(figures.figures(counted, hours.share, parts.limits), hours)
        yield PeriodFigures(first=days.first, last=days.last, **dict(said))


def _comparison(
    parts: Parts, now: Figures, place_of: Callable[[Days], Place], asked: Question
) -> Comparison | None:
    if asked.compare is None:
        return None
    days = _earlier(asked.compare, asked.days)
    found = read(parts, place_of(days), days, by_day=False)
    then = found.figures(parts.limits)
    changes = compare(now, then)
    return Comparison(
        compare=asked.compare,
        first=days.first,
        last=days.last,
        total=FiguresOut.of(then, found.heard.total),
        deposits=changes.deposits,
        weight_g=changes.weight_g,
        accuracy=ChangeOut.of(changes.accuracy),
        kitchen_separation=changes.kitchen_separation,
        diversion=changes.diversion,
    )


def _earlier(which: Compare, days: Days) -> Days:
    return calendar.year_before(days) if which is Compare.LAST_YEAR else days.shifted(-len(days))


def _evidence(
    parts: Parts, found: Read, window: Days, devices: Sequence[tuple[str, Days]]
) -> dict[str, Any]:
    """What the whole window lacks, as names and columns have it."""
    gaps = found.heard.gaps.values()
    return {
        "silent_devices": list(found.heard.silent),
        "missing_messages": sum(gap.missing for gap in gaps),
        "unordered_days": sum(gap.unordered_days for gap in gaps),
        "quarantined": parts.refusals.of([id for id, _ in devices], window),
    }


def _table(parts: Parts, found: Read, asked: Question, place: Place) -> Response:
    """A row a day or period with the figures side by side; one row when only the total is asked."""
    rows: list[dict[str, Any]]
    if asked.every is Every.DAY:
        every = days(parts, found.tally, found.heard, asked.days)
        rows = [{"day": row.day, **flat(row)} for row in every]
    else:
        total = FiguresOut.of(found.figures(parts.limits), found.heard.total)
        first, last = asked.days.first, asked.days.last
        whole = PeriodFigures(first=first, last=last, **dict(total))
        periods = list(_periods(parts, found, asked)) or [whole]
        rows = [{"from": row.first, "to": row.last, **flat(row)} for row in periods]
        if asked.every is Every.TOTAL:
            rows[0] |= _evidence(parts, found, asked.days, place.devices)
            rows[0]["silent_devices"] = " ".join(rows[0]["silent_devices"])
    return csv_response(rows[0], rows, f"sorting-{place.id}")


def flat(said: FiguresOut) -> dict[str, Any]:
    """The figures side by side, as a row of a table."""
    row: dict[str, Any] = {
        "deposits": said.deposits,
        "weight_g": said.weight_g,
        "judged": said.judged,
        "correct": said.correct,
        "accuracy": said.accuracy and said.accuracy.value,
        "accuracy_low": said.accuracy and said.accuracy.low,
        "accuracy_high": said.accuracy and said.accuracy.high,
        "completeness": said.completeness,
        "device_hours_heard": said.device_hours_heard,
        "device_hours_expected": said.device_hours_expected,
        "insufficient": said.insufficient,
        "kitchen_separation": said.kitchen_separation and said.kitchen_separation.value,
        "kitchen_of_all": said.kitchen_of_all and said.kitchen_of_all.value,
        "diversion": said.diversion and said.diversion.value,
    }
    for kind, one in said.by_category.items():
        row[f"{kind}_deposits"] = one.deposits
        row[f"{kind}_weight_g"] = one.weight_g
        row[f"{kind}_share"] = one.share
        row[f"{kind}_judged"] = one.judged
        row[f"{kind}_correct"] = one.correct
        row[f"{kind}_accuracy"] = one.accuracy and one.accuracy.value
    return row

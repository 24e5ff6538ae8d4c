"""The whole numbers every statistic is made from: what was put where, per category and day.

Pure sums of what the store answered, corrected by what people judged. Sums are exact and do not
care for order, so days add up to weeks, doors to communities, categories to the whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from smartbin.core.calendar import Days
from smartbin.facts.events import Category, DoorKey, Item
from smartbin.places import DoorSpan
from smartbin.telemetry import DoorTotals, ItemTotals
from smartbin.verdicts.rules import Correction


@dataclass(frozen=True, slots=True)
class Counts:
    """Deposits, their weight, how many were judged and how many of those correct."""

    deposits: int = 0
    weight_g: int = 0
    judged: int = 0
    correct: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.deposits + other.deposits,
            self.weight_g + other.weight_g,
            self.judged + other.judged,
            self.correct + other.correct,
        )

    def __sub__(self, other: Counts) -> Counts:
        return Counts(
            self.deposits - other.deposits,
            self.weight_g - other.weight_g,
            self.judged - other.judged,
            self.correct - other.correct,
        )


NOTHING = Counts()
ByCategory = Mapping[Category, Counts]


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """Deposits of one kind of recyclable, and their weight."""

    deposits: int = 0
    weight_g: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts of a place in a window: in all, and of each day that has deposits (empty when
    the store was asked for sums only). Every category is there, with zeros when unused.
    """

    total: ByCategory
    by_day: Mapping[date, ByCategory]


def tally(
    totals: Iterable[DoorTotals],
    doors: Sequence[DoorSpan],
    *,
    corrections: Iterable[Correction] = (),
    by_day: bool = True,
) -> Tally:
    """Sum the store's totals by category and day.

    ``doors`` are the dated doors the store was asked about: they say which category a door took
    on a day. Totals and corrections outside them are left out: they belong to another place.
    ``by_day=False`` for totals that hold one row a span.
    """
    category = Categories(doors)
    days: dict[date, dict[Category, Counts]] = defaultdict(dict)
    total: dict[Category, Counts] = {}
    counted = [
        (row.door, row.day, Counts(row.deposits, row.weight_g, row.judged, row.correct))
        for row in totals
    ]
    counted += [(fix.door, fix.day, Counts(0, 0, fix.judged, fix.correct)) for fix in corrections]
    for door, day, counts in counted:
        kind = category.of(door, day)
        if kind is not None:
            total[kind] = total.get(kind, NOTHING) + counts
            if by_day:
                sums = days[day]
                sums[kind] = sums.get(kind, NOTHING) + counts
    return Tally(complete(total), {day: complete(found) for day, found in sorted(days.items())})


def tallies(
    totals: Iterable[DoorTotals],
    doors: Mapping[str, Sequence[DoorSpan]],
    corrections: Iterable[Correction],
    *,
    by_day: bool,
) -> Mapping[str, Tally]:
    """``tally`` of many places from one answer of the store."""
    places: dict[str, set[str]] = defaultdict(set)
    for place, spans in doors.items():
        for span in spans:
            places[span.door.device].add(place)
    own: dict[str, list[DoorTotals]] = defaultdict(list)
    for row in totals:
        for place in places[row.door.device]:
            own[place].append(row)
    fixes: dict[str, list[Correction]] = defaultdict(list)
    for fix in corrections:
        for place in places[fix.door.device]:
            fixes[place].append(fix)
    return {
        place: tally(own[place], spans, corrections=fixes[place], by_day=by_day)
        for place, spans in doors.items()
    }


def items(totals: Iterable[ItemTotals]) -> Mapping[Item, ItemCounts]:
    """Sum the store's item totals over doors."""
    found: dict[Item, ItemCounts] = {}
    for row in totals:
        old = found.get(row.item, ItemCounts())
        found[row.item] = ItemCounts(old.deposits + row.deposits, old.weight_g + row.weight_g)
    return found


def complete(found: ByCategory) -> ByCategory:
    """All four categories in the ordinance's order, zeros where there was nothing."""
    return {kind: found.get(kind, NOTHING) for kind in Category}


def in_all(by_category: ByCategory) -> Counts:
    """The sum over the categories."""
    return add(by_category.values())


def add(counts: Iterable[Counts]) -> Counts:
    """The sum of counts."""
    deposits = weight_g = judged = correct = 0
    for c in counts:
        deposits += c.deposits
        weight_g += c.weight_g
        judged += c.judged
        correct += c.correct
    return Counts(deposits, weight_g, judged, correct)


def merge(parts: Iterable[ByCategory]) -> ByCategory:
    """The sum of several breakdowns, category by category."""
    kept = list(parts)
    return {kind: add(part[kind] for part in kept) for kind in Category}


class Categories:
    """Which category a door took on a day, within the dated doors of one place."""

    def __init__(self, doors: Sequence[DoorSpan]) -> None:
        self._spans: dict[DoorKey, list[tuple[Days, Category]]] = defaultdict(list)
        for span in doors:
            self._spans[span.door.key].append((span.days, span.door.category))

    def of(self, door: DoorKey, day: date) -> Category | None:
        """The category, or None when the door did not belong here on that day."""
        for days, category in self._spans.get(door, ()):
            if day in days:
                return category
        return None

"""The figures of a place: counts with shares, rates and intervals, per category and in all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from smartbin.events import FOCUS_ITEMS, Category, Item
from smartbin.sorting.counts import NOTHING, ByCategory, Counts, ItemCounts, in_all
from smartbin.sorting.limits import Limits
from smartbin.sorting.rates import Rate, WeightShare, rate, weight_share


@dataclass(frozen=True, slots=True)
class CategoryFigures:
    """One category: its counts, its share of all weight, how accurately it was sorted."""

    counts: Counts
    share: float | None
    accuracy: Rate | None


@dataclass(frozen=True, slots=True)
class Figures:
    """What can be said of a window. A rate is None when the data do not carry it, and then
    ``insufficient`` says why.
    """

    counts: Counts
    by_category: Mapping[Category, CategoryFigures]
    accuracy: Rate | None
    kitchen_separation: WeightShare | None
    kitchen_of_all: WeightShare | None
    diversion: WeightShare | None
    insufficient: str | None


def figures(by_category: ByCategory, completeness: float | None, limits: Limits) -> Figures:
    """Shape counts into figures.

    Accuracy by times (准确率) = judged correct / judged. Kitchen separation (厨余分出率) =
    kitchen / (kitchen + residual), and of all. Diversion = (kitchen + recyclable) / all weight.
    """
    total = in_all(by_category)
    why = insufficient(total, completeness, limits)
    kitchen = by_category.get(Category.KITCHEN, NOTHING).weight_g
    residual = by_category.get(Category.RESIDUAL, NOTHING).weight_g
    recyclable = by_category.get(Category.RECYCLABLE, NOTHING).weight_g
    return Figures(
        total,
        {
            kind: CategoryFigures(
                counts,
                counts.weight_g / total.weight_g if total.weight_g else None,
                _accuracy(counts, why, limits),
            )
            for kind, counts in by_category.items()
        },
        _accuracy(total, why, limits),
        weight_share(kitchen, kitchen + residual, "kitchen + residual weight_g"),
        weight_share(kitchen, total.weight_g, "weight_g of all categories"),
        weight_share(kitchen + recyclable, total.weight_g, "weight_g of all categories"),
        why,
    )


def insufficient(total: Counts, completeness: float | None, limits: Limits) -> str | None:
    """Why the data carry no rate; None when they do."""
    if completeness is not None and completeness < limits.completeness_min:
        return (
            f"heard in {completeness:.0%} of the device-hours, "
            f"at least {limits.completeness_min:.0%} are needed"
        )
    if total.judged < limits.judged_min:
        return f"{total.judged} judged deposits, at least {limits.judged_min} are needed"
    return None


def _accuracy(counts: Counts, why: str | None, limits: Limits) -> Rate | None:
    if counts.judged < limits.judged_min or (why and "heard" in why):
        return None
    return rate(counts.correct, counts.judged, "judged deposits")


def focus(items: Mapping[Item, ItemCounts]) -> Mapping[Item, ItemCounts]:
    """The plan's three focus streams of recyclables, zeros where there was nothing."""
    return {item: items.get(item, ItemCounts()) for item in FOCUS_ITEMS}


@dataclass(frozen=True, slots=True)
class Ranked:
    """One place in a ranking: ``rank`` 1 is best; places whose rank is equal are ties."""

    rank: int
    community: str
    rate: Rate


def ranking(rates: Mapping[str, Rate]) -> list[Ranked]:
    """Order communities by what the evidence supports: the lower end of Wilson's 95 % interval.

    A place with few judged deposits has a low lower end, so chance does not put it on top (E. B.
    Wilson 1927; the order is a lower confidence bound's). Equal lower ends share a rank.
    """
    ordered = sorted(rates.items(), key=lambda pair: (-pair[1].low, pair[0]))
    ranked: list[Ranked] = []
    for n, (community, found) in enumerate(ordered, 1):
        tie = ranked and ranked[-1].rate.low == found.low
        ranked.append(Ranked(ranked[-1].rank if tie else n, community, found))
    return ranked

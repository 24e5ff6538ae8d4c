"""The figures of a place: counts with shares, rates and intervals, per category and in all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from smartbin.facts.events import FOCUS_ITEMS, Category, Item
from smartbin.sorting.rules.counts import NOTHING, ByCategory, Counts, ItemCounts, in_all
from smartbin.sorting.rules.limits import Limits
from smartbin.sorting.rules.rates import Rate, WeightShare, rate, weight_share
from smartbin.sorting.rules.sufficiency import Insufficient, InsufficientWhy


@dataclass(frozen=True, slots=True)
class CategoryFigures:
    """One category: its counts, its share of all weight, how accurately it was sorted."""

    counts: Counts
    share: float | None
    accuracy: Rate | None


@dataclass(frozen=True, slots=True)
class Figures:
    """What can be said of a window. A rate is None when the data do not carry it, and then
    ``insufficient`` says why: too little heard hides every ratio, too little judged the accuracy.
    """

    counts: Counts
    by_category: Mapping[Category, CategoryFigures]
    accuracy: Rate | None
    kitchen_separation: WeightShare | None
    kitchen_of_all: WeightShare | None
    diversion: WeightShare | None
    insufficient: Insufficient | None


ALL = "weight_g of all categories"
SEPARABLE = "kitchen + residual weight_g"
RECYCLABLES = "recyclable weight_g"


def figures(by_category: ByCategory, completeness: float | None, limits: Limits) -> Figures:
    """Shape counts into figures.

    Accuracy by times (准确率) = judged correct / judged. Kitchen separation (厨余分出率) =
    kitchen / (kitchen + residual), and of all. Diversion = (kitchen + recyclable) / all weight.
    """
    total = in_all(by_category)
    unheard = too_little_heard(completeness, limits)
    kitchen = by_category.get(Category.KITCHEN, NOTHING).weight_g
    residual = by_category.get(Category.RESIDUAL, NOTHING).weight_g
    recyclable = by_category.get(Category.RECYCLABLE, NOTHING).weight_g
    whole_g = 0 if unheard else total.weight_g  # nothing is a share of nothing
    return Figures(
        total,
        {
            kind: CategoryFigures(
                counts,
                counts.weight_g / whole_g if whole_g else None,
                None if unheard else _accuracy(counts, limits),
            )
            for kind, counts in by_category.items()
        },
        None if unheard else _accuracy(total, limits),
        None if unheard else weight_share(kitchen, kitchen + residual, SEPARABLE),
        weight_share(kitchen, whole_g, ALL),
        weight_share(kitchen + recyclable, whole_g, ALL),
        unheard or too_little_judged(total, limits),
    )


def too_little_heard(completeness: float | None, limits: Limits) -> Insufficient | None:
    """Why a window's ratios are not said; None when enough of its device-hours were heard, or
    none was to be heard.
    """
    if completeness is None or completeness >= limits.completeness_min:
        return None
    return Insufficient(InsufficientWhy.COMPLETENESS, completeness, limits.completeness_min)


def too_little_judged(counts: Counts, limits: Limits) -> Insufficient | None:
    """Why the accuracy is not said; None when enough deposits were judged."""
    if counts.judged >= limits.judged_min:
        return None
    return Insufficient(InsufficientWhy.JUDGED, counts.judged, limits.judged_min)


def _accuracy(counts: Counts, limits: Limits) -> Rate | None:
    if too_little_judged(counts, limits):
        return None
    return rate(counts.correct, counts.judged, "judged deposits")


def focus(
    items: Mapping[Item, ItemCounts], recyclable_g: int, completeness: float | None, limits: Limits
) -> Mapping[Item, tuple[ItemCounts, WeightShare | None]]:
    """The plan's three focus streams, zeros where there was nothing, and each one's share of the
    recyclables' weight, which is not said where too little was heard.
    """
    whole_g = 0 if too_little_heard(completeness, limits) else recyclable_g
    counted = {item: items.get(item, ItemCounts()) for item in FOCUS_ITEMS}
    return {i: (c, weight_share(c.weight_g, whole_g, RECYCLABLES)) for i, c in counted.items()}

"""Which community stands where, by what the evidence supports.

Ordered by the lower end of the 95 % interval (E. B. Wilson 1927; ranking by a lower confidence
bound: E. Miller, "How Not To Sort By Average Rating", 2009), so that luck with few deposits leads
nobody. Places share a rank while the data do not tell them apart from the first of their group:
while their interval's upper end reaches its lower end (intervals of ranks, as in H. Goldstein and
D. J. Spiegelhalter, "League Tables and Their Limitations", JRSS A 159, 1996, 385-443).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from smartbin.facts.events import Category
from smartbin.sorting.rules.counts import NOTHING, ByCategory, in_all
from smartbin.sorting.rules.figures import SEPARABLE, too_little_heard, too_little_judged
from smartbin.sorting.rules.limits import Limits
from smartbin.sorting.rules.rates import Rate, amount_interval, rate, share_interval
from smartbin.sorting.rules.sufficiency import Insufficient, InsufficientWhy


class Measure(StrEnum):
    """What communities are ranked by; more is better in each."""

    ACCURACY = "accuracy"
    KITCHEN_SEPARATION = "kitchen_separation"
    WEIGHT_PER_HOUSEHOLD = "weight_per_household"
    PARTICIPATION = "participation"


@dataclass(frozen=True, slots=True)
class Ranked:
    """One place in a ranking: ``rank`` 1 is best; places whose rank is equal are ties."""

    rank: int
    community: str
    rate: Rate


def ranking(rates: Mapping[str, Rate]) -> list[Ranked]:
    """Order communities by the lower end of their interval, then by their id; a group shares the
    rank of its first, and the next group's is one more than the places before it.
    """
    ordered = sorted(rates.items(), key=lambda pair: (-pair[1].low, pair[0]))
    ranked: list[Ranked] = []
    rank, reach = 0, math.inf
    for n, (community, found) in enumerate(ordered, 1):
        if found.high < reach:
            rank, reach = n, found.low
        ranked.append(Ranked(rank, community, found))
    return ranked


def weighed(
    measure: Measure,
    by_category: ByCategory,
    completeness: float | None,
    household_days: int,
    limits: Limits,
) -> Rate | Insufficient:
    """A community's figure for a ranking by anything but participation, or why there is none.

    ``household_days`` are its households times the days that have passed. A window stands for the
    habits of those who live there, so weights carry an interval here too (see ``rates``).
    """
    if unheard := too_little_heard(completeness, limits):
        return unheard
    total = in_all(by_category)
    if measure is Measure.ACCURACY:
        found = rate(total.correct, total.judged, "judged deposits")
        return too_little_judged(total, limits) or found or _nothing(InsufficientWhy.JUDGED)
    if measure is Measure.KITCHEN_SEPARATION:
        return _kitchen_separation(by_category, limits)
    if total.weight_g <= 0:
        return _nothing(InsufficientWhy.WEIGHED)
    if household_days <= 0:
        return _nothing(InsufficientWhy.HOUSEHOLDS)
    value = total.weight_g / household_days
    low, high = amount_interval(value, total.deposits, limits.weight_cv)
    return Rate(value, low, high, total.deposits, "households x days; value in weight_g")


def _kitchen_separation(by_category: ByCategory, limits: Limits) -> Rate | Insufficient:
    kitchen = by_category.get(Category.KITCHEN, NOTHING)
    both = kitchen + by_category.get(Category.RESIDUAL, NOTHING)
    if both.weight_g <= 0:
        return _nothing(InsufficientWhy.WEIGHED)
    share = kitchen.weight_g / both.weight_g
    low, high = share_interval(share, both.deposits, limits.weight_cv)
    return Rate(share, low, high, both.deposits, SEPARABLE)


def _nothing(why: InsufficientWhy) -> Insufficient:
    return Insufficient(why, 0, 1)

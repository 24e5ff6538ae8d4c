"""Who takes part: households with a valid deposit, of those that live there.

Participation (参与率, CJJ/T 102) = households that took part / registered households. A household
took part on a day when a card of its account made a valid deposit anywhere on the site: one that
no standing verdict calls incorrect, of at least ``valid_weight_g``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from smartbin.sorting.rules.figures import too_little_heard
from smartbin.sorting.rules.limits import Limits
from smartbin.sorting.rules.rates import Rate, rate
from smartbin.sorting.rules.sufficiency import Insufficient, InsufficientWhy

HOUSEHOLDS = "registered households"


@dataclass(frozen=True, slots=True)
class Participation:
    """``took_part`` households on at least one day, ``regular`` on at least ``days_min`` days, of
    ``households``; ``accounts`` is how many of those hold a card. A rate is None when
    ``insufficient`` says why.
    """

    households: int
    accounts: int
    took_part: int
    regular: int
    days_min: int
    rate: Rate | None
    regular_rate: Rate | None
    insufficient: Insufficient | None


def participation(
    registered: int,
    accounts: int,
    days_of: Iterable[int],
    completeness: float | None,
    limits: Limits,
) -> Participation:
    """From the households that the registry counts, the household accounts, and on how many days
    each of those that took part did.

    The denominator is the registry's number, or the accounts where more are known: so registering
    only the keen raises no rate.
    """
    days = [n for n in days_of if n > 0]
    households = max(registered, accounts)
    regular = sum(n >= limits.days_min for n in days)
    why = _insufficient(households, accounts, completeness, limits)
    return Participation(
        households,
        accounts,
        len(days),
        regular,
        limits.days_min,
        None if why else rate(len(days), households, HOUSEHOLDS),
        None if why else rate(regular, households, HOUSEHOLDS),
        why,
    )


def _insufficient(
    households: int, accounts: int, completeness: float | None, limits: Limits
) -> Insufficient | None:
    if accounts == 0:
        return Insufficient(InsufficientWhy.ACCOUNTS, 0, 1)
    if households < limits.households_min:
        return Insufficient(InsufficientWhy.HOUSEHOLDS, households, limits.households_min)
    return too_little_heard(completeness, limits)

"""Points expire with their calendar year: what of each year was left when its time was over.

Spending takes the oldest points first. Recomputed from everything each time, so that a late
deposit, a correction or a cancelled redemption changes what expired by a difference, as elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from smartbin.points.rules.tariff import Tariffs


def expiries(
    tariffs: Tariffs, given: Mapping[int, int], spent: Iterable[tuple[date, int]], today: date
) -> dict[int, int]:
    """How many points of each year have expired, for the years whose time is over on ``today``.

    ``given`` are the points by the calendar year of the deposit (an adjustment in the account's
    favour counts in the year of its day). ``spent`` are the points that went, by day:
    redemptions that stand, and adjustments the other way. The last day to spend is a whole day:
    points expire with its end.
    """
    spends = sorted(spent)
    left = dict(sorted(given.items()))
    ends = [(last, year) for year in left if (last := tariffs.expires_on(year)) is not None]
    expired: dict[int, int] = {}
    taken = 0
    for last_day, year in sorted(ends):
        if last_day >= today:
            break
        due = sum(points for day, points in spends if day <= last_day)
        _take_oldest(left, due - taken)
        taken = due
        expired[year], left[year] = left[year], 0
    return expired


def _take_oldest(left: dict[int, int], points: int) -> None:
    for year in left:
        take = min(left[year], points)
        left[year] -= take
        points -= take

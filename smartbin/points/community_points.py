"""A community's points of some days: given, spent, and who earned most.

Whole months come from the sums by month, the days at both ends from the ledger: a year costs
little more than a month. Of a month cut in two the smaller part is read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection, func, select

from smartbin.accounts.rules import AccountKind
from smartbin.accounts.tables import account
from smartbin.core.calendar import Days
from smartbin.database import Database
from smartbin.points.ledger import EntryKind, month_of
from smartbin.points.tables import ledger, points_month


@dataclass(frozen=True, slots=True)
class Top:
    """An account and what its deposits earned."""

    account: str
    points: int


@dataclass(frozen=True, slots=True)
class CommunityPoints:
    """``given`` = ``earned`` by deposits + ``adjusted`` by the office; ``spent`` less what was
    cancelled; ``accounts`` that earned anything; the ``top`` households by what they earned.
    """

    earned: int
    adjusted: int
    spent: int
    expired: int
    accounts: int
    top: Sequence[Top]

    @property
    def given(self) -> int:
        """All that was given."""
        return self.earned + self.adjusted


def of_community(database: Database, community: str, days: Days, most: int = 10) -> CommunityPoints:
    """The points that concern a community's days; at most this many households at the top."""
    earned: dict[str, int] = defaultdict(int)
    sums = {"adjusted": 0, "spent": 0, "expired": 0}
    months, parts = _split(days)
    with database.read() as db:
        if months is not None:
            _add_months(db, community, months, earned, sums)
        for some, sign in parts:
            _add_days(db, community, some, sign, earned, sums)
        best = sorted(earned, key=lambda code: (-earned[code], code))
        top = [Top(code, earned[code]) for code in _households(db, best, most) if earned[code] > 0]
    return CommunityPoints(
        sum(earned.values()), **sums, accounts=sum(p > 0 for p in earned.values()), top=top
    )


def _split(days: Days) -> tuple[tuple[int, int] | None, list[tuple[Days, int]]]:
    """Months to take from their sums (first and last, as yyyymm), and days to add to them or to
    take off again (+1, -1): of a month at an end, the smaller part is read day by day.
    """
    first, after = days.first.replace(day=1), days.last + timedelta(days=1)
    end = after if after.day == 1 else _next_month(after)
    before = Days(first, days.first - timedelta(days=1)) if first < days.first else None
    behind = Days(after, end - timedelta(days=1)) if after < end else None
    parts = []
    for outside, inside in (
        (before, days.overlap(Days(first, _next_month(first) - timedelta(days=1)))),
        (behind, days.overlap(Days(days.last.replace(day=1), days.last))),
    ):
        if outside is None or inside is None:
            continue
        if len(outside) < len(inside):
            parts.append((outside, -1))
        elif inside == days:
            return None, [(days, 1)]
        else:
            parts.append((inside, 1))
            if outside is before:
                first = _next_month(first)
            else:
                end = days.last.replace(day=1)
    return ((month_of(first), month_of(end - timedelta(days=1))) if first < end else None), parts


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def _add_months(
    db: Connection,
    community: str,
    months: tuple[int, int],
    earned: dict[str, int],
    sums: dict[str, int],
) -> None:
    t = points_month.c
    rows = db.execute(
        select(
            t.account, func.sum(t.earned), func.sum(t.adjusted), func.sum(t.spent),
            func.sum(t.expired),
        )
        .where(t.community == community, t.month.between(*months))
        .group_by(t.account)
    )  # fmt: skip
    for code, points, adjusted, spent, expired in rows:
        earned[code] += int(points)
        sums["adjusted"] += int(adjusted)
        sums["spent"] += int(spent)
        sums["expired"] += int(expired)


def _add_days(
    db: Connection,
    community: str,
    days: Days,
    sign: int,
    earned: dict[str, int],
    sums: dict[str, int],
) -> None:
    t = ledger.c
    rows = db.execute(
        select(t.account, t.kind, func.sum(t.points))
        .where(
            t.community == community,
            t.day.between(days.first.toordinal(), days.last.toordinal()),
        )
        .group_by(t.account, t.kind)
    )
    for code, kind, total in rows:
        points = sign * int(total)
        match EntryKind(kind):
            case EntryKind.EARNED | EntryKind.CORRECTION:
                earned[code] += points
            case EntryKind.ADJUSTMENT:
                sums["adjusted"] += points
            case EntryKind.REDEMPTION | EntryKind.REFUND:
                sums["spent"] -= points
            case EntryKind.EXPIRY:
                sums["expired"] -= points


def _households(db: Connection, best: Sequence[str], most: int) -> list[str]:
    """The first households of a list of accounts; enterprises have a table of their own."""
    found: list[str] = []
    at_once = 4 * most + 1
    for start in range(0, len(best), at_once):
        some = best[start : start + at_once]
        kinds = {
            code
            for (code,) in db.execute(
                select(account.c.code).where(
                    account.c.code.in_(some), account.c.kind == AccountKind.HOUSEHOLD.value
                )
            )
        }
        found += [code for code in some if code in kinds]
        if len(found) >= most:
            break
    return found[:most]

"""Points that expire at a year's end, as differences like everything settled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from smartbin.accounts.store import home, standing_of
from smartbin.database.bulk import AT_ONCE
from smartbin.points.ledger import Entry, EntryKind, append, of_row
from smartbin.points.rules.expiry import expiries
from smartbin.points.rules.tariff import Tariffs
from smartbin.points.tables import OTHER, ledger, points_month


def expire(
    db: Connection,
    accounts: Sequence[str],
    tariffs: Tariffs,
    today: date,
    now_us: int,
    zone: ZoneInfo,
) -> int:
    """Book what of accounts' points has expired by today and is not booked yet, or is booked too
    much; answers how many entries.
    """
    entries: list[Entry] = []
    for start in range(0, len(accounts), AT_ONCE):
        some = accounts[start : start + AT_ONCE]
        given = _earned(db, some)
        if not any(_over(tariffs, year, today) for years in given.values() for year in years):
            continue
        spent: dict[str, list[tuple[date, int]]] = defaultdict(list)
        gone: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        others = _others(db, some)
        redeemed = {e.reference: e.day for e in others if e.kind is EntryKind.REDEMPTION}
        for e in others:
            if e.kind is EntryKind.EXPIRY:
                gone[e.account][year_of(e)] -= e.points
            elif e.kind is EntryKind.ADJUSTMENT and e.points > 0:
                given[e.account][e.day.year] += e.points
            else:  # a cancelled redemption was never spent: its refund counts on its own day
                day = redeemed.get(e.reference, e.day) if e.kind is EntryKind.REFUND else e.day
                spent[e.account].append((day, -e.points))
        homes = standing_of(db, some)
        for code in some:
            expired = expiries(tariffs, given[code], spent[code], today)
            for year in sorted(expired.keys() | gone[code].keys()):
                points = gone[code].get(year, 0) - expired.get(year, 0)
                day = _booked_on(tariffs, year, today)
                community = home(homes[code], day)
                if points and community:
                    entries.append(
                        Entry(
                            code,
                            community,
                            EntryKind.EXPIRY,
                            points,
                            day,
                            "expired",
                            str(year),
                        )
                    )
    append(db, entries, now_us, zone)
    return len(entries)


def years_over(db: Connection, tariffs: Tariffs, today: date) -> bool:
    """Whether there are points of a year whose time is over."""
    oldest = db.execute(select(func.min(points_month.c.month))).scalar()
    years = range(oldest // 100, today.year + 1) if oldest else ()
    return any(_over(tariffs, year, today) for year in years)


def year_of(expiry: Entry) -> int:
    """The calendar year whose points an expiry concerns; its day is the last one to spend them."""
    return int((expiry.reference or str(expiry.day.year))[:4])


def _booked_on(tariffs: Tariffs, year: int, today: date) -> date:
    """The last day on which the year's points could be spent; today when a corrected tariff gives
    them more time.
    """
    last_day = tariffs.expires_on(year)
    return today if last_day is None or last_day >= today else last_day


def _over(tariffs: Tariffs, year: int, today: date) -> bool:
    last_day = tariffs.expires_on(year)
    return last_day is not None and last_day < today


def _earned(db: Connection, accounts: Sequence[str]) -> dict[str, dict[int, int]]:
    """What accounts earned by deposits, by year."""
    found: dict[str, dict[int, int]] = {code: defaultdict(int) for code in accounts}
    table = points_month.c
    rows = db.execute(
        select(table.account, table.month, table.earned).where(table.account.in_(accounts))
    )
    for code, month, points in rows:
        found[code][month // 100] += points
    return found


def _others(db: Connection, accounts: Sequence[str]) -> list[Entry]:
    """What came and went otherwise."""
    rows = db.execute(select(ledger).where(ledger.c.account.in_(accounts), OTHER))
    return [of_row(row).entry for row in rows]

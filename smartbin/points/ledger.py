"""The ledger: every change of an account's points as an entry that stays.

``append`` is the one way in. It books entries into their month, and keeps with them, in the same
transaction, what is read most: each account's balance and each community's sums by month. The
database itself refuses to change or delete an entry.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, text, update

from smartbin.accounts.tables import account
from smartbin.core import calendar
from smartbin.core.errors import NotFound
from smartbin.database import Database
from smartbin.database.bulk import insert_into, insert_many
from smartbin.points.rules.tariff import SPEND_DELAY_DAYS_MAX
from smartbin.points.tables import closed_month, ledger, points_fresh, points_month

MONTHS_LOCK = 0x5B1_0003  # PostgreSQL: closing a month alone, appending beside each other


class EntryKind(StrEnum):
    """Why points change. Earned and corrections follow from deposits, the others from people and
    the calendar.
    """

    EARNED = "earned"
    CORRECTION = "correction"
    REDEMPTION = "redemption"
    REFUND = "refund"
    ADJUSTMENT = "adjustment"
    EXPIRY = "expiry"


RELEASE = "release"  # the reason of points that a person looked at: they need not wait
SETTLED = (EntryKind.EARNED, EntryKind.CORRECTION)
_SUMS = {
    EntryKind.EARNED: ("earned", 1),
    EntryKind.CORRECTION: ("earned", 1),
    EntryKind.ADJUSTMENT: ("adjusted", 1),
    EntryKind.REDEMPTION: ("spent", -1),
    EntryKind.REFUND: ("spent", -1),
    EntryKind.EXPIRY: ("expired", -1),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A change of an account's points. ``day`` is the day it concerns, ``reason`` a code (or, of
    an adjustment, what the office wrote), ``reference`` what it belongs to.
    """

    account: str
    community: str
    kind: EntryKind
    points: int
    day: date
    reason: str
    reference: str | None = None
    who: str | None = None


@dataclass(frozen=True, slots=True)
class Booked:
    """An entry as it stands in the ledger: when, and in which month (yyyymm), it was booked."""

    id: int
    entry: Entry
    month: int
    booked_us: int


def append(db: Connection, entries: Iterable[Entry], now_us: int, zone: ZoneInfo) -> None:
    """Book entries. A day of a month that is closed is booked in the month it is now, and refers
    to the one it concerns.
    """
    kept = sorted(entries, key=lambda e: (e.account, e.day, e.community))
    if not kept:
        return
    if db.dialect.name == "postgresql":
        db.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": MONTHS_LOCK})
    closed = db.execute(select(func.max(closed_month.c.month))).scalar() or 0
    now = month_of(calendar.day_of(now_us, zone))
    rows = [_row(entry, closed, now, now_us) for entry in kept]
    _balances(db, kept)
    insert_many(db, insert(ledger).inline(), rows)
    _sums(db, kept)
    _fresh(db, kept, calendar.day_of(now_us, zone).toordinal())


def spendable(db: Connection, code: str, balance: int, today: date, delay_days: int) -> int:
    """What of a balance may be spent on a day: points that deposits earned wait some days after
    they were booked. A correction that takes points takes from those of its own day first.
    """
    table = points_fresh.c
    wait = db.execute(
        select(table.points).where(
            table.booked_day.in_(range(today.toordinal() - delay_days + 1, today.toordinal() + 1)),
            table.account == code,
        )
    )
    return max(0, balance - sum(max(0, int(points)) for points in wait.scalars()))


def entries_of(
    database: Database, code: str, before: int | None = None, limit: int = 1_000
) -> list[Booked]:
    """An account's entries, the newest first; ``before`` is the last id of the page before."""
    asked = select(ledger).where(ledger.c.account == code).order_by(ledger.c.id.desc())
    if before is not None:
        asked = asked.where(ledger.c.id < before)
    with database.read() as db:
        return [of_row(row) for row in db.execute(asked.limit(limit))]


def lock_account(db: Connection, code: str) -> int:
    """Lock the account's row and answer its balance; NotFound when there is none."""
    asked = select(account.c.balance).where(account.c.code == code).with_for_update()
    balance = db.execute(asked).scalar()
    if balance is None:
        raise NotFound("unknown-account", f"account: there is no {code!r}; ask the office")
    return int(balance)


def month_of(day: date) -> int:
    """The calendar month of a day, as yyyymm."""
    return day.year * 100 + day.month


def of_row(row: Row[tuple[Any, ...]]) -> Booked:
    """The entry that a row of the table holds."""
    entry = Entry(
        row.account,
        row.community,
        EntryKind(row.kind),
        row.points,
        date.fromordinal(row.day),
        row.reason,
        row.reference,
        row.who,
    )
    return Booked(row.id, entry, row.month, row.booked_us)


def _row(entry: Entry, closed: int, now: int, now_us: int) -> dict[str, Any]:
    month, reference = month_of(entry.day), entry.reference
    if month <= closed:
        late = f"{month // 100}-{month % 100:02}"
        reference = f"{reference} ({late})" if reference else late
        month = now
    return {
        "account": entry.account,
        "community": entry.community,
        "kind": entry.kind.value,
        "points": entry.points,
        "day": entry.day.toordinal(),
        "month": month,
        "booked_us": now_us,
        "reason": entry.reason,
        "reference": reference,
        "who": entry.who,
    }


def _balances(db: Connection, entries: Sequence[Entry]) -> None:
    # First, and by code: PostgreSQL locks each account's row here, so that two transactions that
    # touch the same accounts wait for each other, and never each for the other.
    totals: dict[str, int] = defaultdict(int)
    for entry in entries:
        totals[entry.account] += entry.points
    change = (
        update(account)
        .where(account.c.code == bindparam("of"))
        .values(balance=account.c.balance + bindparam("points"))
    )
    db.execute(change, [{"of": code, "points": totals[code]} for code in sorted(totals)])


def _fresh(db: Connection, entries: Sequence[Entry], day: int) -> None:
    points: dict[str, int] = defaultdict(int)
    for entry in entries:
        if entry.kind in SETTLED and entry.reason != RELEASE:
            points[entry.account] += entry.points
    rows = [{"booked_day": day, "account": of, "points": n} for of, n in sorted(points.items())]
    if not rows:
        return
    db.execute(delete(points_fresh).where(points_fresh.c.booked_day < day - SPEND_DELAY_DAYS_MAX))
    put = insert_into(db, points_fresh)
    put = put.on_conflict_do_update(
        index_elements=["booked_day", "account"],
        set_={"points": points_fresh.c.points + put.excluded["points"]},
    )
    insert_many(db, put, rows)


def _sums(db: Connection, entries: Sequence[Entry]) -> None:
    sums: dict[tuple[str, int, str], dict[str, int]] = {}
    for entry in entries:
        key = (entry.community, month_of(entry.day), entry.account)
        row = sums.setdefault(key, {"earned": 0, "adjusted": 0, "spent": 0, "expired": 0})
        name, sign = _SUMS[entry.kind]
        row[name] += sign * entry.points
    rows = [
        {"community": key[0], "month": key[1], "account": key[2], **sums[key]}
        for key in sorted(sums)
    ]
    put = insert_into(db, points_month)
    columns = ("earned", "adjusted", "spent", "expired")
    put = put.on_conflict_do_update(
        index_elements=["community", "month", "account"],
        set_={name: points_month.c[name] + put.excluded[name] for name in columns},
    )
    insert_many(db, put, rows)

"""Settling: what accounts' weeks should have earned, less what the ledger says they did.

A week of an account is computed anew from all its deposits, and the difference is booked: late,
duplicate and superseded deposits, a corrected tariff and a moved card all end in the same total
as if everything had come in order. Marks name the card-days to look at; those that were read are
deleted with the entries they led to, in one transaction, so that a mark made meanwhile stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, select, text

from smartbin.accounts.store import ACCOUNTS_LOCK, ever_held
from smartbin.accounts.tables import account
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.database import Database
from smartbin.database.bulk import AT_ONCE, among
from smartbin.deposit_lines.tables import unsettled
from smartbin.places import Registry
from smartbin.points.claims import week_of
from smartbin.points.earnings import Earnings
from smartbin.points.expire import expire, years_over
from smartbin.points.kept_rules import follow, mark_days, refuse_older, stated
from smartbin.points.ledger import SETTLED, Entry, EntryKind, append
from smartbin.points.rules.tariff import Tariffs
from smartbin.points.tables import ledger

MARKS_MAX = 50_000  # read in one go, which bounds the memory
CARDS_AT_ONCE = 300  # a transaction: it holds SQLite's only write lock, the gateway waits
_SETTLE_LOCK = 0x5B1_0004
# Of several causes the entry names the one that a person would ask about first.
_CAUSES = ("verdict", "void", "release", "tariff", "card", "registry", "late")


class _Mark(NamedTuple):
    id: int
    card: str
    day: date
    why: str


@dataclass(frozen=True, slots=True)
class Settled:
    """What a settling did: marks taken, entries booked, and whether marks are left."""

    marks: int
    entries: int
    left: bool


class Settler:
    """Settles the marks of the records' database."""

    def __init__(self, database: Database, registry: Registry, tariffs: Tariffs) -> None:
        self._database, self._registry, self._tariffs = database, registry, tariffs
        self._earnings = Earnings(registry, tariffs)
        self._rules = stated(registry, tariffs)
        self._followed: int | None = None
        self.zone = registry.site.zone

    def settle(
        self,
        now_us: int,
        cards_at_once: int = CARDS_AT_ONCE,
        stop: Callable[[], bool] = lambda: False,
    ) -> Settled:
        """Take the marks that stand (at most MARKS_MAX) and book the differences, until ``stop``
        says so; nothing while another settler works. The first time what another tariff or registry
        changes is marked. Raises StoreUnavailable; what was booked by then is booked.
        """
        marks = taken = entries = 0
        if self._followed is None and not self._follow(now_us):
            return Settled(0, 0, left=True)
        with self._database.read() as db:
            read = _marks(db)
        for some in _chunks(read, cards_at_once):
            if stop():
                break
            with self._database.write() as db:
                if not self._alone(db):
                    break
                entries += self._chunk(db, some, now_us)
                taken += len(some)
        marks = len(read)
        return Settled(taken, entries, left=taken < marks or marks == MARKS_MAX)

    def expire(self, now_us: int) -> int:
        """Book what has expired of every account's points, some hundred accounts in a
        transaction; answers how many entries. Nothing while another settler works.
        """
        zone, count = self.zone, 0
        today = calendar.day_of(now_us, zone)
        with self._database.read() as db:
            if not years_over(db, self._tariffs, today):
                return 0
            codes = list(db.execute(select(account.c.code).order_by(account.c.code)).scalars())
        for start in range(0, len(codes), AT_ONCE):
            some = codes[start : start + AT_ONCE]
            with self._database.write() as db:
                if not self._alone(db):
                    break
                # Locked by code: who redeems meanwhile waits, and is not overlooked.
                rows = select(account.c.code).where(account.c.code.in_(some))
                db.execute(rows.order_by(account.c.code).with_for_update())
                count += expire(db, some, self._tariffs, today, now_us, zone)
        return count

    def again(self, days: Days, why: str = "tariff") -> int:
        """Mark every card-day of these days that has deposits; answers how many."""
        with self._database.write() as db:
            return mark_days(db, days, why)

    def _follow(self, now_us: int) -> bool:
        """Mark what the rules this settler was made with change; whether nobody else settles."""
        with self._database.write() as db:
            if not self._alone(db):
                return False
            number = follow(db, self._rules, now_us)
        self._followed = number  # only now it is kept
        return True

    def _alone(self, db: Connection) -> bool:
        """Whether no other settler works (until this transaction ends), and no import of
        accounts: SQLite has one writer anyway. Raises StoreUnavailable when another one has newer
        rules.
        """
        if db.dialect.name == "postgresql":
            asked = text("SELECT pg_try_advisory_xact_lock(:k)")
            if not db.execute(asked, {"k": _SETTLE_LOCK}).scalar():
                return False
            db.execute(text("SELECT pg_advisory_xact_lock_shared(:k)"), {"k": ACCOUNTS_LOCK})
        if self._followed is not None:
            refuse_older(db, self._followed)
        return True

    def _chunk(self, db: Connection, marks: Sequence[_Mark], now_us: int) -> int:
        """Settle the accounts and weeks that some marks name."""
        causes: dict[Days, dict[date, set[str]]] = defaultdict(lambda: defaultdict(set))
        cards: dict[Days, set[str]] = defaultdict(set)
        for mark in marks:
            cards[week_of(mark.day)].add(mark.card)
            causes[week_of(mark.day)][mark.day].add(mark.why)
        count, touched = 0, set[str]()
        zone = self.zone
        for week in sorted(cards, key=lambda days: days.first):
            accounts = ever_held(db, sorted(cards[week]))
            entries = self._differences(db, accounts, week, causes[week])
            append(db, entries, now_us, zone)
            count += len(entries)
            touched.update(entry.account for entry in entries)
        today = calendar.day_of(now_us, zone)
        count += expire(db, sorted(touched), self._tariffs, today, now_us, zone)
        ids = [mark.id for mark in marks]
        for start in range(0, len(ids), AT_ONCE):
            db.execute(
                delete(unsettled).where(among(db, unsettled.c.id, ids[start : start + AT_ONCE]))
            )
        return count

    def _differences(
        self,
        db: Connection,
        accounts: Sequence[str],
        week: Days,
        causes: Mapping[date, set[str]],
    ) -> list[Entry]:
        due: dict[tuple[str, date, str], int] = defaultdict(int)
        for code, lines in self._earnings.in_weeks(db, accounts, week).items():
            for line in lines:
                due[code, line.earned.deposit.day, line.community] += line.earned.points
        said = booked(db, accounts, week)
        entries = []
        for key in sorted(due.keys() | said.keys()):
            points = due.get(key, 0) - said.get(key, 0)
            if not points:
                continue
            code, day, community = key
            first = key not in said
            kind, reason = (
                (EntryKind.EARNED, "deposits") if first else (EntryKind.CORRECTION, "late")
            )
            why = causes.get(day, set())
            if not first or why - {"late"}:
                reason = next((cause for cause in _CAUSES if cause in why), reason)
            entries.append(Entry(code, community, kind, points, day, reason))
        return entries


def booked(db: Connection, accounts: Sequence[str], days: Days) -> dict[tuple[str, date, str], int]:
    """What the ledger says that accounts earned, by account, day and community."""
    ordinals = list(range(days.first.toordinal(), days.last.toordinal() + 1))
    found: dict[tuple[str, date, str], int] = {}
    table = ledger.c
    for start in range(0, len(accounts), AT_ONCE):
        rows = db.execute(
            select(table.account, table.day, table.community, func.sum(table.points))
            .where(
                table.day.in_(ordinals),
                among(db, table.account, accounts[start : start + AT_ONCE]),
                table.kind.in_([kind.value for kind in SETTLED]),
            )
            .group_by(table.account, table.day, table.community)
        )
        for code, day, community, points in rows:
            found[code, date.fromordinal(day), community] = int(points)
    return found


def _marks(db: Connection) -> list[_Mark]:
    rows = db.execute(select(unsettled).order_by(unsettled.c.id).limit(MARKS_MAX))
    return [_Mark(r.id, r.card, date.fromordinal(r.day), r.why or "late") for r in rows]


def _chunks(marks: Iterable[_Mark], cards_at_once: int) -> Iterable[list[_Mark]]:
    """The marks in pieces of this many cards of a week each: a card-week is taken once, however
    many marks it has.
    """
    by_card: dict[tuple[date, str], list[_Mark]] = defaultdict(list)
    for mark in marks:
        by_card[week_of(mark.day).first, mark.card].append(mark)
    keys = sorted(by_card)
    for start in range(0, len(keys), cards_at_once):
        yield [mark for key in keys[start : start + cards_at_once] for mark in by_card[key]]

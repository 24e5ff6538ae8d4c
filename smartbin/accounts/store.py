"""Accounts: pseudonymous codes of households and enterprises, and the cards they held when.

A *holding* says that during its days a card was an account's, and that the account lived in a
community. A card that is lost ends one holding; the new card begins another of the same account.
No name, no address: whoever must know who an account is keeps that list elsewhere.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)

from smartbin.accounts.account_table import CARD, Holding, lines_of, plan
from smartbin.accounts.rules import AccountKind
from smartbin.accounts.tables import account, holding
from smartbin.core.calendar import Days
from smartbin.core.errors import BadInput
from smartbin.core.scope import Scope
from smartbin.database import Database, outbox
from smartbin.database.bulk import AT_ONCE, among, insert_many
from smartbin.database.outbox import OutboxKind
from smartbin.deposit_lines.tables import deposit_line, unsettled

ACCOUNTS_LOCK = 0x5B1_0002  # PostgreSQL: an import alone, settlers beside each other


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import changed."""

    accounts: int
    begun: int
    changed: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class Account:
    """An account and its points."""

    code: str
    kind: AccountKind
    balance: int
    holdings: tuple[Holding, ...]

    def community(self, day: date) -> str | None:
        """Where it lived on that day, else on the nearest day it lived anywhere."""
        return home(self.holdings, day)


def home(holdings: Iterable[Holding], day: date) -> str | None:
    """The community of the holding that covers the day, else of the nearest one."""

    def away(h: Holding) -> int:
        return max(0, (h.days.first - day).days, (day - h.days.last).days)

    return min(holdings, key=away).community if (holdings := tuple(holdings)) else None


def new_code() -> str:
    """A code that says nothing about whose it is."""
    return str(10_000_000 + secrets.randbelow(90_000_000))


def masked(code: str) -> str:
    """The code as public boards show it: at least five of its characters stay hidden."""
    return f"{code[:2]}***{code[-1:]}" if len(code) >= 8 else "***"


class Accounts:
    """The accounts in the records' database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(
        self,
        path: Path,
        communities: Iterable[str],
        now_us: int,
        code: Callable[[], str] = new_code,
    ) -> Imported:
        """Import a whole table of accounts, or, with BadInput that lists every mistake,
        nothing. Importing it again changes nothing.
        """
        lines = lines_of(path, frozenset(communities))
        with self._changing() as db:
            kinds = {
                c: AccountKind(k) for c, k in db.execute(select(account.c.code, account.c.kind))
            }
            known = [of_row(row) for row in db.execute(_standing())]
            planned = plan(lines, known, kinds, code)
            made = [
                {"code": c, "kind": kind, "balance": 0, "made_us": now_us}
                for c, kind in planned.made.items()
            ]
            insert_many(db, insert(account).inline(), made)
            _replace(db, planned.voided, planned.begun, "card", now_us)
        changed = len(planned.voided)
        return Imported(len(made), len(planned.begun) - changed, changed, planned.unchanged)

    def replace_card(self, old: str, new: str, first: date, now_us: int) -> str:
        """From that day on the account of a lost card uses another one; answers the account.
        BadInput names the argument and the remedy.
        """
        if not CARD.fullmatch(new):
            raise BadInput(f"NEW: {new[:40]!r} is not a card code; use A-Z, a-z, 0-9, '_' and '-'")
        with self._changing() as db:
            cards = holding.c.card.in_((old, new))
            known = [of_row(row) for row in db.execute(_standing().where(cards))]
            owners = {h.account for h in known if h.card == old}
            for h in known:
                if h.card == new and h.days.first == first and h.account in owners:
                    return h.account  # asked before
            if any(h.card == new for h in known):
                raise BadInput(f"NEW: card {new} is another account's; take one that nobody has")
            lost = next((h for h in known if h.card == old and first in h.days), None)
            if lost is None:
                ended = next((h for h in known if h.card == old), None)
                said = f"ended on {ended.days.last}" if ended else "is nobody's"
                raise BadInput(f"OLD: card {old} {said}; 'accounts list' shows who has which")
            if lost.days.first == first:
                begun = [replace(lost, card=new)]
            else:
                before = Days(lost.days.first, first - timedelta(days=1))
                after = Days(first, lost.days.last)
                begun = [replace(lost, days=before), replace(lost, card=new, days=after)]
            _replace(db, [lost], begun, "card", now_us)
        return lost.account

    def get(self, code: str) -> Account | None:
        """An account with the cards it has and had; None when there is none."""
        with self._database.read() as db:
            found = db.execute(select(account).where(account.c.code == code)).first()
            if found is None:
                return None
            rows = db.execute(_standing().where(holding.c.account == code))
            return _account(found, [of_row(row) for row in rows])

    def of_card(self, card: str, day: date) -> str | None:
        """Whose card it was on a day."""
        with self._database.read() as db:
            return db.execute(
                select(holding.c.account).where(
                    holding.c.card == card,
                    holding.c.void_us.is_(None),
                    holding.c.first_day <= day.toordinal(),
                    holding.c.last_day >= day.toordinal(),
                )
            ).scalar()

    def page(
        self,
        scope: Scope,
        today: date,
        *,
        after: str = "",
        prefix: str = "",
        community: str | None = None,
        card: str | None = None,
        limit: int = 100,
    ) -> list[Account]:
        """The scope's accounts by code, beginning after one: whose code begins so, who lives there
        today, who holds the card today. An account is its community's of today.
        """
        asked = select(account).where(account.c.code > after).order_by(account.c.code).limit(limit)
        if prefix:
            # LIKE folds case on SQLite and does not on PostgreSQL.
            code = func.lower(account.c.code)
            asked = asked.where(code.startswith(prefix.lower(), autoescape=True))
        if scope.accounts is not None:
            asked = asked.where(account.c.code.in_(scope.accounts))
        where = scope.within(community).communities
        narrowed = ((holding.c.community, where), (holding.c.card, card and {card}))
        if any(value is not None for _, value in narrowed):
            held = select(holding.c.account).where(
                holding.c.void_us.is_(None),
                holding.c.first_day <= today.toordinal(),
                holding.c.last_day >= today.toordinal(),
                *(column.in_(values) for column, values in narrowed if values is not None),
            )
            asked = asked.where(account.c.code.in_(held))
        with self._database.read() as db:
            rows = db.execute(asked).all()
            held_by = standing_of(db, [row.code for row in rows])
            return [_account(row, held_by[row.code]) for row in rows]

    def all(self) -> Iterator[Account]:
        """Every account, by code."""
        with self._database.read() as db:
            held: dict[str, list[Holding]] = {}
            for row in db.execute(_standing()):
                held.setdefault(row.account, []).append(of_row(row))
            for found in db.execute(select(account).order_by(account.c.code)):
                yield _account(found, held.get(found.code, []))

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        """A transaction during which no settler works: it would take marks of cards that are
        nobody's yet.
        """
        with self._database.write() as db:
            if db.dialect.name == "postgresql":
                db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ACCOUNTS_LOCK})
            yield db


def of_row(row: Row[tuple[object, ...]]) -> Holding:
    """The holding that a row of the table says."""
    days = Days(date.fromordinal(row.first_day), date.fromordinal(row.last_day))
    return Holding(row.card, days, row.account, row.community)


def standing_of(db: Connection, accounts: Sequence[str]) -> Mapping[str, list[Holding]]:
    """The holdings of some accounts."""
    found: dict[str, list[Holding]] = {code: [] for code in accounts}
    for start in range(0, len(accounts), AT_ONCE):
        some = accounts[start : start + AT_ONCE]
        for row in db.execute(_standing().where(among(db, holding.c.account, some))):
            found[row.account].append(of_row(row))
    return found


def ever_held(db: Connection, cards: Sequence[str]) -> list[str]:
    """Every account that has or had, rightly or wrongly, one of the cards."""
    found: set[str] = set()
    for start in range(0, len(cards), AT_ONCE):
        some = cards[start : start + AT_ONCE]
        asked = select(holding.c.account).where(among(db, holding.c.card, some)).distinct()
        found.update(db.execute(asked).scalars())
    return sorted(found)


def _standing() -> Select[Any]:
    return select(holding).where(holding.c.void_us.is_(None)).order_by(holding.c.id)


def _account(row: Row[tuple[object, ...]], holdings: Sequence[Holding]) -> Account:
    inorder = sorted(holdings, key=lambda h: (h.days.first, h.card))
    return Account(row.code, AccountKind(row.kind), row.balance, tuple(inorder))


def _replace(
    db: Connection, voided: Sequence[Holding], begun: Sequence[Holding], why: str, now_us: int
) -> None:
    """Void and begin holdings, and mark every day of theirs that has deposits."""
    newest = db.execute(select(func.max(holding.c.id))).scalar() or 0
    for h in voided:
        db.execute(
            update(holding)
            .where(
                holding.c.card == h.card,
                holding.c.first_day == h.days.first.toordinal(),
                holding.c.void_us.is_(None),
            )
            .values(void_us=now_us)
        )
    rows = [
        {
            "card": h.card,
            "first_day": h.days.first.toordinal(),
            "last_day": h.days.last.toordinal(),
            "account": h.account,
            "community": h.community,
            "made_us": now_us,
        }
        for h in begun
    ]
    insert_many(db, insert(holding).inline(), rows)
    if not rows and not voided:
        return
    days = deposit_line.c.day.between(holding.c.first_day, holding.c.last_day)
    touched = (
        select(deposit_line.c.card, deposit_line.c.day, literal(why))
        .join(holding, (holding.c.card == deposit_line.c.card) & days)
        .where(or_(holding.c.id > newest, holding.c.void_us == now_us))
        .distinct()
    )
    db.execute(insert(unsettled).from_select(["card", "day", "why"], touched).inline())
    outbox.write(db, [(OutboxKind.ACCOUNTS, {"holdings": len(rows)})], now_us)

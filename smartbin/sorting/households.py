"""Which households took part on how many days, and whose cards the deposits of some doors name."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select, tuple_

from smartbin.accounts.rules import AccountKind
from smartbin.accounts.tables import account, holding
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.database import Database
from smartbin.database.bulk import AT_ONCE, among
from smartbin.deposit_lines.tables import deposit_line
from smartbin.facts.events import Judge, Span, Verdict
from smartbin.verdicts.rules import DepositKey, HumanVerdict, standing
from smartbin.verdicts.store import of_row
from smartbin.verdicts.tables import human_verdict

_LINE, _HELD, _JUDGED = deposit_line.c, holding.c, human_verdict.c
_SAME_DEPOSIT = and_(
    _JUDGED.device == _LINE.device, _JUDGED.door == _LINE.door, _JUDGED.at_us == _LINE.at_us
)
_HOLDER = and_(
    _HELD.card == _LINE.card,
    _HELD.void_us.is_(None),
    _LINE.day.between(_HELD.first_day, _HELD.last_day),
)
_HOUSEHOLD = and_(account.c.code == _HELD.account, account.c.kind == AccountKind.HOUSEHOLD.value)


@dataclass(frozen=True, slots=True)
class Households:
    """A place's household accounts, and on which days each that took part did."""

    accounts: AbstractSet[str]
    days_of: Mapping[str, AbstractSet[int]]


NOBODY = Households(frozenset(), {})
_KEYS_AT_ONCE = 300  # deposits in one question: SQLite bounds the variables of a statement
_CARD_DAY = itemgetter(0, 1)


def took_part(
    database: Database, days: Days, valid_weight_g: int, community: str | None = None
) -> Mapping[str, Households]:
    """The households of each community (or of one) during these days. Whose verdict stands decides
    whether a deposit is valid.
    """
    window = [day.toordinal() for day in days]
    here = [_HELD.community == community] if community is not None else []
    with database.read() as db:
        held = _held(db, days, here)
        # Of one community its cards are looked up, of all every deposit of the days is read.
        cards = sorted(held) if community is not None else None
        valid = _not_judged(db, window, valid_weight_g, cards)
        judged = _judged(db, days)
        days_of: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        for card, day in chain(valid, _judged_valid(db, judged, valid_weight_g)):
            for first, last, account_, where in held.get(card, ()):
                if first <= day <= last:
                    days_of[where][account_].add(day)
    accounts: dict[str, set[str]] = defaultdict(set)
    for holdings in held.values():
        for _, _, account_, where in holdings:
            accounts[where].add(account_)
    return {where: Households(known, days_of.get(where, {})) for where, known in accounts.items()}


def together(every: Iterable[Households]) -> Households:
    """The households of several places: one that moved from one to another is one household."""
    accounts: set[str] = set()
    days_of: dict[str, set[int]] = defaultdict(set)
    for households in every:
        accounts |= households.accounts
        for code, days in households.days_of.items():
            days_of[code] |= days
    return Households(accounts, days_of)


def holders(database: Database, spans: Iterable[Span], zone: ZoneInfo) -> Counter[str]:
    """How many deposits with a card these doors got in their days, by the kind of account that
    held the card then; "unknown" when none did.
    """
    found: Counter[str] = Counter()
    kind = account.c.kind
    joined = deposit_line.outerjoin(holding, _HOLDER).outerjoin(
        account, account.c.code == _HELD.account
    )
    with database.read() as db:
        for span in spans:
            start_us, end_us = calendar.bounds_us(span.days, zone)
            asked = select(kind, func.count()).select_from(joined).group_by(kind)
            asked = asked.where(_LINE.device == span.door.device, _LINE.door == span.door.door)
            asked = asked.where(_LINE.at_us >= start_us, _LINE.at_us < end_us)
            for name, deposits in db.execute(asked):
                found[name or "unknown"] += deposits
    return found


def _held(
    db: Connection, days: Days, here: Sequence[ColumnElement[bool]]
) -> Mapping[str, list[tuple[int, int, str, str]]]:
    """Of each household's card: first and last day, account and community."""
    asked = (
        select(_HELD.card, _HELD.first_day, _HELD.last_day, _HELD.account, _HELD.community)
        .select_from(holding.join(account, _HOUSEHOLD))
        .where(_HELD.void_us.is_(None), _HELD.first_day <= days.last.toordinal())
        .where(_HELD.last_day >= days.first.toordinal(), *here)
    )
    found: dict[str, list[tuple[int, int, str, str]]] = defaultdict(list)
    for card, *rest in db.execute(asked):
        found[card].append((rest[0], rest[1], rest[2], rest[3]))
    return found


def _not_judged(
    db: Connection, window: Sequence[int], valid_weight_g: int, cards: Sequence[str] | None
) -> Iterator[tuple[str, int]]:
    """Cards and days with a deposit that is valid, and that nobody judged."""
    not_wrong = or_(_LINE.verdict.is_(None), _LINE.verdict != Verdict.INCORRECT.value)
    asked = select(_LINE.card, _LINE.day).distinct()
    asked = asked.where(_LINE.day.in_(window), _LINE.weight_g >= valid_weight_g, not_wrong)
    asked = asked.where(~exists().where(_SAME_DEPOSIT))
    if cards is None:
        yield from map(_CARD_DAY, db.execute(asked))
        return
    for start in range(0, len(cards), AT_ONCE):
        some = among(db, _LINE.card, cards[start : start + AT_ONCE])
        yield from map(_CARD_DAY, db.execute(asked.where(some)))


def _judged(db: Connection, days: Days) -> Mapping[DepositKey, list[HumanVerdict]]:
    window = days.first.toordinal(), days.last.toordinal()
    asked = select(human_verdict).where(_JUDGED.day.between(*window)).order_by(_JUDGED.id)
    found: dict[DepositKey, list[HumanVerdict]] = defaultdict(list)
    for row in db.execute(asked):
        one = of_row(row)
        found[one.deposit].append(one)
    return found


def _judged_valid(
    db: Connection, judged: Mapping[DepositKey, Sequence[HumanVerdict]], valid_weight_g: int
) -> Iterator[tuple[str, int]]:
    """Cards and days with a deposit that people judged, and that is valid as their verdict has
    it.
    """
    keys = list(judged)
    named = tuple_(_LINE.device, _LINE.door, _LINE.at_us)
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        some = [tuple(key) for key in keys[start : start + _KEYS_AT_ONCE]]
        for row in db.execute(select(deposit_line).where(named.in_(some))):
            said, by = row.verdict and Verdict(row.verdict), row.judge and Judge(row.judge)
            key = DepositKey(row.device, row.door, row.at_us)
            verdict, _ = standing(said, by, judged[key])
            if row.weight_g >= valid_weight_g and verdict is not Verdict.INCORRECT:
                yield row.card, row.day

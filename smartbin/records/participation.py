"""Which households took part on how many days, and whose cards the deposits of some doors name."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Engine, and_, exists, func, or_, select

from smartbin import calendar
from smartbin.calendar import Days
from smartbin.events import Judge, Verdict
from smartbin.records.bulk import AT_ONCE
from smartbin.records.judgements import DepositKey, Judgement, of_row, standing
from smartbin.records.reading import snapshot
from smartbin.records.schema import account, deposit_line, holding, judgement
from smartbin.rewards import AccountKind
from smartbin.telemetry import Span

_LINE, _HELD, _JUDGED = deposit_line.c, holding.c, judgement.c
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
    """A community's household accounts, and on how many days each that took part did."""

    accounts: int
    days_of: Mapping[str, int]


NOBODY = Households(0, {})


def took_part(
    engine: Engine, days: Days, valid_weight_g: int, community: str | None = None
) -> Mapping[str, Households]:
    """The households of each community (or of one) during these days. Whose verdict stands decides
    whether a deposit is valid.
    """
    window = [day.toordinal() for day in days]
    here = [_HELD.community == community] if community is not None else []
    with snapshot(engine) as db:
        known = _accounts(db, days, here)
        judged = _judged(db, days)
        found = _days_of(db, window, valid_weight_g, here, bool(judged))
        _add_judged(db, window, valid_weight_g, here, judged, found)
    return {name: Households(known[name], found.get(name, {})) for name in known}


def holders(engine: Engine, spans: Iterable[Span], zone: ZoneInfo) -> Counter[str]:
    """How many deposits with a card these doors got in their days, by the kind of account that
    held the card then; "unknown" when none did.
    """
    found: Counter[str] = Counter()
    kind = account.c.kind
    joined = deposit_line.outerjoin(holding, _HOLDER).outerjoin(
        account, account.c.code == _HELD.account
    )
    with snapshot(engine) as db:
        for span in spans:
            start_us, end_us = calendar.bounds_us(span.days, zone)
            asked = select(kind, func.count()).select_from(joined).group_by(kind)
            asked = asked.where(_LINE.device == span.door.device, _LINE.door == span.door.door)
            asked = asked.where(_LINE.at_us >= start_us, _LINE.at_us < end_us)
            for name, deposits in db.execute(asked):
                found[name or "unknown"] += deposits
    return found


Here = Sequence[ColumnElement[bool]]


def _accounts(db: Connection, days: Days, here: Here) -> Mapping[str, int]:
    asked = (
        select(_HELD.community, func.count(_HELD.account.distinct()))
        .select_from(holding.join(account, _HOUSEHOLD))
        .where(_HELD.void_us.is_(None), _HELD.first_day <= days.last.toordinal())
        .where(_HELD.last_day >= days.first.toordinal(), *here)
        .group_by(_HELD.community)
    )
    return {row[0]: row[1] for row in db.execute(asked)}


def _judged(db: Connection, days: Days) -> Mapping[DepositKey, list[Judgement]]:
    window = days.first.toordinal(), days.last.toordinal()
    asked = select(judgement).where(_JUDGED.day.between(*window)).order_by(_JUDGED.id)
    found: dict[DepositKey, list[Judgement]] = defaultdict(list)
    for row in db.execute(asked):
        one = of_row(row)
        found[one.deposit].append(one)
    return found


def _days_of(
    db: Connection, window: Sequence[int], valid_weight_g: int, here: Here, judged: bool
) -> dict[str, dict[str, int]]:
    """Days with a valid deposit that nobody judged, by community and account."""
    asked = (
        select(_HELD.community, _HELD.account, func.count(_LINE.day.distinct()))
        .select_from(holding.join(account, _HOUSEHOLD).join(deposit_line, _HOLDER))
        .where(_LINE.day.in_(window), *_valid(valid_weight_g), *here)
        .group_by(_HELD.community, _HELD.account)
    )
    if judged:
        asked = asked.where(~exists().where(_SAME_DEPOSIT))
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for name, code, days in db.execute(asked):
        found[name][code] = days
    return found


def _valid(valid_weight_g: int) -> list[ColumnElement[bool]]:
    not_wrong = or_(_LINE.verdict.is_(None), _LINE.verdict != Verdict.INCORRECT.value)
    return [_LINE.weight_g >= valid_weight_g, not_wrong]


def _add_judged(
    db: Connection,
    window: Sequence[int],
    valid_weight_g: int,
    here: Here,
    judged: Mapping[DepositKey, list[Judgement]],
    found: dict[str, dict[str, int]],
) -> None:
    """Add the days on which only deposits that people judged are valid."""
    if not judged:
        return
    households = holding.join(account, _HOUSEHOLD).join(deposit_line, _HOLDER)
    asked = (
        select(deposit_line, _HELD.community, _HELD.account)
        .select_from(households)
        .where(_LINE.day.in_(window), exists().where(_SAME_DEPOSIT), *here)
    )
    extra: dict[tuple[str, str], set[int]] = defaultdict(set)
    for row in db.execute(asked):
        key = DepositKey(row.device, row.door, row.at_us)
        verdict, _ = standing(
            row.verdict and Verdict(row.verdict), row.judge and Judge(row.judge), judged[key]
        )
        if row.weight_g >= valid_weight_g and verdict is not Verdict.INCORRECT:
            extra[row.community, row.account].add(row.day)
    codes = sorted({code for _, code in extra})
    for start in range(0, len(codes), AT_ONCE):
        days_known = (
            select(_HELD.community, _HELD.account, _LINE.day)
            .select_from(households)
            .where(_HELD.account.in_(codes[start : start + AT_ONCE]), _LINE.day.in_(window))
            .where(~exists().where(_SAME_DEPOSIT), *_valid(valid_weight_g), *here)
            .distinct()
        )
        for name, code, day in db.execute(days_known):
            extra[name, code].discard(day)
    for (name, code), days in extra.items():
        if days:
            found[name][code] = found[name].get(code, 0) + len(days)

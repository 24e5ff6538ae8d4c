"""What accounts earned in a week by their deposits, people's verdicts and the tariff: the one
reading that settling and statements share, so that they cannot differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from smartbin.calendar import Days
from smartbin.events import DoorKey, Item, Judge, Verdict
from smartbin.records.account_table import Holding
from smartbin.records.accounts import standing_of
from smartbin.records.bulk import AT_ONCE
from smartbin.records.judgements import DepositKey, Judgement, standing
from smartbin.records.judgements import of_row as judgement_of
from smartbin.records.schema import account, deposit_line, judgement
from smartbin.registry import Registry
from smartbin.rewards import AccountKind, Earned, RewardDeposit, Tariffs, earned_in_week


def week_of(day: date) -> Days:
    """The ISO week, Monday to Sunday, of a day."""
    monday = day - timedelta(days=day.weekday())
    return Days(monday, monday + timedelta(days=6))


@dataclass(frozen=True, slots=True)
class Line:
    """What a deposit earned, and the community its account lived in on that day."""

    earned: Earned
    community: str


class Earnings:
    """Reads deposits and applies the tariff. Bound to what does not change while it reads."""

    def __init__(self, registry: Registry, tariffs: Tariffs) -> None:
        self._registry, self._tariffs = registry, tariffs

    def in_weeks(
        self, db: Connection, accounts: Sequence[str], days: Days
    ) -> dict[str, list[Line]]:
        """Every deposit of each account in the ISO weeks that the days touch, in the order of
        events, and what it earned. An account that is none is absent.
        """
        kinds = _kinds(db, accounts)
        whole = Days(week_of(days.first).first, week_of(days.last).last)
        deposits = self.deposits(db, list(kinds), whole)
        found: dict[str, list[Line]] = {}
        for code, kind in kinds.items():
            own = deposits.get(code, [])
            homes = {_name(deposit): community for deposit, community in own}
            weeks: dict[date, list[RewardDeposit]] = defaultdict(list)
            for deposit, _ in own:
                weeks[week_of(deposit.day).first].append(deposit)
            found[code] = [
                Line(one, homes[_name(one.deposit)])
                for monday in sorted(weeks)
                for one in earned_in_week(self._tariffs, kind, weeks[monday])
            ]
        return found

    def deposits(
        self, db: Connection, accounts: Sequence[str], days: Days
    ) -> dict[str, list[tuple[RewardDeposit, str]]]:
        """The deposits of accounts in some days, with the verdicts that stand; and the community
        the account lived in on each one's day.
        """
        holders: dict[str, list[Holding]] = defaultdict(list)
        for holdings in standing_of(db, accounts).values():
            for h in holdings:
                if h.days.overlap(days):
                    holders[h.card].append(h)
        found: dict[str, list[tuple[RewardDeposit, str]]] = defaultdict(list)
        judged = _judged(db, sorted(holders), days)
        for row in _lines(db, sorted(holders), days):
            day = date.fromordinal(row.day)
            for h in holders[row.card]:
                if day in h.days:
                    deposit = self._deposit(row, day, judged)
                    found[h.account].append((deposit, h.community))
        return found

    def _deposit(
        self, row: Row[Any], day: date, judged: Mapping[DepositKey, list[Judgement]]
    ) -> RewardDeposit:
        verdict, judge = standing(
            row.verdict and Verdict(row.verdict),
            row.judge and Judge(row.judge),
            judged.get(DepositKey(row.device, row.door, row.at_us), ()),
        )
        door = self._registry.door(DoorKey(row.device, row.door), day)
        return RewardDeposit(
            row.device,
            row.door,
            row.at_us,
            day,
            door.category if door else None,
            row.weight_g,
            verdict,
            judge,
            row.item and Item(row.item),
            self._registry.community_of(row.device, day),
        )


def _name(deposit: RewardDeposit) -> DepositKey:
    return DepositKey(deposit.device, deposit.door, deposit.at_us)


def _kinds(db: Connection, accounts: Sequence[str]) -> dict[str, AccountKind]:
    found = {}
    for start in range(0, len(accounts), AT_ONCE):
        some = accounts[start : start + AT_ONCE]
        rows = db.execute(select(account.c.code, account.c.kind).where(account.c.code.in_(some)))
        found.update({code: AccountKind(kind) for code, kind in rows})
    return found


def _lines(db: Connection, cards: Sequence[str], days: Days) -> Iterator[Row[Any]]:
    for some, ordinals in _questions(cards, days):
        yield from db.execute(
            select(deposit_line).where(
                deposit_line.c.day.in_(ordinals), deposit_line.c.card.in_(some)
            )
        )


def _judged(db: Connection, cards: Sequence[str], days: Days) -> dict[DepositKey, list[Judgement]]:
    found: dict[DepositKey, list[Judgement]] = {}
    same = (
        (judgement.c.device == deposit_line.c.device)
        & (judgement.c.door == deposit_line.c.door)
        & (judgement.c.at_us == deposit_line.c.at_us)
    )
    for some, ordinals in _questions(cards, days):
        rows = db.execute(
            select(judgement)
            .join(deposit_line, same)
            .where(
                judgement.c.day.in_(ordinals),
                deposit_line.c.day.in_(ordinals),
                deposit_line.c.card.in_(some),
            )
            .order_by(judgement.c.id)
        )
        for row in rows:
            one = judgement_of(row)
            found.setdefault(one.deposit, []).append(one)
    return found


def _questions(cards: Sequence[str], days: Days) -> Iterator[tuple[Sequence[str], list[int]]]:
    """Cards and days that one question asks: each pair is a seek in the index (day, card)."""
    ordinals = list(range(days.first.toordinal(), days.last.toordinal() + 1))
    for start in range(0, len(cards), AT_ONCE):
        for first in range(0, len(ordinals), 64):
            yield cards[start : start + AT_ONCE], ordinals[first : first + 64]

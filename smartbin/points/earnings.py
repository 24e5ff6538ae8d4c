"""What accounts earned in a week by their deposits, people's verdicts and the tariff: the one
reading that settling and statements share, so that they cannot differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from smartbin.accounts.account_table import Holding
from smartbin.accounts.rules import AccountKind
from smartbin.accounts.store import standing_of
from smartbin.accounts.tables import account
from smartbin.core.calendar import Days
from smartbin.database.bulk import AT_ONCE, among
from smartbin.deposit_lines.tables import deposit_line
from smartbin.facts.events import Category, DoorKey, Item, Judge, Verdict
from smartbin.places import Registry
from smartbin.points.claims import decisions, held_weeks, week_of
from smartbin.points.rules.claims import ClaimState, claim_state
from smartbin.points.rules.earning import Earned, RewardDeposit, earned_in_week
from smartbin.points.rules.tariff import Tariffs
from smartbin.verdicts.rules import DepositKey, HumanVerdict, standing
from smartbin.verdicts.store import of_row as human_verdict_of
from smartbin.verdicts.tables import human_verdict

# A look-up instead of a call: these are asked for every deposit of every account's week.
_VERDICTS = {verdict.value: verdict for verdict in Verdict}
_JUDGES = {judge.value: judge for judge in Judge}
_ITEMS = {item.value: item for item in Item}


@dataclass(frozen=True, slots=True)
class EarningLine:
    """What a deposit earned, and the community its account lived in on that day."""

    earned: Earned
    community: str


class Earnings:
    """Reads deposits and applies the tariff. Bound to what does not change while it reads."""

    def __init__(self, registry: Registry, tariffs: Tariffs) -> None:
        self._registry, self._tariffs = registry, tariffs

    def in_weeks(
        self, db: Connection, accounts: Sequence[str], days: Days, *, released: bool = False
    ) -> dict[str, list[EarningLine]]:
        """Every deposit of each account in the ISO weeks that the days touch, in the order of
        events, and what it earned; ``released``: would earn if everything held were released. An
        account that is none is absent.
        """
        kinds = _kinds(db, accounts)
        whole = Days(week_of(days.first).first, week_of(days.last).last)
        deposits = self.deposits(db, list(kinds), whole)
        found: dict[str, list[EarningLine]] = {}
        for code, kind in kinds.items():
            own = deposits.get(code, [])
            homes = {(d.device, d.door, d.at_us): community for d, community in own}
            weeks: dict[int, list[RewardDeposit]] = defaultdict(list)
            for deposit, _ in own:
                if released and deposit.claim is ClaimState.HELD:
                    deposit = replace(deposit, claim=ClaimState.RELEASED)
                weeks[(deposit.day.toordinal() - 1) // 7].append(deposit)  # ordinal 1 is a Monday
            lines = found[code] = []
            for week in sorted(weeks):
                for one in earned_in_week(self._tariffs, kind, weeks[week]):
                    d = one.deposit
                    lines.append(EarningLine(one, homes[d.device, d.door, d.at_us]))
        return found

    def held(self, db: Connection, code: str) -> int:
        """The points that an account's held deposits would add if they were released."""
        weeks = held_weeks(db, code)
        now = (self.in_weeks(db, [code], week) for week in weeks)
        then = (self.in_weeks(db, [code], week, released=True) for week in weeks)
        sums = [
            sum(line.earned.points for found in every for line in found.get(code, ()))
            for every in (then, now)
        ]
        return max(0, sums[0] - sums[1])

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
        cards, places = sorted(holders), _Places(self._registry)
        judged = _judged(db, cards, days)
        decided = decisions(db, days, self._registry.site.zone)
        for device, door, at_us, card, ordinal, weight_g, said, by, item, arrived_us in _lines(
            db, cards, days
        ):
            place = places.on(device, door, ordinal)
            verdict, judge = said and _VERDICTS[said], by and _JUDGES[by]
            if judged:
                people = judged.get(DepositKey(device, door, at_us), ())
                verdict, judge = standing(verdict, judge, people)
            what = item and _ITEMS[item]
            deposit = RewardDeposit(
                device, door, at_us, place.day, place.category, weight_g, verdict, judge, what,
                place.community, card,
                claim_state(decided.get(device, ()), door, at_us, arrived_us),
            )  # fmt: skip
            for h in holders[card]:
                if h.days.first <= place.day <= h.days.last:
                    found[h.account].append((deposit, h.community))
        return found


class _Place(NamedTuple):
    """What a door was on a day, and whose its bin."""

    day: date
    category: Category | None
    community: str | None


class _Places:
    """The registry, asked once for each door and day: a week of a site has many more deposits."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._known: dict[tuple[str, str, int], _Place] = {}

    def on(self, device: str, door: str, ordinal: int) -> _Place:
        """The door on a day, given as its ordinal."""
        place = self._known.get((device, door, ordinal))
        if place is None:
            day = date.fromordinal(ordinal)
            found = self._registry.door(DoorKey(device, door), day)
            category = found.category if found else None
            community = self._registry.community_of(device, day)
            place = self._known[device, door, ordinal] = _Place(day, category, community)
        return place


def _kinds(db: Connection, accounts: Sequence[str]) -> dict[str, AccountKind]:
    found = {}
    for start in range(0, len(accounts), AT_ONCE):
        some = accounts[start : start + AT_ONCE]
        asked = select(account.c.code, account.c.kind).where(among(db, account.c.code, some))
        found.update({code: AccountKind(kind) for code, kind in db.execute(asked)})
    return found


def _lines(db: Connection, cards: Sequence[str], days: Days) -> Iterator[Any]:
    line = deposit_line.c
    asked = select(
        line.device, line.door, line.at_us, line.card, line.day, line.weight_g, line.verdict,
        line.judge, line.item, line.arrived_us,
    )  # fmt: skip
    for some, ordinals in _questions(cards, days):
        chosen = asked.where(line.day.in_(ordinals), among(db, line.card, some))
        yield from db.execute(chosen).all()


def _judged(
    db: Connection, cards: Sequence[str], days: Days
) -> dict[DepositKey, list[HumanVerdict]]:
    found: dict[DepositKey, list[HumanVerdict]] = {}
    same = (
        (human_verdict.c.device == deposit_line.c.device)
        & (human_verdict.c.door == deposit_line.c.door)
        & (human_verdict.c.at_us == deposit_line.c.at_us)
    )
    for some, ordinals in _questions(cards, days):
        rows = db.execute(
            select(human_verdict)
            .join(deposit_line, same)
            .where(
                human_verdict.c.day.in_(ordinals),
                deposit_line.c.day.in_(ordinals),
                among(db, deposit_line.c.card, some),
            )
            .order_by(human_verdict.c.id)
        )
        for row in rows:
            one = human_verdict_of(row)
            found.setdefault(one.deposit, []).append(one)
    return found


def _questions(cards: Sequence[str], days: Days) -> Iterator[tuple[Sequence[str], list[int]]]:
    """Cards and days that one question asks: each pair is a seek in the index (day, card)."""
    ordinals = list(range(days.first.toordinal(), days.last.toordinal() + 1))
    for start in range(0, len(cards), AT_ONCE):
        for first in range(0, len(ordinals), 64):
            yield cards[start : start + AT_ONCE], ordinals[first : first + 64]

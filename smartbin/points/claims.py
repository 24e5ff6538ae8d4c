"""Deposits that wait for a person, and what persons decided of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from sqlalchemy import Connection, and_, func, insert, or_, select

from smartbin.accounts.store import standing_of
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.core.errors import BadInput
from smartbin.database import Database
from smartbin.database.bulk import AT_ONCE, among
from smartbin.database.requests import named_request, once
from smartbin.deposit_lines.tables import LATE, deposit_line
from smartbin.points.kept_rules import mark_days
from smartbin.points.rules.claims import ClaimState, Decision
from smartbin.points.tables import claim_decision

HELD_DAYS_MAX = 1_000
"""At most this many card-days of an account, the newest, are looked at for held deposits."""
DECISION_DAYS_MAX = 4_000
_LINE, _MADE = deposit_line.c, claim_decision.c


@dataclass(frozen=True, slots=True)
class HeldClaims:
    """A device's deposits with a card that wait for a person."""

    device: str
    deposits: int
    cards: int
    weight_g: int
    first_us: int
    last_us: int
    arrived_first_us: int
    arrived_last_us: int


class DecisionReceipt(BaseModel, frozen=True):
    """The answer to a decision: how many card-days are settled again by it."""

    device: str
    state: ClaimState
    card_days: int


class Claims:
    """What devices claimed late, in the records' database."""

    def __init__(self, database: Database, zone: ZoneInfo) -> None:
        self._database, self._zone = database, zone

    def held(self) -> list[HeldClaims]:
        """What waits, a row a device, the newest arrival first."""
        line, state = _LINE, _newest_state()
        waits = or_(state == ClaimState.HELD.value, and_(state.is_(None), LATE))
        candidates = or_(LATE, _LINE.device.in_(select(_MADE.device).where(_HELD)))
        arrived = func.coalesce(line.arrived_us, line.at_us)
        asked = (
            select(
                line.device, func.count(), func.count(line.card.distinct()),
                func.sum(line.weight_g), func.min(line.at_us), func.max(line.at_us),
                func.min(arrived), func.max(arrived),
            )
            .where(candidates, waits)
            .group_by(line.device)
            .order_by(func.max(arrived).desc(), line.device)
        )  # fmt: skip
        with self._database.read() as db:
            return [HeldClaims(row[0], *map(int, row[1:])) for row in db.execute(asked)]

    def decide(
        self,
        device: str,
        days: Days,
        state: ClaimState,
        reason: str,
        who: str,
        now_us: int,
        request_id: str | None = None,
    ) -> DecisionReceipt:
        """Release or reject what a device said of these days and what has arrived of it until now:
        the days are settled again, and the differences booked. Repeating changes nothing.
        """
        if state not in (ClaimState.RELEASED, ClaimState.REJECTED):
            raise BadInput(f"decision: {state} is not one; release or reject")
        if len(days) > DECISION_DAYS_MAX:
            raise BadInput(f"from, to: {len(days)} days; decide {DECISION_DAYS_MAX} at a time")
        if not reason.strip() or len(reason) > 200:
            raise BadInput("reason: say why in 1 to 200 characters")
        content = {
            "claims": device, "from": days.first.isoformat(), "to": days.last.isoformat(),
            "state": state.value, "reason": reason, "who": who,
        }  # fmt: skip
        with named_request(), self._database.write() as db:

            def act() -> DecisionReceipt:
                start_us, end_us = calendar.bounds_us(days, self._zone)
                row = _row(device, None, start_us, end_us - 1, state, reason, who, now_us)
                db.execute(insert(claim_decision).values(row))
                why = "release" if state is ClaimState.RELEASED else "void"
                marked = mark_days(db, days, why, device)
                return DecisionReceipt(device=device, state=state, card_days=marked)

            if request_id is None:
                return act()
            return once(db, request_id, content, now_us, DecisionReceipt, act)


def decisions(db: Connection, days: Days, zone: ZoneInfo) -> Mapping[str, Sequence[Decision]]:
    """By device what was decided of some days, the newest first."""
    start_us, end_us = calendar.bounds_us(days, zone)
    asked = select(claim_decision).where(_MADE.first_us < end_us, _MADE.last_us >= start_us)
    found: dict[str, list[Decision]] = defaultdict(list)
    for row in db.execute(asked.order_by(_MADE.id.desc())):
        found[row.device].append(
            Decision(
                row.device, row.door, row.first_us, row.last_us, row.arrived_us,
                ClaimState(row.state),
            )
        )  # fmt: skip
    return found


def held_weeks(db: Connection, code: str) -> list[Days]:
    """The weeks in which an account's cards have deposits that are or were held."""
    held_by: dict[str, list[Days]] = defaultdict(list)
    for holding in standing_of(db, [code])[code]:
        held_by[holding.card].append(holding.days)
    cards, state = sorted(held_by), _newest_state()
    days: set[tuple[str, int]] = set()
    for start in range(0, len(cards), AT_ONCE):
        some = among(db, _LINE.card, cards[start : start + AT_ONCE])
        asked = select(_LINE.card, _LINE.day).distinct().order_by(_LINE.day.desc())
        late = asked.where(some, LATE, or_(state.is_(None), state == ClaimState.HELD.value))
        days |= {(card, day) for card, day in db.execute(late.limit(HELD_DAYS_MAX))}
    own = (date.fromordinal(n) for card, n in days if _within(held_by[card], n))
    return sorted({week_of(day) for day in own}, key=lambda week: week.first)


def week_of(day: date) -> Days:
    """The ISO week, Monday to Sunday, of a day."""
    monday = day - timedelta(days=day.weekday())
    return Days(monday, monday + timedelta(days=6))


_HELD = _MADE.state == ClaimState.HELD.value


def _within(every: Sequence[Days], ordinal: int) -> bool:
    return any(days.first.toordinal() <= ordinal <= days.last.toordinal() for days in every)


def _newest_state() -> Any:
    """The state of the newest decision that covers a line, as part of a statement over lines."""
    covers = and_(
        _MADE.device == _LINE.device,
        or_(_MADE.door.is_(None), _MADE.door == _LINE.door),
        _LINE.at_us.between(_MADE.first_us, _MADE.last_us),
        func.coalesce(_LINE.arrived_us, 0) <= _MADE.arrived_us,
    )
    newest = select(_MADE.state).where(covers).order_by(_MADE.id.desc()).limit(1)
    return newest.correlate(deposit_line).scalar_subquery()


def _row(
    device: str, door: str | None, first_us: int, last_us: int, state: ClaimState, reason: str,
    who: str, now_us: int,
) -> dict[str, Any]:  # fmt: skip
    return {
        "device": device,
        "door": door,
        "first_us": first_us,
        "last_us": last_us,
        "arrived_us": now_us,
        "state": state.value,
        "reason": reason,
        "who": who,
        "decided_us": now_us,
    }

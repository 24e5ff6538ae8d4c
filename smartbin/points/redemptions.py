"""Redemptions: points spent on rewards, handed over or cancelled.

A redemption is one transaction: the account's row is locked, its balance and the stock are
checked by the very statements that lower them. So no pair of requests, however close, can spend a
point or a piece twice, on SQLite as on PostgreSQL. What is cancelled is a reversing entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from sqlalchemy import Connection, Row, insert, select, update

from smartbin.accounts.store import home, standing_of
from smartbin.accounts.tables import account
from smartbin.core import calendar
from smartbin.core.errors import BadInput, Conflict, NotFound
from smartbin.core.scope import Scope
from smartbin.database import Database, outbox
from smartbin.database.outbox import OutboxKind
from smartbin.database.requests import named_request, once
from smartbin.points.ledger import Entry, EntryKind, append, lock_account, spendable
from smartbin.points.rules.tariff import Tariffs
from smartbin.points.tables import redemption, reward

CANCEL_DAYS = 7  # after that the piece is put back by an adjustment, with a reason
QUANTITY_MAX = 100
NO_TARIFFS = Tariffs([])  # points wait for nothing


class State(StrEnum):
    """Where a redemption stands."""

    RESERVED = "reserved"
    HANDED_OVER = "handed_over"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Redemption:
    """Rewards asked for, and the points that went for them."""

    id: int
    account: str
    community: str
    reward: str
    quantity: int
    points: int
    state: State
    made_us: int
    changed_us: int
    changed_by: str


class RedemptionReceipt(BaseModel, frozen=True):
    """The answer to a redemption: the redemption as it was made, and the ``balance`` left then."""

    id: int
    account: str
    community: str
    reward: str
    quantity: int
    points: int
    state: State
    made_us: int
    changed_us: int
    changed_by: str
    balance: int


class Redemptions:
    """The redemptions in the records' database."""

    def __init__(self, database: Database, zone: ZoneInfo, tariffs: Tariffs = NO_TARIFFS) -> None:
        self._database, self._zone, self._tariffs = database, zone, tariffs

    def redeem(
        self, code: str, request_id: str, reward_id: str, quantity: int, who: str, now_us: int
    ) -> RedemptionReceipt:
        """Spend an account's points on rewards; repeating the request changes nothing and is
        answered the same. NotFound for the account or the reward; Conflict when the points or
        the stock do not suffice, or the id was used for something else.
        """
        if not 1 <= quantity <= QUANTITY_MAX:
            raise BadInput(f"quantity: {quantity} is not from 1 to {QUANTITY_MAX}")
        content = {"redeem": reward_id, "account": code, "quantity": quantity}
        with named_request(), self._database.write() as db:
            lock_account(db, code)

            def act() -> RedemptionReceipt:
                return self._redeem(db, code, reward_id, quantity, who, now_us)

            return once(db, request_id, content, now_us, RedemptionReceipt, act)

    def cancel(self, number: int, who: str, now_us: int) -> Redemption:
        """Take a redemption back: points and pieces return. Conflict when it was handed over or
        is too old; cancelling again changes nothing.
        """
        with self._database.write() as db:
            one = self._locked(db, number)
            if one.state is State.CANCELLED:
                return one
            if one.state is State.HANDED_OVER:
                raise Conflict("handed-over", f"redemption {number} was handed over; adjust points")
            if now_us - one.made_us > CANCEL_DAYS * 24 * calendar.US_PER_HOUR:
                said = f"redemption {number} is older than {CANCEL_DAYS} days; adjust points"
                raise Conflict("too-late", said)
            db.execute(
                update(reward)
                .where(reward.c.id == one.reward)
                .values(stock=reward.c.stock + one.quantity)
            )
            today = calendar.day_of(now_us, self._zone)
            text = f"{one.quantity} x {one.reward}"
            append(
                db,
                [Entry(one.account, one.community, EntryKind.REFUND, one.points, today, text,
                       f"redemption {number}", who)],
                now_us,
                self._zone,
            )  # fmt: skip
            return _moved(db, number, State.CANCELLED, who, now_us)

    def hand_over(self, number: int, who: str, now_us: int) -> Redemption:
        """The pieces were given out; Conflict when it was cancelled. Again changes nothing."""
        with self._database.write() as db:
            one = self._locked(db, number)
            if one.state is State.HANDED_OVER:
                return one
            if one.state is State.CANCELLED:
                raise Conflict("cancelled", f"redemption {number} was cancelled; redeem anew")
            return _moved(db, number, State.HANDED_OVER, who, now_us)

    def get(self, number: int) -> Redemption | None:
        """One redemption; None for an unknown number."""
        asked = select(redemption).where(redemption.c.id == number)
        with self._database.read() as db:
            found = db.execute(asked).first()
        return None if found is None else _of_row(found)

    def find(
        self,
        scope: Scope,
        *,
        code: str | None = None,
        state: State | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[Redemption]:
        """The scope's redemptions, newest first; ``before`` is the last id of the page before."""
        asked = select(redemption).order_by(redemption.c.id.desc()).limit(limit)
        bounds = (
            (redemption.c.community, scope.communities),
            (redemption.c.account, scope.accounts),
        )
        for column, allowed in bounds:
            if allowed is not None:
                asked = asked.where(column.in_(allowed))
        filters = (redemption.c.account, code), (redemption.c.state, state and state.value)
        for column, value in filters:
            if value is not None:
                asked = asked.where(column == value)
        if before is not None:
            asked = asked.where(redemption.c.id < before)
        with self._database.read() as db:
            return [_of_row(row) for row in db.execute(asked)]

    def _redeem(
        self, db: Connection, code: str, reward_id: str, quantity: int, who: str, now_us: int
    ) -> RedemptionReceipt:
        found = db.execute(select(reward).where(reward.c.id == reward_id)).first()
        if found is None or not found.offered:
            said = f"reward: {reward_id!r} is not offered; GET /api/v1/rewards lists what is"
            raise NotFound("unknown-reward", said)
        points = found.price * quantity
        # The row is locked: what is read here still holds when the entry is appended.
        balance = db.execute(select(account.c.balance).where(account.c.code == code)).scalar_one()
        if balance < points:
            said = f"{quantity} x {reward_id} cost {points} points, the balance is {balance}"
            if balance < 0:
                said += f" after a correction; {-balance} points have to be earned back first"
            raise Conflict("too-few-points", said, balance=balance, points=points)
        today = calendar.day_of(now_us, self._zone)
        delay_days = self._tariffs.spend_delay_days(today)
        may = spendable(db, code, balance, today, delay_days)
        if may < points:
            said = (
                f"{quantity} x {reward_id} cost {points} points; {may} of the balance of {balance} "
                f"can be spent: points wait {delay_days} days after they are booked"
            )
            raise Conflict("not-yet-spendable", said, balance=balance, spendable=may, points=points)
        taken = db.execute(
            update(reward)
            .where(reward.c.id == reward_id, reward.c.offered, reward.c.stock >= quantity)
            .values(stock=reward.c.stock - quantity)
        ).rowcount
        if not taken:
            raise Conflict("out-of-stock", f"fewer than {quantity} of {reward_id} are left")
        row = {
            "account": code,
            "community": home(standing_of(db, [code])[code], today) or "",
            "reward": reward_id,
            "quantity": quantity,
            "points": points,
            "state": State.RESERVED.value,
            "made_us": now_us,
            "changed_us": now_us,
            "changed_by": who,
        }
        number = db.execute(insert(redemption).values(row).returning(redemption.c.id)).scalar_one()
        entry = Entry(code, row["community"], EntryKind.REDEMPTION, -points, today,
                      f"{quantity} x {reward_id}", f"redemption {number}", who)  # fmt: skip
        append(db, [entry], now_us, self._zone)
        _announce(db, number, State.RESERVED, now_us)
        return RedemptionReceipt(id=number, **row, balance=balance - points)

    def _locked(self, db: Connection, number: int) -> Redemption:
        """A redemption, its account locked first: the order every transaction keeps."""
        asked = select(redemption).where(redemption.c.id == number)
        found = db.execute(asked).first()
        if found is None:
            raise NotFound("unknown-redemption", f"redemption: there is no number {number}")
        lock_account(db, found.account)
        return _of_row(db.execute(asked).one())


def _moved(db: Connection, number: int, state: State, who: str, now_us: int) -> Redemption:
    change = {"state": state.value, "changed_us": now_us, "changed_by": who}
    db.execute(update(redemption).where(redemption.c.id == number).values(change))
    _announce(db, number, state, now_us)
    return _of_row(db.execute(select(redemption).where(redemption.c.id == number)).one())


def _announce(db: Connection, number: int, state: State, now_us: int) -> None:
    row = {"redemption": number, "state": state.value}
    outbox.write(db, [(OutboxKind.REDEMPTION, row)], now_us)


def _of_row(row: Row[tuple[Any, ...]]) -> Redemption:
    return Redemption(**{**row._mapping, "state": State(row.state)})

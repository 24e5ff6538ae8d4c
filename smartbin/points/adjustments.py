"""Points that the office gives or takes, with a reason."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from pydantic import BaseModel

from smartbin.accounts.store import home, standing_of
from smartbin.core import calendar
from smartbin.core.errors import BadInput
from smartbin.database import Database
from smartbin.database.requests import named_request, once
from smartbin.points.ledger import Entry, EntryKind, append, lock_account

POINTS_MAX = 1_000_000


class AdjustmentReceipt(BaseModel, frozen=True):
    """The answer to an adjustment; ``balance`` is what was left then."""

    account: str
    points: int
    balance: int


class Adjustments:
    """The office's adjustments in the records' database."""

    def __init__(self, database: Database, zone: ZoneInfo) -> None:
        self._database, self._zone = database, zone

    def add(
        self, code: str, request_id: str, points: int, reason: str, who: str, now_us: int
    ) -> AdjustmentReceipt:
        """The office gives or takes points, saying why. May lead below zero. Repeating changes
        nothing.
        """
        if not points or abs(points) > POINTS_MAX:
            raise BadInput(f"points: from -{POINTS_MAX} to {POINTS_MAX}, not 0")
        if not reason.strip() or len(reason) > 200:
            raise BadInput("reason: say why in 1 to 200 characters")
        content = {"adjust": points, "account": code, "reason": reason, "who": who}
        with named_request(), self._database.write() as db:
            balance = lock_account(db, code)

            def act() -> AdjustmentReceipt:
                today = calendar.day_of(now_us, self._zone)
                community = home(standing_of(db, [code])[code], today) or ""
                entry = Entry(
                    code, community, EntryKind.ADJUSTMENT, points, today, reason, request_id, who
                )
                append(db, [entry], now_us, self._zone)
                return AdjustmentReceipt(account=code, points=points, balance=balance + points)

            return once(db, request_id, content, now_us, AdjustmentReceipt, act)

"""Deposit lines: which card deposited what, marked as unsettled in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from smartbin import calendar
from smartbin.errors import StoreRefused, StoreUnavailable
from smartbin.events import Deposit, identity
from smartbin.records import prepare
from smartbin.records.bulk import insert_into, insert_many
from smartbin.records.schema import deposit_line, unsettled


class DepositLines:
    """The half of records that the gateway writes."""

    def __init__(self, engine: Engine, zone: ZoneInfo) -> None:
        self._engine, self._zone, self._ready = engine, zone, False
        self._lines = insert_into(engine, deposit_line).on_conflict_do_nothing()
        self._marks = insert_into(engine, unsettled).inline()  # nobody asks for the ids

    def append(self, deposits: Sequence[Deposit]) -> None:
        """Keep the lines of deposits that name a card; twice is once; raises the stores' errors."""
        # In the order of their keys: two gateways that keep the same lines wait for each other,
        # and never each for the other.
        lines = sorted((d for d in deposits if d.account is not None), key=identity)
        if not lines:
            return
        rows = [self._row(deposit) for deposit in lines]
        # A mark too many settles to a difference of nothing; a mark too few loses points.
        marked = sorted({(row["card"], row["day"]) for row in rows})
        marks = [{"card": card, "day": day} for card, day in marked]
        try:
            self._prepare()
            with self._engine.begin() as db:
                insert_many(db, self._lines, rows)
                insert_many(db, self._marks, marks)
        except (DataError, IntegrityError, OverflowError) as error:
            raise StoreRefused(f"records: {error}") from error
        except SQLAlchemyError as error:
            raise StoreUnavailable(f"records (SMARTBIN_RECORDS_URL): {error}") from error

    def _prepare(self) -> None:
        if not self._ready:
            prepare(self._engine)
            self._ready = True

    def _row(self, d: Deposit) -> dict[str, Any]:
        return {
            "device": d.device,
            "door": d.door,
            "at_us": d.at_us,
            "card": d.account,
            "day": calendar.day_of(d.at_us, self._zone).toordinal(),
            "weight_g": d.weight_g,
            "verdict": d.verdict,
            "judge": d.judge,
            "item": d.item,
        }

"""Deposit lines: which card deposited what, marked as unsettled in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from smartbin.core.calendar import Slots
from smartbin.database import Database
from smartbin.facts.events import Deposit

MARKS_AT_ONCE = 250
"""Marks in one statement: half the time of a statement each."""


class DepositLines:
    """The half of records that the gateway writes."""

    def __init__(self, database: Database, zone: ZoneInfo) -> None:
        self._database, self._ready = database, False
        self._slots = Slots(zone)
        mark = "?" if database.dialect == "sqlite" else "%s"
        self._add_lines = _ADD_LINES.replace("?", mark)
        self._mark = f"({mark}, {mark})"

    def append(self, deposits: Sequence[Deposit]) -> None:
        """Keep the lines of deposits that name a card; twice is once; raises the stores' errors."""
        # In the order of their keys: two gateways that keep the same lines wait for each other,
        # and never each for the other.
        lines = sorted((self._line(d) for d in deposits if d.account is not None), key=_IDENTITY)
        if not lines:
            return
        # A mark too many settles to a difference of nothing; a mark too few loses points.
        marks = sorted({_CARD_DAY(line) for line in lines})
        self._prepare()
        with self._database.write() as db:
            db.exec_driver_sql(self._add_lines, lines)
            for start in range(0, len(marks), MARKS_AT_ONCE):
                some = marks[start : start + MARKS_AT_ONCE]
                add = _ADD_MARKS.format(", ".join([self._mark] * len(some)))
                db.exec_driver_sql(add, tuple(chain.from_iterable(some)))

    def _prepare(self) -> None:
        if not self._ready:
            self._database.prepare()
            self._ready = True

    def _line(self, d: Deposit) -> tuple[Any, ...]:
        # Plain values: a driver looks for an adapter of every other type, for each value.
        return (
            *(d.device, d.door, d.at_us, d.account, self._slots.of(d.at_us)[0], d.weight_g),
            d.verdict and d.verdict._value_,
            d.judge and d.judge._value_,
            d.item and d.item._value_,
        )


# Said to the driver itself: SQLAlchemy would look at every value of every row, which took most of
# the time of keeping a batch.
_ADD_LINES = """INSERT INTO deposit_line
    (device, door, at_us, card, day, weight_g, verdict, judge, item)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"""
_ADD_MARKS = "INSERT INTO unsettled (card, day) VALUES {}"
_IDENTITY = itemgetter(0, 1, 2)
_CARD_DAY = itemgetter(3, 4)

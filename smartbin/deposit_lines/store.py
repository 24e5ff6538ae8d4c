"""Deposit lines: which card deposited what, marked as unsettled in the same transaction, which
tells the outbox what is new.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from smartbin.core.calendar import Slots
from smartbin.core.errors import SecondTelling
from smartbin.database import Database, outbox
from smartbin.deposit_lines import news
from smartbin.facts.columns import IDENTITY, compiled, measured
from smartbin.facts.events import Deposit, Fact, identity

AT_ONCE = 250
"""Rows in one statement: for marks half the time of a statement each."""
Row = tuple[Any, ...]


class DepositLines:
    """The half of records that the gateway writes."""

    def __init__(
        self,
        database: Database,
        zone: ZoneInfo,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._database, self._ready = database, False
        self._slots, self._now_us = Slots(zone), now_us
        self._mark = "?" if database.dialect == "sqlite" else "%s"
        self._repeats = False

    def append(self, facts: Sequence[Fact], arrived_us: int | None = None) -> None:
        """Keep the lines of deposits that name a card, and tell the outbox of each fact that it
        was not told of; appending is idempotent; raises the stores' errors, and SecondTelling,
        all else being kept, of lines that are kept otherwise. The facts arrived now, or when
        ``arrived_us`` says.
        """
        lines: list[Row] = []
        others: list[Fact] = []
        now_us = self._now_us()
        if arrived_us is None:
            arrived_us = now_us
        for fact in facts:
            if isinstance(fact, Deposit) and fact.account is not None:
                lines.append(self._line(fact, arrived_us))
            else:
                others.append(fact)
        # In the order of their keys: two gateways that keep the same lines wait for each other,
        # and never each for the other.
        lines.sort(key=_IDENTITY)
        others = news.worth_telling(others)
        if not lines and not others:
            return
        self._prepare()
        try:
            differing = self._keep(lines, others, now_us)
        except _Repeated:
            self._repeats = True
            differing = self._keep(lines, others, now_us)
        if differing:
            raise SecondTelling(
                [
                    fact
                    for fact in facts
                    if isinstance(fact, Deposit)
                    and fact.account
                    and self._line(fact, arrived_us) in differing
                ]
            )

    def _keep(self, lines: Sequence[Row], others: Sequence[Fact], now_us: int) -> set[Row]:
        """Answers the lines that are kept otherwise."""
        # A mark too many settles to a difference of nothing; a mark too few loses points.
        marks = sorted({_CARD_DAY(line) for line in lines})
        with self._database.write() as db:
            new_lines = self._add_lines(db, lines)
            self._insert(db, _ADD_MARKS, marks)
            new_facts = self._add_facts(db, others, now_us)
            rows = news.rows([_NEWS(line) for line in new_lines], new_facts)
            outbox.write(db, list(rows), now_us)
            if len(new_lines) == len(lines):
                return set()
            # Of the few that were not new, one by one.
            find = _FIND_LINE.replace("?", self._mark)
            return {
                line
                for line in lines
                if _CONTENT(db.exec_driver_sql(find, _IDENTITY(line)).one()) != _CONTENT(line)
            }

    def _add_lines(self, db: Connection, lines: Sequence[Row]) -> Sequence[Row]:
        """Answers the new ones. As a rule all are: which ones is asked only after some were not,
        since the answer costs half as much again as the lines.
        """
        if not self._repeats:
            if self._insert_lines(db, lines) < len(lines):
                raise _Repeated
            return lines
        new = self._insert_new(db, _ADD_LINES + " RETURNING device, door, at_us", lines)
        self._repeats = len(new) < len(lines)
        first: dict[Row, Row] = {}  # a batch may hold a deposit twice
        for line in lines:
            first.setdefault(_IDENTITY(line), line)
        return [line for key, line in first.items() if key in new]

    def _add_facts(self, db: Connection, facts: Sequence[Fact], now_us: int) -> list[Fact]:
        """Answers the new ones."""
        by_key: dict[Row, Fact] = {}
        for fact in facts:
            kind, device, door, at_us = identity(fact)
            by_key.setdefault((at_us, device, door, kind), fact)
        rows = [(*key, now_us) for key in sorted(by_key)]
        new = self._insert_new(db, _ADD_FACTS + " RETURNING at_us, device, door, kind", rows)
        return [by_key[key] for key in sorted(new)]

    def _insert_lines(self, db: Connection, lines: Sequence[Row]) -> int:
        """Answers how many lines were added."""
        if self._mark != "?" or not lines:
            return self._insert(db, _ADD_LINES, lines)
        # SQLite's driver loops over wide rows quicker than it reads one long statement.
        one = _statement(_ADD_LINES, self._mark, len(lines[0]), 1)
        return db.exec_driver_sql(one, list(lines)).rowcount

    def _insert(self, db: Connection, sql: str, rows: Sequence[Row]) -> int:
        """Answers how many rows were added."""
        return sum(done.rowcount for done in self._inserts(db, sql, rows))

    def _insert_new(self, db: Connection, sql: str, rows: Sequence[Row]) -> set[Row]:
        """Answers what the statement returns of those that were added."""
        return {tuple(row) for done in self._inserts(db, sql, rows) for row in done}

    def _inserts(self, db: Connection, sql: str, rows: Sequence[Row]) -> Iterator[Any]:
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            values = tuple(chain.from_iterable(some))
            yield db.exec_driver_sql(_statement(sql, self._mark, len(some[0]), len(some)), values)

    def _prepare(self) -> None:
        if not self._ready:
            self._database.prepare()
            self._ready = True

    def _line(self, d: Deposit, arrived_us: int) -> Row:
        line: Row = _LINE_OF(d, self._slots.of(d.at_us)[0], arrived_us)
        return line


@lru_cache(maxsize=64)
def _statement(sql: str, mark: str, columns: int, rows: int) -> str:
    row = f"({', '.join([mark] * columns)})"
    return sql.format(", ".join([row] * rows))


class _Repeated(Exception):
    """Some lines are kept already; the transaction is rolled back."""


_VALUES = {
    **{name: f"d.{name}" for name in IDENTITY[Deposit]},
    **{"card": "d.account", "day": "day"},
    **{column.name: column.plain(f"d.{column.name}") for column in measured(Deposit)},
    "arrived_us": "arrived_us",
}
_LINE_OF = compiled("d, day, arrived_us", f"({', '.join(_VALUES.values())})")
# Said to the driver itself, many rows a statement: SQLAlchemy would look at every value of every
# row, which took most of the time of keeping a batch.
_LINE_COLUMNS = ", ".join(_VALUES)
_ADD_LINES = f"INSERT INTO deposit_line ({_LINE_COLUMNS}) VALUES {{}} ON CONFLICT DO NOTHING"  # noqa: S608
_ADD_MARKS = "INSERT INTO unsettled (card, day) VALUES {}"
_ADD_FACTS = """INSERT INTO outbox_fact (at_us, device, door, kind, kept_us)
    VALUES {} ON CONFLICT DO NOTHING"""


def _pick(*names: str) -> Callable[[Row], Row]:
    """Takes some columns out of a line."""
    return itemgetter(*(list(_VALUES).index(name) for name in names))


_IDENTITY = _pick("device", "door", "at_us")
_CARD_DAY = _pick("card", "day")
_CONTENT = _pick(*(name for name in _VALUES if name != "arrived_us"))
_FIND_LINE = f"SELECT {_LINE_COLUMNS} FROM deposit_line WHERE device=? AND door=? AND at_us=?"  # noqa: S608
_NEWS = _pick("device", "door", "at_us", "weight_g", "verdict", "item")

"""Parts with one bug each, as pipelines and stores have had them: the simulation must find all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, delete

from gateway.delivery import Delivery
from gateway.pipeline import Pipeline
from smartbin.core.calendar import Days
from smartbin.core.errors import StoreRefused, StoreUnavailable
from smartbin.database import outbox
from smartbin.deposit_lines import news
from smartbin.deposit_lines import store as deposit_lines
from smartbin.deposit_lines.store import DepositLines
from smartbin.deposit_lines.tables import unsettled
from smartbin.facts.events import Deposit, Fact
from smartbin.points.ledger import Entry
from smartbin.points.settle import Settler, booked
from smartbin.quarantine.store import Quarantine
from smartbin.telemetry.sqlite.rollups import add_deposits, add_presence
from smartbin.telemetry.sqlite.schema import typed_errors
from smartbin.telemetry.sqlite.tables import Row
from smartbin.telemetry.sqlite.writer import _ADD, _ROW, SqliteWriter, _writing
from tests.simulation.world import Parts


class AcknowledgesBeforeItKeeps(Pipeline):
    def _decode(self, deliveries: Sequence[Delivery]) -> Any:
        self.source.ack(deliveries)
        return super()._decode(deliveries)


class LosesTheLastOfABatch(Pipeline):
    def _keep(self, facts: Sequence[Fact], deliveries: Sequence[Delivery]) -> None:
        super()._keep(facts[:-1] if len(facts) > 1 else facts, deliveries)


class LosesLinesOfBigBatches(Pipeline):
    def _keep(self, facts: Sequence[Fact], deliveries: Sequence[Delivery]) -> None:
        self._append("telemetry", self.telemetry, facts)
        super()._keep(facts[:5], deliveries)


class LosesTheRefused(Pipeline):
    def _set_aside(self, rejected: Sequence[Any]) -> None:
        pass


class GivesUp(Pipeline):
    def _persist(self, name: str, call: Callable[[], object]) -> None:
        try:
            call()
        except StoreUnavailable:
            return


class RefusesTheWholeBatch(Pipeline):
    def _append(self, name: str, store: Any, facts: Sequence[Any]) -> Any:
        try:
            self._persist(name, lambda: store.append(facts))
        except StoreRefused as why:
            return dict.fromkeys(facts, (name, why.reason))
        return {}


class BooksWhatTelemetryRefused(Pipeline):
    def _append(self, name: str, store: Any, facts: Sequence[Any]) -> Any:
        refused = super()._append(name, store, facts)
        if name == "telemetry" and refused:
            self._set_aside(self._messages_of(refused, []))
            deposits = [f for f in refused if isinstance(f, Deposit) and f.account]
            super()._append("records", self.records, deposits)
        return refused


class CountsRepetitions(SqliteWriter):
    def append(self, facts: Sequence[Fact]) -> None:
        assert self._db is not None
        keys = [(f.device, f.door, f.at_us) for f in facts if isinstance(f, Deposit)]
        known = "SELECT day FROM deposit WHERE device=? AND door=? AND at_us=?"
        days = [(*key[:2], row[0]) for key in keys for row in self._db.execute(known, key)]
        super().append(facts)
        add = "UPDATE deposit_day SET deposits=deposits+1 WHERE device=? AND door=? AND day=?"
        self._db.executemany(add, days)


class AnswersBeforeItWrites(SqliteWriter):
    """A writer that batches on its own."""

    waiting: tuple[Fact, ...] = ()

    def append(self, facts: Sequence[Fact]) -> None:
        self.waiting, now = tuple(facts), self.waiting
        if now:
            super().append(now)


class AddsUpLater(SqliteWriter):
    """Keeps the facts in one transaction and their day's totals in the next."""

    def append(self, facts: Sequence[Fact]) -> None:
        assert self._db is not None
        with typed_errors(self._path):
            new: list[Row] = []
            with _writing(self._db):
                for fact in facts:
                    row = _ROW[type(fact)](fact, *self._slots.of(fact.at_us))
                    if self._db.execute(_ADD[type(fact)], row).rowcount:
                        new.append((fact, row))
            with _writing(self._db):
                add_presence(self._db, [row for _, row in new])
                add_deposits(self._db, [row for fact, row in new if isinstance(fact, Deposit)])


class MarksNewLinesLater(DepositLines):
    """Keeps new lines in one transaction and their marks in the next."""

    def append(self, facts: Sequence[Fact], arrived_us: int | None = None) -> None:
        self._prepare()
        deposits = [f for f in facts if isinstance(f, Deposit) and f.account]
        new = []
        with self._database.write() as db:
            for line in (self._line(d, self._now_us()) for d in deposits):
                if self._insert(db, deposit_lines._ADD_LINES, [line]):
                    new.append(line)
        with self._database.write() as db:
            self._insert(db, deposit_lines._ADD_MARKS, [(line[3], line[4]) for line in new])


class TellsLater(DepositLines):
    """Keeps the lines in one transaction and tells the outbox in the next."""

    def _keep(self, lines: Sequence[Any], others: Sequence[Fact], now_us: int) -> set[Row]:
        with self._database.write() as db:
            new_lines = self._add_lines(db, lines)
            self._insert(db, deposit_lines._ADD_MARKS, [(line[3], line[4]) for line in lines])
            new_facts = self._add_facts(db, others, now_us)
        with self._database.write() as db:
            rows = news.rows([deposit_lines._NEWS(line) for line in new_lines], new_facts)
            outbox.write(db, list(rows), now_us)
        return set()


class TellsEveryTime(DepositLines):
    """Tells the outbox of what it kept before, too."""

    def _add_lines(self, db: Connection, lines: Sequence[Any]) -> Sequence[Any]:
        self._insert(db, deposit_lines._ADD_LINES, lines)
        return lines


class TellsOfRepeatedFacts(DepositLines):
    def _add_facts(self, db: Connection, facts: Sequence[Fact], now_us: int) -> list[Fact]:
        super()._add_facts(db, facts, now_us)
        return list(facts)


class TellsOnlyOfCards(DepositLines):
    def append(self, facts: Sequence[Fact], arrived_us: int | None = None) -> None:
        super().append([f for f in facts if isinstance(f, Deposit)], arrived_us)


class KeepsTornLines(Quarantine):
    """Ends a line that a crash cut off with a newline."""

    def _write(self, data: bytes) -> None:
        with (self._folder / "quarantine-000001.jsonl").open("a+b") as file:
            file.seek(max(0, file.tell() - 1))
            file.write(data if file.read(1) in (b"", b"\n") else b"\n" + data)


class GluesLines(Quarantine):
    def _write(self, data: bytes) -> None:
        with (self._folder / "quarantine-000001.jsonl").open("ab") as file:
            file.write(data)


class ForgetsWhatItHolds(Quarantine):
    def _learn(self) -> None:
        pass


class SettlesTwice(Settler):
    """Books what a day earns once more, not what is missing."""

    def _differences(
        self,
        db: Connection,
        accounts: Sequence[str],
        week: Days,
        causes: Mapping[date, set[str]],
    ) -> list[Entry]:
        said = booked(db, accounts, week)
        return [
            replace(e, points=e.points + said.get((e.account, e.day, e.community), 0))
            for e in super()._differences(db, accounts, week, causes)
        ]


class LosesMarks(Settler):
    """Takes the marks away in a transaction of its own before it books."""

    def _chunk(self, db: Connection, marks: Any, now_us: int) -> int:
        db.execute(delete(unsettled).where(unsettled.c.id.in_([mark.id for mark in marks])))
        db.exec_driver_sql("COMMIT")
        db.exec_driver_sql("BEGIN IMMEDIATE")
        return super()._chunk(db, marks, now_us)


class SettlesOnlyNews(Settler):
    """Takes a day that has been settled for done."""

    def _differences(
        self,
        db: Connection,
        accounts: Sequence[str],
        week: Days,
        causes: Mapping[date, set[str]],
    ) -> list[Entry]:
        done = {(account, day) for account, day, _ in booked(db, accounts, week)}
        found = super()._differences(db, accounts, week, causes)
        return [e for e in found if (e.account, e.day) not in done]


def _of(part: type[Any]) -> list[type[Any]]:
    """The bugs of this file: another test's part in the same process is none."""
    return [bug for bug in part.__subclasses__() if bug.__module__ == __name__]


BUGS = {
    "acknowledges a stale packet id": Parts(drop_stale=False),
    **{bug.__name__: Parts(pipeline=bug) for bug in _of(Pipeline)},
    **{bug.__name__: Parts(telemetry=bug) for bug in _of(SqliteWriter)},
    **{bug.__name__: Parts(lines=bug) for bug in _of(DepositLines)},
    **{bug.__name__: Parts(quarantine=bug) for bug in _of(Quarantine)},
    **{bug.__name__: Parts(settler=bug) for bug in _of(Settler)},
}

"""A site from one seed: devices, a broker that misbehaves, and the real pipeline, SQLite stores,
quarantine and settler over a disk that fails. The machine dies between any two steps and starts
again over what the disk holds.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import event

from gateway.backoff import Backoff
from gateway.gate import Gate
from gateway.meters import Meters
from gateway.pipeline import Pipeline, Stopped
from smartbin.core.errors import StoreRefused, StoreUnavailable
from smartbin.database import Database
from smartbin.deposit_lines.store import DepositLines
from smartbin.facts.events import Deposit, Judge, Verdict
from smartbin.points.settle import Settler
from smartbin.quarantine.store import Quarantine
from smartbin.telemetry.sqlite.writer import SqliteWriter
from smartbin.verdicts.store import HumanVerdicts
from tests.places.small import SHANGHAI
from tests.points.books import NOW_US, REGISTRY, Books
from tests.simulation.broker import Broker, Link
from tests.simulation.devices import said
from tests.simulation.disk import Disk
from tests.simulation.fate import Crash, Evil, Fate
from tests.simulation.site import ARRIVED_US, CLOCK_US, DECODER, POISONOUS_G, TARIFFS, UNLUCKY_G

LIVES_MAX, CALM_AFTER, TURNS_MAX = 200, 25, 2000


class Endless(Exception):
    """The messages never come to an end."""


@dataclass(frozen=True)
class Parts:
    """The classes the site is made of: the product's own, or one with a bug."""

    pipeline: type[Pipeline] = Pipeline
    telemetry: type[SqliteWriter] = SqliteWriter
    lines: type[DepositLines] = DepositLines
    quarantine: type[Quarantine] = Quarantine
    settler: type[Settler] = Settler
    drop_stale: bool = True


class Machine:
    """A folder, the two programs' ways into its records, and its files as they are at first. It
    serves one world after another: a database compiles its statements once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "quarantine").mkdir()
        self.records = [_impatient(f"sqlite:///{folder}/records.db") for _ in range(2)]
        self.records[0].prepare()
        Books(self.records[0], folder).load()
        SqliteWriter(folder / "telemetry.db", SHANGHAI).close()
        self.forget()
        self.files = {p: p.read_bytes() for p in folder.rglob("*.db")}

    def forget(self) -> None:
        """No program runs any more."""
        for records in self.records:
            records.close()


@contextlib.contextmanager
def machine() -> Iterator[Machine]:
    """In memory where that is to be had: syncing costs nothing there, and it is not the subject."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    made = Machine(folder)
    try:
        yield made
    finally:
        made.forget()
        shutil.rmtree(folder)


def _impatient(url: str) -> Database:
    records = Database.open(url)

    @event.listens_for(records.engine, "connect")
    def no_waiting(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA busy_timeout=0")

    return records


class World:
    """One seed's run; ``fate.story`` tells what struck."""

    def __init__(self, machine: Machine, seed: int, parts: Parts = Parts()) -> None:
        chance = random.Random(seed)
        self.machine, self.parts, self.fate = machine, parts, Fate(chance)
        self.said = said(chance)
        self.broker = Broker(self.fate, list(self.said.messages), CLOCK_US)
        self.disk = Disk(machine.folder, self.fate, self.broker.connect)
        self.deposits = [fact for fact in self.said.facts if isinstance(fact, Deposit)]
        self.judged: list[tuple[str, str, int]] = []
        self.ticks = count()
        self.lives = 0

    def run(self) -> None:
        """Start the machine again whenever it dies, until nothing is left; then in calm."""
        self.machine.forget()
        self.disk.restore(self.machine.files)
        for self.lives in range(LIVES_MAX):
            self.fate.calm = self.lives > CALM_AFTER
            left = None
            with contextlib.ExitStack() as process:
                process.callback(self.machine.forget)
                try:
                    self._live(process)
                except Crash:
                    left = self.disk.power_cut()
                except Stopped:
                    pass
                else:
                    return
            self.disk.restore(left or self._files())
        raise Endless("it never comes to an end")

    def _live(self, process: contextlib.ExitStack) -> None:
        """The programs from their start until nothing is left to do."""
        self.broker.wire = []  # what the process before had read died with it
        self.broker.connect()
        pipeline = self._pipeline(process)
        settler = self.parts.settler(self.machine.records[1], REGISTRY, TARIFFS)
        for _ in range(TURNS_MAX):
            if not (self.broker.queue or self.broker.inflight):
                break
            if not pipeline.pump():
                self.broker.connect()
            with contextlib.suppress(StoreUnavailable):
                self._api(settler)
        else:
            raise Endless("the broker never runs out of messages")
        self.fate.calm = True
        while settler.settle(NOW_US).marks:
            pass

    def _api(self, settler: Settler) -> None:
        """What the other program does meanwhile: people judge, and points are settled."""
        chance = self.fate.chance
        if self.deposits and chance.random() < 0.1:
            self._judge(chance.choice(self.deposits))
        if chance.random() < 0.3:
            at_once = chance.choice([1, 300])
            records = self.machine.records[1]
            self._write(lambda: settler.settle(NOW_US, at_once, self._between), records)

    def _judge(self, deposit: Deposit) -> None:
        chance, records = self.fate.chance, self.machine.records[1]
        verdict = chance.choice(list(Verdict))
        judge = chance.choice([Judge.SUPERVISOR, Judge.INSPECTOR])
        at_us = NOW_US + next(self.ticks)
        judgements = HumanVerdicts(records, SHANGHAI)
        self._write(lambda: judgements.add(deposit, verdict, judge, "w", "seen", at_us), records)
        self.judged.append((deposit.device, deposit.door, deposit.at_us))

    def _between(self) -> bool:
        self.fate.step("between two transactions of settling")
        return False

    def _write(self, call: Callable[[], object], records: Database) -> None:
        connection = records.engine.raw_connection()
        database: Any = connection.driver_connection
        connection.close()
        self.disk.write("records", call, database)

    def _pipeline(self, process: contextlib.ExitStack) -> Pipeline:
        telemetry = self.parts.telemetry(self.machine.folder / "telemetry.db", SHANGHAI)
        process.callback(telemetry.close)
        database = telemetry._db
        assert database is not None
        database.execute("PRAGMA busy_timeout=0")
        records = self.machine.records[0]
        lines = self.parts.lines(records, SHANGHAI, lambda: ARRIVED_US)
        shelf = self.parts.quarantine(self.machine.folder / "quarantine")
        return self.parts.pipeline(
            Link(self.broker, self.fate, self.parts.drop_stale),
            DECODER,
            _Store(
                lambda facts: self.disk.write(
                    "telemetry", lambda: telemetry.append(facts), database
                ),
                lambda deposit: deposit.weight_g == POISONOUS_G,
            ),
            _Store(
                lambda facts: self._write(lambda: lines.append(facts), records),
                lambda deposit: deposit.weight_g == UNLUCKY_G and bool(deposit.account),
            ),
            _Shelf(lambda rejected: self.disk.write("quarantine", lambda: shelf.add(rejected))),
            Meters(lambda: float(next(self.ticks)), lambda: CLOCK_US),
            Backoff(0.1, 1.0, self.fate.chance),
            lambda: self.fate.strikes(Evil.STOP),
            Gate(REGISTRY.site.id, REGISTRY.devices),
        )

    def _files(self) -> dict[Path, bytes]:
        """What a clean stop leaves: everything."""
        return {p: p.read_bytes() for p in self.machine.folder.rglob("*") if p.is_file()}


@dataclass(frozen=True)
class _Store:
    """A store that refuses deposits of one weight for good: no real one refuses what the decoder
    lets through.
    """

    write: Callable[[Any], object]
    refuses: Callable[[Deposit], bool]

    def append(self, facts: Any) -> None:
        if any(isinstance(f, Deposit) and self.refuses(f) for f in facts):
            raise StoreRefused("too heavy")
        self.write(facts)


@dataclass(frozen=True)
class _Shelf:
    add: Callable[[Any], object]

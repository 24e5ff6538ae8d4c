"""One fault after another while 51 devices publish; and what is lost, twice, and for how long."""

from __future__ import annotations

import csv
import random
import threading
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from simulator.recent import REPEAT_S
from smartbin.accounts.store import Accounts
from smartbin.accounts.tables import account, holding
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.core.errors import StoreUnavailable
from smartbin.deposit_lines.tables import deposit_line, unsettled
from smartbin.facts.events import Deposit, DoorKey, Span
from smartbin.facts.wire import event_of, payload_of, topic_of
from smartbin.quarantine.store import Quarantine
from tests.broker.process import SITE
from tests.faults.plant import Plant
from tests.oracle.points import oracle
from tests.places.small import SHANGHAI
from tests.real import patient_s, until

# Within the week in which a deposit earns without a person, on whatever day this runs: 61,000 of
# them fit between its start and today.
START = datetime.now(SHANGHAI).date() - timedelta(days=5)
DAYS = Days(START, START + timedelta(days=6))
SINCE = date(2025, 1, 1)
APART_US = 7 * calendar.US_PER_S
CARDS = 40
REFUSED = 3  # messages of every run that no gateway takes
GIVE_UP_S, QUIET_S = patient_s(100.0), patient_s(10.0)
Fault = Callable[[Plant, float], None]


@dataclass(frozen=True)
class Outcome:
    """One fault's run. ``recover_s``: from its end until everything that was published meanwhile
    is stored and both programs say that they are ready.
    """

    events: int
    lost: int
    twice: int
    recover_s: float


@dataclass
class Campaign:
    """What has been sent so far, and the comparison of the stores with it."""

    plant: Plant
    chance: random.Random
    sent: list[Deposit] = field(default_factory=list)
    refused: int = 0

    def __post_init__(self) -> None:
        registry = self.plant.registry
        doors = [door for d in registry.devices for door in registry.doors_of_device(d)]
        self._doors = self.chance.sample(doors, len(doors))
        self._spans = [Span(door.key, DAYS) for door in doors]
        home = next(iter(registry.communities))
        table = self.plant.folder / "accounts.csv"
        with table.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["card", "kind", "community", "from", "to", "account"])
            rows.writerows([f"card-{n}", "household", home, SINCE, "", ""] for n in range(CARDS))
        Accounts(self.plant.database).load(table, registry.communities, 0)

    def run(self, fault: Fault, events: int, hold_s: float, *, again: bool = False) -> Outcome:
        """Publish ``events`` while the fault lasts ``hold_s`` seconds; wait until all is well.

        ``again``: devices that, connected anew, send the last two minutes once more.
        """
        self.plant.devices.again_s = REPEAT_S if again else 0.0
        before = self.wrong()
        new = [self._deposit(len(self.sent) + n) for n in range(events)]
        devices = self.plant.devices
        goal = devices.acknowledged + events // 5
        publisher = threading.Thread(target=self._publish, args=(new, (hold_s + 1) / events))
        publisher.start()
        until(lambda: devices.acknowledged >= goal, "a part is published", 60)
        fault(self.plant, hold_s)
        ended_s = time.monotonic()
        publisher.join(GIVE_UP_S)
        assert not publisher.is_alive(), "the broker takes nothing any more"
        devices.drain()
        self.sent += new
        self.refused += REFUSED
        self._settle_down()
        recover_s = time.monotonic() - ended_s
        lost, twice = self.wrong()
        return Outcome(events, lost - before[0], twice - before[1], recover_s)

    def wrong(self) -> tuple[int, int]:
        """How many events the stores lack, and how many they have too often."""
        telemetry = Counter[Any]()
        for total in self.plant.reader.deposit_totals(self._spans, by_day=False):
            telemetry[tuple(total.door)] += total.deposits
        wanted = Counter[Any]((d.device, d.door) for d in self.sent)
        with self.plant.database.read() as db:
            line = deposit_line.c
            rows = db.execute(select(line.device, line.door, line.at_us)).all()
        lines = Counter[Any](tuple(row) for row in rows)
        owned = Counter[Any]((d.device, d.door, d.at_us) for d in self.sent if d.account)
        aside = len(list(Quarantine(self.plant.folder / "quarantine"))) - self.refused
        lost = (wanted - telemetry).total() + (owned - lines).total() + max(0, -aside)
        twice = (telemetry - wanted).total() + (lines - owned).total() + max(0, aside)
        return lost, twice

    def points_wrong(self) -> list[str]:
        """The accounts whose points are not what an implementation of its own says."""
        until(lambda: self._marks() == 0, "all is settled", 120)
        with self.plant.database.read() as db:
            asked = select(holding.c.card, account.c.balance).where(
                holding.c.account == account.c.code
            )
            told = {card: int(balance) for card, balance in db.execute(asked)}
        known = {
            card: {"kind": "household", "cards": [{"card": card, "from": SINCE, "to": None}]}
            for card in told
        }
        categories = {door.key: door.category.value for door in self._doors}
        rows = [
            {
                **{"device": d.device, "door": d.door, "at_us": d.at_us, "card": d.account},
                **{"category": categories[DoorKey(d.device, d.door)], "weight_g": d.weight_g},
                **{"verdict": d.verdict, "judge": d.judge},
            }
            for d in self.sent
            if d.account
        ]
        tariff = tomllib.loads((SITE / "tariff.toml").read_text(encoding="utf-8"))
        due = oracle(rows, known, tariff)
        assert sum(due.values()) > 0
        return [f"{card}: {told[card]}, due {due[card]}" for card in due if told[card] != due[card]]

    def _deposit(self, n: int) -> Deposit:
        door = self._doors[n % len(self._doors)]
        at_us = calendar.start_us(START, SHANGHAI) + n * APART_US + n % 1000
        card = f"card-{self.chance.randrange(CARDS)}" if n % 3 else None
        weight_g = self.chance.randrange(50, 4000)
        return Deposit(door.device, door.id, at_us, weight_g, account=card, seq=n)

    def _publish(self, deposits: Sequence[Deposit], gap_s: float) -> None:
        """At an even pace, some twice; and what is refused."""
        pace, refused = threading.Event(), self.refused
        for n, deposit in enumerate(deposits):
            topic = topic_of("xinbei", deposit.device, "deposit")
            payload = payload_of(event_of([deposit]))
            for _ in range(2 if n % 10 == 0 else 1):
                self.plant.devices.publish(topic, payload)
            if n < REFUSED:
                self.plant.devices.publish(topic, b'{"n":%d}' % (refused + n))
            pace.wait(gap_s)

    def _settle_down(self) -> None:
        """Until everything is stored and all are ready, or nothing moves any more."""
        deadline_s = moved_s = time.monotonic()
        deadline_s += GIVE_UP_S
        before = None
        while (now_s := time.monotonic()) < deadline_s and now_s - moved_s < QUIET_S:
            with suppress(StoreUnavailable, SQLAlchemyError):
                if (found := self.wrong()) == (0, 0) and self.plant.ready():
                    return
                if found != before or not self.plant.ready():
                    before, moved_s = found, now_s
            threading.Event().wait(0.1)

    def _marks(self) -> int:
        with self.plant.database.read() as db:
            return int(db.execute(select(func.count()).select_from(unsettled)).scalar_one())

"""Two API processes over one database, one of them killed again and again while deposits come: a
client that goes on with its last event's id, at either of them, is sent each deposit once.

SMARTBIN_TEST_LIVE_KILLS sets how many kills.
"""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections import Counter
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import httpx2
import pytest

from smartbin.database import Database
from smartbin.deposit_lines.store import DepositLines
from smartbin.facts.events import Deposit, Fact, LevelReading
from smartbin.places.load import load
from smartbin.telemetry import open_writer
from tests.broker.process import SITE
from tests.faults.plant import Api
from tests.places.small import SHANGHAI
from tests.real import free_port, patient_s, until

DAY = date(2026, 11, 23)
pytestmark = pytest.mark.real
KILLS = int(os.environ.get("SMARTBIN_TEST_LIVE_KILLS", "6"))


class Client:
    """A client that is always connected to one of the APIs, or tries to be."""

    def __init__(self, apis: list[Api], chance: random.Random) -> None:
        self.apis, self.chance = apis, chance
        self.seen = Counter[int]()
        self.wrong: list[str] = []
        self.at: Api | None = None
        self.last_id: str | None = None
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self.over.is_set():
            self.at = self.chance.choice(self.apis)
            try:
                self._listen(f"http://127.0.0.1:{self.at.port}/api/v1/live")
            except (httpx2.HTTPError, OSError):
                time.sleep(0.05)

    def _listen(self, url: str) -> None:
        headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
        with httpx2.stream("GET", url, headers=headers, timeout=patient_s(15)) as answer:
            if answer.status_code != 200:
                return
            fields: dict[str, str] = {}
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                fields[name] = value
                if not line and "data" in fields:
                    self._take(fields)
                    fields = {}
                if self.over.is_set():
                    return

    def _take(self, fields: dict[str, str]) -> None:
        self.last_id = fields.get("id", self.last_id)
        if fields["event"] == "deposit":
            body = json.loads(fields["data"])
            self.seen[body["weight_g"]] += 1
        elif fields["event"] == "reload":
            self.wrong.append(fields["data"])


class Bins:
    """Keeps facts as gateways do: some batches come twice, in part and in other company."""

    def __init__(self, telemetry: str, database: Database, chance: random.Random) -> None:
        self.writer, self.database, self.chance = open_writer(telemetry, SHANGHAI), database, chance
        self.doors = sorted(door.key for door in load(SITE).doors(DAY))
        self.number = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        gateways = [DepositLines(self.database, SHANGHAI) for _ in range(2)]
        before: list[Fact] = []
        while not self.over.wait(self.chance.random() * 0.06):
            batch: list[Fact] = [self._deposit() for _ in range(self.chance.randrange(1, 6))]
            batch += self.chance.sample(before, self.chance.randrange(len(before) + 1))
            door = self.chance.choice(self.doors)
            level = LevelReading(*door, time.time_ns() // 1000, self.chance.randrange(101))
            self.writer.append([*batch, level])
            self.chance.choice(gateways).append([*batch, level])
            before = batch
        self.writer.close()

    def _deposit(self) -> Deposit:
        self.number += 1
        card = self.chance.choice([None, f"K{self.number % 7}"])
        late_us = self.chance.choice([0, 0, 10**6, 10**9])
        at_us = time.time_ns() // 1000 - late_us
        return Deposit(*self.chance.choice(self.doors), at_us, self.number, account=card)


@pytest.mark.timeout(600)
def test_each_deposit_is_sent_once_whoever_is_killed(records_url: str, tmp_path: Path) -> None:
    chance = random.Random(records_url.partition(":")[0])
    telemetry = f"sqlite:///{tmp_path}/telemetry.db"
    settings = {"SMARTBIN_TELEMETRY_URL": telemetry, "SMARTBIN_RECORDS_URL": records_url}
    apis = [Api(tmp_path, settings, free_port()) for _ in range(2)]
    database = Database.open(records_url)
    bins, client = Bins(telemetry, database, chance), Client(apis, random.Random(1))
    with ExitStack() as ends:
        ends.callback(database.close)
        for api in apis:
            api.start()
            ends.callback(api.end, signal.SIGTERM)
        for api in apis:
            until(api.ready, "the API is ready", 60)
        for one in (client, bins):
            ends.callback(one.thread.join, 30)
            ends.callback(one.over.set)
            one.thread.start()
            until(lambda: client.last_id is not None, "the client listens", 30)
        for _ in range(KILLS):
            time.sleep(chance.random())
            victim = client.at if chance.random() < 0.8 and client.at else chance.choice(apis)
            victim.end(signal.SIGKILL)
            time.sleep(chance.random() * 0.3)
            victim.start()
            until(victim.ready, "the API is ready again", 60)
        bins.over.set()
        bins.thread.join(30)
        wanted = Counter(range(1, bins.number + 1))
        until(lambda: client.seen >= wanted, "every deposit is sent", 30)
        time.sleep(1)  # time enough for one that is sent twice
    assert not client.wrong
    assert client.seen == wanted

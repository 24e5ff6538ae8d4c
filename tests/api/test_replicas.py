"""Two APIs over one PostgreSQL and one telemetry store: who signed in at one is known to the other,
one of them settles, and points are booked once even when a command settles too.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select

from smartbin.accounts.store import Accounts
from smartbin.accounts.tables import account
from smartbin.core import calendar
from smartbin.database import Database
from smartbin.deposit_lines.store import DepositLines
from smartbin.deposit_lines.tables import unsettled
from smartbin.facts.events import Deposit, Judge, Verdict
from smartbin.people.passwords import Passwords
from smartbin.people.principals import Role
from smartbin.people.users import Users
from smartbin.places.load import load
from smartbin.points.rules.load import load_tariffs
from smartbin.points.settle import Settler
from smartbin.points.tables import ledger
from smartbin.telemetry import open_writer
from tests import postgres
from tests.api.client import PAGE
from tests.broker.process import SITE
from tests.faults.plant import Api
from tests.places.small import SHANGHAI
from tests.real import free_port, until

pytestmark = pytest.mark.real
CARDS, TURNS = 300, 40
PASSWORD = "four quiet lorries"
DAY = date(2026, 11, 18)


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with postgres.server() as server, server.database() as url:
        opened = Database.open(url)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def apis(
    database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[httpx2.Client]]:
    """A browser at each of two APIs; one of them settles all the time."""
    folder = tmp_path_factory.mktemp("replicas")
    telemetry = f"sqlite:///{folder}/telemetry.db"
    open_writer(telemetry, SHANGHAI).close()
    settings = {
        "SMARTBIN_TELEMETRY_URL": telemetry,
        "SMARTBIN_SETTLE_EVERY_S": "0.01",  # so that it meets a command
        "SMARTBIN_RECORDS_URL": database.url.render_as_string(hide_password=False),
    }
    running = [Api(folder, settings, free_port()) for _ in range(2)]
    with contextlib.ExitStack() as ends:
        for one in running:
            one.start()
            ends.callback(one.end, signal.SIGTERM)
        for one in running:
            until(one.ready, "the API is ready", 60)
        yield [
            ends.enter_context(httpx2.Client(base_url=f"http://127.0.0.1:{one.port}", headers=PAGE))
            for one in running
        ]


def test_a_session_is_everywhere(database: Database, apis: list[httpx2.Client]) -> None:
    first, second = apis
    Users(database, Passwords()).create("li.wei", Role.CREW, None, PASSWORD, time.time_ns() // 1000)
    answer = first.post("/api/v1/session", json={"name": "li.wei", "password": PASSWORD})
    assert answer.status_code == 200
    cookie = {"Cookie": f"smartbin_session={answer.cookies['smartbin_session']}"}
    assert second.get("/api/v1/session", headers=cookie).json()["name"] == "li.wei"
    assert second.delete("/api/v1/session", headers=cookie).status_code == 204
    assert first.get("/api/v1/session", headers=cookie).status_code == 401


def test_two_that_settle_book_once(
    database: Database, apis: list[httpx2.Client], tmp_path: Path
) -> None:
    home = next(iter(load(SITE).communities))
    table = tmp_path / "accounts.csv"
    rows = (f"card-{n},household,{home},2025-01-01,,\n" for n in range(CARDS))
    table.write_text("card,kind,community,from,to,account\n" + "".join(rows), encoding="utf-8")
    Accounts(database).load(table, {home}, 0)
    lines = DepositLines(database, SHANGHAI)
    start_us = calendar.start_us(DAY, SHANGHAI)
    turns, booked = count(), {"command": 0}
    registry = load(SITE)
    tariffs = load_tariffs(SITE / "tariff.toml", registry.communities)
    settler = Settler(database, registry, tariffs)

    def deposit() -> bool:
        turn = next(turns)
        at_us = start_us + turn * calendar.US_PER_HOUR
        deposit = Deposit("bin-001", "kitchen", at_us, 2000, Verdict.CORRECT, Judge.CAMERA)
        lines.append([replace(deposit, at_us=at_us + n, account=f"card-{n}") for n in range(CARDS)])
        # As `smartbin settle` does, at the same time.
        booked["command"] += settler.settle(time.time_ns() // 1000).entries
        return turn >= TURNS and booked["command"] > 0 and any(_booked_by(api) for api in apis)

    until(deposit, "an API and a command settle", 60)
    assert sorted(_booked_by(api) > 0 for api in apis) == [False, True], "one API has the job"
    until(lambda: _count(database, unsettled.c.id) == 0, "all is settled", 60)
    with database.read() as db:
        balances = {int(points) for points in db.execute(select(account.c.balance)).scalars()}
        in_all = db.scalar(select(func.sum(ledger.c.points)))
    assert len(balances) == 1, "the same deposits, the same points"
    (points,) = balances
    assert points > 0
    assert in_all == points * CARDS


def _booked_by(api: httpx2.Client) -> float:
    metrics = api.get("/metrics").text.splitlines()
    (line,) = [m for m in metrics if m.startswith("smartbin_api_ledger_entries_total")]
    return float(line.split()[1])


def _count(database: Database, column: Any) -> int:
    with database.read() as db:
        return db.scalar(select(func.count(column))) or 0

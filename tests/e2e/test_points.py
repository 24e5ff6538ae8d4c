"""Points of every account after harsh faults, against an oracle that shares no code with them."""

from __future__ import annotations

import csv
import os
import time
import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from simulator import run
from simulator.children import PartFailed
from simulator.expect import Expected
from simulator.faults import Delivery, Profile
from simulator.fleet import Fleet
from simulator.households import accounts, people_of, write_accounts
from simulator.system import System, started
from smartbin import calendar
from smartbin.events import Deposit
from smartbin.registry import Registry
from smartbin.registry.load import load
from tests.oracle.points import oracle
from tests.real import ROOT

DAYS = int(os.environ.get("SMARTBIN_TEST_POINTS_DAYS", "2"))  # 30 for the long run
SITE = ROOT / "deploy/xinbei"
SINCE = date(2024, 1, 1)


def test_every_account_has_the_points_of_its_deposits(tmp_path: Path) -> None:
    registry = load(SITE)
    fleet = Fleet(registry, 5)
    today = calendar.day_of(calendar.to_us(datetime.now(UTC)), registry.site.zone)
    end_us = calendar.start_us(today, registry.site.zone)
    start_us = calendar.start_us(today - timedelta(days=DAYS), registry.site.zone)
    rows: list[dict[str, Any]] = []
    expected = Expected(registry)

    def seen(delivery: Delivery) -> None:
        expected.add_one(delivery)
        rows.extend(_row(registry, f) for f in delivery.kept if isinstance(f, Deposit))

    table = tmp_path / "cards.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        write_accounts(registry, fleet.seed, SINCE, file)
    with started(tmp_path, SITE, "auto") as system:
        with run.buffered(system.broker, registry.devices) as publisher:
            pace = system.pace(publisher)
            run.backfill(fleet, publisher, start_us, end_us, Profile.HARSH, seen=seen, pace=pace)
            system.wait_received(publisher.acknowledged)
        system.ask_api("accounts", "import", str(table))
        _settle(system)
        shown = system.ask_api("accounts", "list").splitlines()
    told = {row["card"]: int(row["balance"]) for row in csv.DictReader(shown)}
    known = {
        a.card: {"kind": a.kind, "cards": [{"card": a.card, "from": SINCE, "to": None}]}
        for a in accounts(registry, fleet.seed)
    }
    tariff = tomllib.loads((SITE / "tariff.toml").read_text(encoding="utf-8"))
    wanted = oracle([row for row in rows if row["card"]], known, tariff)
    differ = {card for card in wanted if told.get(card) != wanted[card]}
    assert not differ, [(card, told.get(card), wanted[card]) for card in sorted(differ)[:10]]
    assert set(told) == set(wanted)
    cheaters = {c for p in registry.communities.values() for c in people_of(5, p).cheaters}
    assert sum(wanted.values()) > 10_000
    assert any(wanted[card] for card in cheaters), "cheaters were among them"


def _settle(system: System) -> None:
    """Until nothing is left: the API's own settler is at it too, and each waits for the other."""
    deadline_s = time.monotonic() + 200 + 60 * DAYS
    while time.monotonic() < deadline_s:
        try:
            said = system.ask_api("settle")
        except PartFailed as error:
            if "locked" not in str(error):
                raise
        else:
            if "another settler" not in said:
                return
    raise AssertionError("not settled in time")


def _row(registry: Registry, fact: Deposit) -> dict[str, Any]:
    day = calendar.day_of(fact.at_us, registry.site.zone)
    door = next(d for d in registry.doors_of_device(fact.device) if d.id == fact.door)
    return {
        "device": fact.device,
        "door": fact.door,
        "at_us": fact.at_us,
        "card": fact.account,
        "category": door.category.value,
        "weight_g": fact.weight_g,
        "verdict": fact.verdict and fact.verdict.value,
        "judge": fact.judge and fact.judge.value,
        "item": fact.item and fact.item.value,
        "community": registry.community_of(fact.device, day),
    }

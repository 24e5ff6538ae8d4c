"""What points cost with a year of history of 21,000 households: settling a day of theirs, a
statement, a community's page. The API's own handlers and the settler over SQLite and, where it is
installed, PostgreSQL; no HTTP.

The history is written by SQL, a deposit a household and day, with the entries and sums that
settling would have booked; the day that is measured is kept and settled by the product.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import text

from api.paging import NumberedPosition, Paging
from api.parts import Parts
from api.points.schemas import StatementOut
from api.points.statements import LINES_MAX, community_points, statement
from api.tables import Format
from smartbin.accounts.store import Accounts
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.database import Database
from smartbin.deposit_lines.store import DepositLines
from smartbin.facts.events import Deposit, Item, Judge, Verdict
from smartbin.places import Registry
from smartbin.places.load import load
from smartbin.points.rules.tariff import Tariff, Tariffs
from smartbin.points.settle import Settler
from smartbin.telemetry import open_reader
from tests import postgres
from tests.real import ROOT
from tools.bench.result import Result

SITE = ROOT / "deploy/xinbei"
_RATE = {"deposit_points": 5, "kg_points": 10, "day_max": 2}
TARIFFS = Tariffs(
    [
        Tariff.model_validate(
            {
                "from": date(2024, 1, 1),
                "expiry_months": 12,
                "household": {"week_max_points": 300, "kitchen": _RATE, "recyclable": _RATE},
            }
        )
    ]
)
TODAY = date(2026, 11, 22)  # a Sunday: settling it reads the whole week
HOUSEHOLDS = 21_000
POINTS = 10  # what the history's deposits of 500 g earned each
WARM_UP = 5
ASKED = 200


def measures() -> Iterator[Result]:
    """The times asked for."""
    with tempfile.TemporaryDirectory(prefix="smartbin-bench-") as name:
        yield from measured(f"sqlite:///{name}/records.db", days_max(364), "SQLite")
    if shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        with postgres.server(durable=True) as running, running.database() as url:
            yield from measured(url, days_max(60), "PostgreSQL")


def measured(url: str, days: int, store: str) -> Iterator[Result]:
    """The times over one database."""
    registry = load(SITE)
    with tempfile.TemporaryDirectory(prefix="smartbin-bench-") as name:
        database = Database.open(url)
        database.prepare()
        import_households(database, registry, Path(name))
        history = Days(TODAY - timedelta(days=days), TODAY - timedelta(days=1))
        rows = write_history(database, registry, history)
        yield Result(f"deposits in the points' history, {store}", rows, "rows", how=f"{days} days")
        yield settled(database, registry, store)
        parts = Parts(
            registry,
            open_reader(f"sqlite:///{name}/telemetry.db", registry.site.zone),
            database,
            Path(name) / "quarantine",
            lambda: calendar.start_us(TODAY + timedelta(days=1), registry.site.zone) - 1,
            tariffs=TARIFFS,
        )
        yield from asked(parts, Days(TODAY - timedelta(days=364), TODAY), days, store)
        database.close()


def days_max(usual: int) -> int:
    """How many days of history there are."""
    return int(os.environ.get("SMARTBIN_BENCH_POINT_DAYS", usual))


def import_households(database: Database, registry: Registry, folder: Path) -> None:
    """The households' table, as a clerk imports it."""
    ids = list(registry.communities)
    path = folder / "accounts.csv"
    lines = ["card,kind,community,from,to"]
    lines += [f"card-{n:05},household,{ids[n % len(ids)]},2024-01-01," for n in range(HOUSEHOLDS)]
    path.write_text("\n".join(lines), encoding="utf-8")
    now_us = calendar.start_us(TODAY, registry.site.zone)
    Accounts(database).load(path, registry.communities, now_us)


def write_history(database: Database, registry: Registry, days: Days) -> int:
    """A deposit of every household on every day, and what settling them booked."""
    zone = registry.site.zone
    bins = {registry.community_of(d, TODAY): d for d in registry.devices}
    at_bins = [{"community": c, "device": d} for c, d in bins.items() if c]
    with database.write() as db:
        db.execute(text("CREATE TABLE at_bin (community TEXT PRIMARY KEY, device TEXT)"))
        db.execute(text("INSERT INTO at_bin VALUES (:community, :device)"), at_bins)
    for day in days:
        month = day.year * 100 + day.month
        at = {"day": day.toordinal(), "us": calendar.start_us(day, zone)}
        with database.write() as db:
            db.execute(text(_LINES), at)
            db.execute(text(_ENTRIES), {**at, "month": month, "points": POINTS})
    with database.write() as db:
        db.execute(text(_SUMS))
        db.execute(text("UPDATE account SET balance = :points"), {"points": len(days) * POINTS})
        db.execute(text("DROP TABLE at_bin"))
        db.execute(text("ANALYZE"))
    return len(days) * HOUSEHOLDS


_LINES = """
INSERT INTO deposit_line (device, door, at_us, card, day, weight_g, verdict, judge, item)
SELECT b.device, 'kitchen', :us + 25200000000 + h.id * 1000000, h.card, :day, 500, 'correct',
       'camera', NULL
FROM holding h JOIN at_bin b ON b.community = h.community"""
_ENTRIES = """
INSERT INTO ledger (account, community, kind, points, day, month, booked_us, reason)
SELECT account, community, 'earned', :points, :day, :month, :us + 86400000000, 'deposits'
FROM holding ORDER BY account"""
_SUMS = """
INSERT INTO points_month (community, month, account, earned, adjusted, spent, expired)
SELECT community, month, account, sum(points), 0, 0, 0
FROM ledger GROUP BY community, month, account"""


def settled(database: Database, registry: Registry, store: str) -> Result:
    """A day of all households, one deposit or two each, kept and then settled."""
    zone, chance = registry.site.zone, random.Random(5)
    start_us = calendar.start_us(TODAY, zone)
    bins = {registry.community_of(d, TODAY): d for d in registry.devices}
    homes = list(registry.communities)
    deposits = []
    for n in range(HOUSEHOLDS):
        for k in range(chance.choice((1, 2))):
            at_us = start_us + (8 + 10 * k) * calendar.US_PER_HOUR + n * 1_000_000
            device, judge = bins[homes[n % len(homes)]], Judge.CAMERA
            door, item = chance.choice((("kitchen", None), ("recyclable", Item.PAPER)))
            put = Deposit(device, door, at_us, 400, Verdict.CORRECT, judge, item, f"card-{n:05}")
            deposits.append(put)
    lines = DepositLines(database, zone)
    for start in range(0, len(deposits), 5_000):
        lines.append(deposits[start : start + 5_000], start_us + 24 * calendar.US_PER_HOUR)
    settler = Settler(database, registry, TARIFFS)
    started_s, entries, left = time.perf_counter(), 0, True
    while left:
        done = settler.settle(start_us + 24 * calendar.US_PER_HOUR)
        entries, left = entries + done.entries, done.left
    spent_s = time.perf_counter() - started_s
    assert entries == HOUSEHOLDS, entries
    how = f"{len(deposits):,} deposits, {entries:,} entries"
    return Result(
        f"settling a day of 21,000 households, {store}", spent_s, "s", 10, at_most=True, how=how
    )


FIRST: Paging[NumberedPosition] = Paging(None, "", "")


def asked(parts: Parts, year: Days, days_known: int, store: str) -> Iterator[Result]:
    """A statement of a month, a community's page of a month and of a year."""
    month = Days(TODAY - timedelta(days=29), TODAY)
    codes = [one.code for one in Accounts(parts.database).all()]
    some = random.Random(6).sample(codes, ASKED + WARM_UP)
    communities = [*parts.registry.communities] * 5
    answer = statement(parts, some[0], month, FIRST, LINES_MAX, Format.JSON)
    assert isinstance(answer, StatementOut)
    how = f"30 days, {len(answer.lines)} lines"
    assert len(answer.lines) >= min(30, days_known)
    ms = p95_ms(lambda code: statement(parts, code, month, FIRST, LINES_MAX, Format.JSON), some)
    yield Result(f"a statement, p95, {store}", ms, "ms", 20, at_most=True, how=how)
    for days in (month, year):
        page = p95_ms(page_asker(parts, days), communities)
        how = f"{len(days)} days"
        yield Result(
            f"a community's points page, p95, {store}", page, "ms", 20, at_most=True, how=how
        )


def page_asker(parts: Parts, days: Days) -> Callable[[str], object]:
    """The question for a community's page."""
    return lambda id: community_points(parts, id, days, 10, Format.JSON)


def p95_ms(ask: Callable[[str], object], whose: Sequence[str]) -> float:
    """The time that 95 of 100 questions stay within."""
    spent = []
    for one in whose:
        started_s = time.perf_counter()
        ask(one)
        spent.append((time.perf_counter() - started_s) * 1000)
    spent = sorted(spent[WARM_UP:])
    return spent[int(len(spent) * 0.95)]

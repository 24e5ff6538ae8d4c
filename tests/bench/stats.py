"""What statistics cost with six million deposits in store, and with sixty thousand: the API's own
handlers over SQLite, without the network. Full doors are asked of a day of readings every 30 s.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from api import schemas
from api.communities import sorting
from api.parts import Parts
from api.places import full
from api.rankings import communities_ranking
from api.sorting_schemas import Every
from api.statistics import Question
from api.tables import Format
from smartbin import calendar
from smartbin.calendar import Days
from smartbin.events import Deposit, DeviceState, Fact, Item, Judge, LevelReading, Status, Verdict
from smartbin.records import open_engine, prepare
from smartbin.records.principals import STRANGER
from smartbin.registry import Registry
from smartbin.registry.load import load
from smartbin.telemetry import TelemetryWriter, open_reader, open_writer
from tests.bench.result import Result
from tests.real import ROOT

YEAR = Days(date(2025, 11, 1), date(2026, 10, 31))
FEW = 60_000
READ_EVERY_S = 30
BATCH = 5_000


def measures() -> Iterator[Result]:
    """The questions' times, and the ratio of many deposits to few."""
    registry = load(ROOT / "deploy/xinbei")
    _, end_us = calendar.bounds_us(YEAR, registry.site.zone)
    with tempfile.TemporaryDirectory(prefix="smartbin-bench-") as name:
        small, _ = filled(registry, Path(name) / "few", FEW, end_us)
        large, per_s = filled(registry, Path(name) / "many", deposits_max(), end_us)
        yield Result("deposits appended to SQLite", per_s, "rows/s", how=f"{deposits_max():,}")
        for every in (Every.TOTAL, Every.DAY):
            few = p95_ms(year_asker(small, every), registry)
            many = p95_ms(year_asker(large, every), registry)
            asked = 20 if every is Every.TOTAL else None
            yield Result(f"community's year, {every}, p95", many, "ms", asked, at_most=True)
            yield Result(f"the same, many / {FEW:,}", many / few, "x", 1.5, at_most=True)
        rank_ms = p95_ms(lambda _: communities_ranking(large, YEAR), registry)
        yield Result("ranking of the communities over a year, p95", rank_ms, "ms", 50, at_most=True)
        levels_of_the_last_day(registry, Path(name) / "many", end_us)
        found = full(large, STRANGER, None, None, None, Format.JSON)
        full_ms = p95_ms(lambda _: full(large, STRANGER, None, None, None, Format.JSON), registry)
        assert isinstance(found, schemas.Full)
        how = f"{len(found.doors)} doors in the answer"
        yield Result("bins/full of the site, p95", full_ms, "ms", 5, at_most=True, how=how)


def deposits_max() -> int:
    """How many deposits "many" are."""
    return int(os.environ.get("SMARTBIN_BENCH_DEPOSITS", "6000000"))


def year_asker(parts: Parts, every: Every) -> Callable[[str], object]:
    """The question for a community's year."""
    return lambda id: sorting(parts, id, Question(YEAR, every))


def p95_ms(ask: Callable[[str], object], registry: Registry) -> float:
    """The time that 95 of 100 questions stay within, each community asked in turn."""
    spent = []
    for id in [*list(registry.communities)[:3], *list(registry.communities) * 2]:
        started_s = time.perf_counter()
        ask(id)
        spent.append((time.perf_counter() - started_s) * 1000)
    spent = sorted(spent[3:])  # the first ones warm the caches
    return spent[int(len(spent) * 0.95)]


def filled(registry: Registry, folder: Path, number: int, end_us: int) -> tuple[Parts, float]:
    """Stores with a year of deposits, and how many a second were kept."""
    folder.mkdir()
    url, zone = f"sqlite:///{folder}/telemetry.db", registry.site.zone
    writer = open_writer(url, zone)
    spent_s, batch = 0.0, list[Fact]()
    for fact in year_of(registry, number):
        batch.append(fact)
        if len(batch) == BATCH:
            spent_s += appended_s(writer, batch)
            batch.clear()
    spent_s += appended_s(writer, batch)
    writer.close()
    engine = open_engine(f"sqlite:///{folder}/records.db")
    prepare(engine)
    parts = Parts(registry, open_reader(url, zone), engine, folder / "none", lambda: end_us)
    return parts, number / spent_s


def appended_s(writer: TelemetryWriter, batch: list[Fact]) -> float:
    """Seconds to keep a batch."""
    started_s = time.perf_counter()
    writer.append(batch)
    return time.perf_counter() - started_s


def year_of(registry: Registry, number: int) -> Iterator[Fact]:
    """Deposits evenly over the year at doors by chance, and each device's hourly status."""
    start_us, end_us = calendar.bounds_us(YEAR, registry.site.zone)
    chance = random.Random(11)
    bins = [d for d in registry.devices if registry.community_of(d, YEAR.first)]
    doors = [door.key for d in bins for door in registry.doors_of_device(d)]
    items = [None, Item.PAPER, Item.EXPRESS_PACKAGING]
    verdicts = [(None, None), (Verdict.CORRECT, Judge.CAMERA), (Verdict.INCORRECT, Judge.CAMERA)]
    for hour in range(len(YEAR) * 24):
        at_us = start_us + hour * calendar.US_PER_HOUR
        for n, d in enumerate(bins):
            yield Status(d, at_us + n, DeviceState.ONLINE, 90, seq=hour)
    for n in range(number):
        verdict, judge = chance.choice(verdicts)
        at_us = start_us + n * (end_us - start_us) // number
        weight_g, item = chance.randrange(50, 3000), chance.choice(items)
        yield Deposit(*chance.choice(doors), at_us, weight_g, verdict, judge, item, seq=n)


def levels_of_the_last_day(registry: Registry, folder: Path, end_us: int) -> None:
    """Every door's readings; they fill at different paces and are emptied when they overflow."""
    doors = [door.key for d in registry.devices for door in registry.doors_of_device(d)]
    writer = open_writer(f"sqlite:///{folder}/telemetry.db", registry.site.zone)
    times = 24 * 3600 // READ_EVERY_S
    for step in range(times):
        at_us = end_us - (times - step) * READ_EVERY_S * calendar.US_PER_S
        writer.append(
            [
                LevelReading(*door, at_us, (n * 7 + step // (12 + n % 5)) % 101)
                for n, door in enumerate(doors)
            ]
        )
    writer.close()

"""What statistics cost with six million deposits in store, and with sixty thousand: the API's own
process over SQLite, asked over HTTP. Full doors are asked of a day of readings every 30 s.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType

from smartbin import calendar
from smartbin.calendar import Days
from smartbin.events import Deposit, DeviceState, Fact, Item, Judge, LevelReading, Status, Verdict
from smartbin.registry import Registry
from smartbin.registry.load import load
from smartbin.telemetry import TelemetryWriter, open_writer
from tests.bench.result import SITE, Result
from tests.bench.served import served

YEAR = Days(date(2025, 11, 1), date(2026, 10, 31))
FEW = 60_000
WINDOW = f"from={YEAR.first}&to={YEAR.last}"
READ_EVERY_S = 30
WARM = 20
BATCH = 5_000


def measures() -> Iterator[Result]:
    """The questions' times, and the ratio of many deposits to few."""
    registry = load(SITE)
    with tempfile.TemporaryDirectory(prefix="smartbin-bench-") as name:
        few, many = Path(name) / "few", Path(name) / "many"
        filled(registry, few, FEW)
        per_s = filled(registry, many, deposits_max())
        yield Result("deposits appended to SQLite", per_s, "rows/s", how=f"{deposits_max():,}")
        for every in ("total", "day"):
            small, large = (p95_ms(f, year_paths(registry, every)) for f in (few, many))
            asked = 20 if every == "total" else None
            yield Result(f"community's year, {every}, p95", large, "ms", asked, at_most=True)
            yield Result(f"the same, many / {FEW:,}", large / small, "x", 1.5, at_most=True)
        rank_ms = p95_ms(many, [f"communities/ranking?by=accuracy&{WINDOW}"] * 100)
        yield Result("ranking of the communities over a year, p95", rank_ms, "ms", 50, at_most=True)
        levels_of_the_last_day(registry, many, time.time_ns() // 1000)
        full_ms = p95_ms(many, ["bins/full"] * 200)
        with served(many) as api:
            doors = len(api.json("bins/full")["doors"])
        how = f"{doors} doors in the answer"
        yield Result("bins/full of the site, p95", full_ms, "ms", 5, at_most=True, how=how)


def deposits_max() -> int:
    """How many deposits "many" are."""
    return int(os.environ.get("SMARTBIN_BENCH_DEPOSITS", "6000000"))


def year_paths(registry: Registry, every: str) -> list[str]:
    """The question for a community's year, of each community in turn."""
    return [f"communities/{id}/sorting?every={every}&{WINDOW}" for id in registry.communities] * 3


def p95_ms(
    folder: Path, paths: Sequence[str], settings: Mapping[str, str] = MappingProxyType({})
) -> float:
    """The time over HTTP that 95 of 100 questions stay within, after some that warm the caches."""
    spent = []
    with served(folder, settings) as api:
        for path in paths[:WARM]:
            api.get(path)
        for path in paths:
            started_s = time.perf_counter()
            api.get(path)
            spent.append((time.perf_counter() - started_s) * 1000)
    return sorted(spent)[int(len(spent) * 0.95)]


def filled(registry: Registry, folder: Path, number: int) -> float:
    """Make a store with a year of deposits; how many a second were kept."""
    folder.mkdir()
    writer = open_writer(f"sqlite:///{folder}/telemetry.db", registry.site.zone)
    return number / written_s(writer, registry, number)


def written_s(writer: TelemetryWriter, registry: Registry, number: int) -> float:
    """Write a year of deposits; how many seconds it took."""
    spent_s, batch = 0.0, list[Fact]()
    for fact in year_of(registry, number):
        batch.append(fact)
        if len(batch) == BATCH:
            spent_s += appended_s(writer, batch)
            batch.clear()
    spent_s += appended_s(writer, batch)
    writer.close()
    return spent_s


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

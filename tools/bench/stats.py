"""What questions cost as the store grows from six thousand deposits to six million: the API's own
process over SQLite, asked over HTTP. Full doors are asked of a day of readings every 30 s, over
HTTP and without it, so that what is the question's and what is HTTP's can be told apart.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from api.collection.full import full
from api.parts import Parts
from smartbin.core import calendar
from smartbin.core.calendar import Days
from smartbin.database import Database
from smartbin.facts.events import (
    Deposit,
    DeviceState,
    Fact,
    Item,
    Judge,
    LevelReading,
    Status,
    Verdict,
)
from smartbin.people.principals import Principal, Role
from smartbin.places import Registry
from smartbin.places.load import load
from smartbin.telemetry import TelemetryWriter, open_reader, open_writer
from tools.bench.result import SITE, Result
from tools.bench.served import Asker, processor_s, served

YEAR = Days(date(2025, 11, 1), date(2026, 10, 31))
SIZES = (6_000, 60_000, 600_000, 6_000_000)
BASE = 60_000
WINDOW = f"from={YEAR.first}&to={YEAR.last}"
READ_EVERY_S = 30
WARM = 20
BATCH = 5_000
OFFICE = Principal(Role.OFFICE, "bench")


def measures() -> Iterator[Result]:
    """The questions' times at each size, and the ratio of many deposits to few."""
    registry = load(SITE)
    with tempfile.TemporaryDirectory(prefix="smartbin-bench-") as name:
        sizes = [size for size in SIZES if size <= max(BASE, deposits_max())]
        folders = {size: Path(name) / str(size) for size in sizes}
        for size, folder in folders.items():
            per_s, facts = filled(registry, folder, size)
            bytes_each = sum(f.stat().st_size for f in folder.iterdir()) / facts
            how = f"{facts:,} with a year's statuses, {bytes_each:.0f} bytes each on disk"
            yield Result(f"{size:,} deposits appended to SQLite", per_s, "rows/s", how=how)
        for every, asked in (("total", 20), ("day", None)):
            paths = year_paths(registry, every)
            found = {size: took(folder, paths) for size, folder in folders.items()}
            for size, one in found.items():
                bar = asked if size == sizes[-1] else None
                name = f"community's year, {every}, p95, {size:,} deposits"
                yield Result(name, one.p95_ms, "ms", bar, at_most=True, how=one.how())
            many, few = found[sizes[-1]], found[BASE]
            how = f"of processor time {many.processor_ms / few.processor_ms:.2f}"
            name = f"the same, {sizes[-1]:,} / {BASE:,}"
            yield Result(name, many.p95_ms / few.p95_ms, "x", 1.5, at_most=True, how=how)
        for size, folder in folders.items():
            one = took(folder, [f"communities/ranking?by=accuracy&{WINDOW}"] * 100)
            bar = 50 if size == sizes[-1] else None
            name = f"ranking over a year, p95, {size:,} deposits"
            yield Result(name, one.p95_ms, "ms", bar, at_most=True, how=one.how())
        yield from full_doors(registry, folders[sizes[-1]])


def full_doors(registry: Registry, folder: Path) -> Iterator[Result]:
    """What crews ask, and what of it is the question's own."""
    levels_of_the_last_day(registry, folder, time.time_ns() // 1000)
    with served(folder) as api:
        doors = len(api.json("bins/full")["doors"])
    one = took(folder, ["bins/full"] * 400)
    how = f"{doors} doors; {one.how()}"
    yield Result("bins/full of the site, p95", one.p95_ms, "ms", 5, at_most=True, how=how)
    reader = open_reader(f"sqlite:///{folder}/telemetry.db", registry.site.zone)
    database = Database.open(f"sqlite:///{folder}/records.db")
    now_us = time.time_ns() // 1000
    parts = Parts(registry, reader, database, folder, lambda: now_us)
    ms = p95_of(lambda: full(parts, OFFICE), 400)
    yield Result("bins/full, its handler without HTTP, p95", ms, "ms")
    keys = [door.key for door in registry.doors(parts.today())]
    ms = p95_of(lambda: reader.latest_levels(keys, 0), 400)
    yield Result("bins/full, the newest levels' query, p95", ms, "ms", how=f"{len(keys)} doors")
    reader.close()
    database.close()
    one = took(folder, ["communities"] * 400)
    how = f"communities; {one.how()}"
    yield Result("an answer of no question over HTTP, p95", one.p95_ms, "ms", how=how)


def p95_of(call: Callable[[], object], times: int) -> float:
    """Milliseconds that 95 of 100 calls stay within."""
    spent = []
    for _ in range(WARM + times):
        started_s = time.perf_counter()
        call()
        spent.append((time.perf_counter() - started_s) * 1000)
    return sorted(spent[WARM:])[int(times * 0.95)]


def deposits_max() -> int:
    """How many deposits "many" are."""
    return int(os.environ.get("SMARTBIN_BENCH_DEPOSITS", "6000000"))


def year_paths(registry: Registry, every: str) -> list[str]:
    """The question for a community's year, of each community in turn."""
    return [f"communities/{id}/sorting?every={every}&{WINDOW}" for id in registry.communities] * 3


class Took(NamedTuple):
    """What answers over HTTP took; the API's processor time bears other work on the machine."""

    p95_ms: float
    median_ms: float
    processor_ms: float

    def how(self) -> str:
        """In addition to the 95th percentile."""
        return f"median {self.median_ms:.1f} ms, processor time {self.processor_ms:.1f} ms"


def took(
    folder: Path, paths: Sequence[str], settings: Mapping[str, str] = MappingProxyType({})
) -> Took:
    """Of an API of its own, each path in turn."""
    with served(folder, settings) as api:
        before_s = processor_s(api.pid)
        spent_ms = times_ms(api, paths)
        asked = len(paths) + len(paths[:WARM])
        processor_ms = (processor_s(api.pid) - before_s) / asked * 1000
    return Took(spent_ms[int(len(spent_ms) * 0.95)], spent_ms[len(spent_ms) // 2], processor_ms)


def p95_ms(
    folder: Path, paths: Sequence[str], settings: Mapping[str, str] = MappingProxyType({})
) -> float:
    """The time over HTTP that 95 of 100 questions stay within, after some that warm the caches."""
    return took(folder, paths, settings).p95_ms


def times_ms(api: Asker, paths: Sequence[str]) -> list[float]:
    """How long each answer took over HTTP, sorted, after some that warm the caches."""
    spent = []
    for path in paths[:WARM]:
        api.get(path)
    for path in paths:
        started_s = time.perf_counter()
        api.get(path)
        spent.append((time.perf_counter() - started_s) * 1000)
    return sorted(spent)


def filled(registry: Registry, folder: Path, number: int) -> tuple[float, int]:
    """Make a store with a year of deposits; how many facts a second were kept, and how many."""
    folder.mkdir()
    writer = open_writer(f"sqlite:///{folder}/telemetry.db", registry.site.zone)
    spent_s = written_s(writer, registry, number)
    facts = number + len(YEAR) * 24 * len(bins_of(registry))
    return facts / spent_s, facts


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
    bins = bins_of(registry)
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


def bins_of(registry: Registry) -> list[str]:
    """The devices that stand in a community."""
    return [d for d in registry.devices if registry.community_of(d, YEAR.first)]


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

"""What grows with the number of devices: the shipped site, then ten and a hundred times its bins,
collection points and communities. One API and one gateway over SQLite each time.
"""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from smartbin.core import calendar
from smartbin.facts.events import LevelReading
from smartbin.places import Registry
from smartbin.places.load import load
from smartbin.telemetry import open_writer
from tools.bench.backlog import single_messages
from tools.bench.drain import drained
from tools.bench.result import SITE, Result
from tools.bench.served import served
from tools.bench.stats import times_ms

TIMES = (1, 10, 100)
MESSAGES = 50_000
# Columns that name what is multiplied, by table.
NAMES = {
    "communities.csv": ("id",),
    "devices.csv": ("id",),
    "doors.csv": ("device",),
    "memberships.csv": ("bin", "community"),
    "services.csv": ("community", "collection_point"),
}
ASKED = 30


def measures() -> Iterator[Result]:
    """Each size's costs."""
    for times in TIMES:
        with ExitStack() as parts:
            folder = Path(
                parts.enter_context(tempfile.TemporaryDirectory(prefix="smartbin-bench-"))
            )
            site = folder / "site"
            multiplied(site, times)
            yield from costs(folder, site)


def costs(folder: Path, site: Path) -> Iterator[Result]:
    """Of one site."""
    started_s = time.perf_counter()
    registry = load(site)
    load_s = time.perf_counter() - started_s
    size = f"{len(registry.devices):,} devices"
    yield Result(f"{size}: the registry is read", load_s * 1000, "ms")
    settings = {"SMARTBIN_SITE": str(site)}
    done = drained(single_messages(MESSAGES, registry), MESSAGES, settings=settings)
    how = f"gateway {done.gateway_us:.1f} us an event, {done.memory_mb:.0f} MB at most"
    yield Result(f"{size}: backlog drained", done.per_s, "msg/s", how=how)
    readings(folder, registry)
    community = next(iter(registry.communities))
    questions = {
        "bins/full": "bins/full",
        "a community's month by day": f"communities/{community}/sorting?every=day",
        "the site": "site",
    }
    with served(folder, settings) as api:
        for name, path in questions.items():
            spent_ms = times_ms(api, [path] * ASKED)
            how = f"{len(api.get(path)) / 1000:,.0f} kB"
            yield Result(f"{size}: {name}, median", spent_ms[len(spent_ms) // 2], "ms", how=how)
        status = Path(f"/proc/{api.pid}/status").read_text(encoding="utf-8")
        memory_mb = int(status.split("VmRSS:")[1].split()[0]) / 1024
    yield Result(f"{size}: the API's memory", memory_mb, "MB")


def multiplied(site: Path, times: int) -> None:
    """The shipped site's folder, every community and device that many times."""
    shutil.copytree(SITE, site)
    for name, columns in NAMES.items():
        with (SITE / name).open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            fields, rows = list(table.fieldnames or ()), list(table)
        with (site / name).open("w", encoding="utf-8-sig", newline="") as file:
            out = csv.DictWriter(file, fields, lineterminator=os.linesep)
            out.writeheader()
            for n in range(times):
                suffix = f"-{n}" if n else ""
                out.writerows({**r, **{c: r[c] + suffix for c in columns if r[c]}} for r in rows)
    goals = dict.fromkeys(("goal_communities", "goal_bins", "goal_collection_points"), times)
    path = site / "site.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = csv.DictReader(file)
        fields, rows = list(table.fieldnames or ()), list(table)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.DictWriter(file, fields, lineterminator=os.linesep)
        out.writeheader()
        out.writerows({**r, **{c: int(r[c]) * n for c, n in goals.items()}} for r in rows)


def readings(folder: Path, registry: Registry) -> None:
    """A reading of every door a quarter of an hour for three hours, the last one now."""
    doors = [door.key for d in registry.devices for door in registry.doors_of_device(d)]
    writer = open_writer(f"sqlite:///{folder}/telemetry.db", registry.site.zone)
    now_us = time.time_ns() // 1000
    for step in range(12, -1, -1):
        at_us = now_us - step * 15 * 60 * calendar.US_PER_S
        writer.append(
            [LevelReading(*door, at_us, (n * 7 + 12 - step) % 101) for n, door in enumerate(doors)]
        )
    writer.close()

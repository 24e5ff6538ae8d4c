"""A day of the fleet's life at sixty times its speed, with mild faults: does anything grow that
should not? Broker, gateway and API as processes of their own, watched every few seconds, while a
deposit of our own is timed from publishing to being seen. A week of history comes first: the caches
of programs in service are full.

SMARTBIN_BENCH_HOURS says how many simulated hours, each a minute; one by default, which shows that
the measurement works. What may grow is asked only of a whole day.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from smartbin.core import calendar
from smartbin.facts.events import Deposit
from smartbin.facts.wire import event_of, payload_of, topic_of
from smartbin.places.load import load
from tests.broker.devices import Publisher, publishing
from tests.broker.process import Gateway
from tests.real import ROOT, Mosquitto, until
from tools.bench.result import SITE, Result
from tools.bench.served import Asker, served

SPEED = 60
LOOK_S = 3.0
HISTORY_DAYS = 7
HISTORY_MAX_S = 600
# What a day must show: less than this is the allocator's and the caches' breathing.
MEMORY_GROWTH_MB, FILES_GROWTH, DELAY_GROWTH = 5.0, 2.0, 1.5
WHOLE_DAY_H = 24.0
DELAY_MAX_S = 30.0


@dataclass(frozen=True, slots=True)
class Look:
    """What one look saw: by program its memory and open files, then the files' sizes."""

    memory_mb: Mapping[str, float]
    open_files: Mapping[str, int]
    log_mb: float  # what is written ahead, and must be carried into the stores again and again
    stores_mb: float
    delay_ms: float


def measures() -> Iterator[Result]:
    """What grew from the second quarter of the time to the last one."""
    hours = float(os.environ.get("SMARTBIN_BENCH_HOURS", "1"))
    with tempfile.TemporaryDirectory(prefix="smartbin-bench-") as name:
        folder = Path(name)
        broker = Mosquitto(folder / "mosquitto")
        broker.start()
        gateway = Gateway(folder, broker)
        gateway.start()
        try:
            until(lambda: gateway.get("/readyz")[0] == 200, "the gateway is ready")
            with served(folder) as api, publishing(broker, "probe") as probe:
                looks = list(watched(folder, broker, gateway, api, probe, hours))
            stored = facts_stored(gateway)
        finally:
            gateway.end(signal.SIGTERM)
            broker.stop()
    yield from grown(looks, hours, stored)


def watched(
    folder: Path,
    broker: Mosquitto,
    gateway: Gateway,
    api: Asker,
    probe: Publisher,
    hours: float,
) -> Iterator[Look]:
    """A look every few seconds while the fleet lives its hours."""
    assert gateway.process is not None
    pids = {"broker": broker.pid, "gateway": gateway.process.pid, "API": api.pid}
    log = folder / "simulator.log"
    history = simulator(broker, log, "backfill", "--days", str(HISTORY_DAYS))
    assert history.wait(HISTORY_MAX_S) == 0, log.read_text()
    since = (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="seconds")
    fleet = simulator(
        broker, log, "live", "--speed", str(SPEED), "--since", since, "--faults", "mild"
    )
    ends_s = time.monotonic() + hours * 3600 / SPEED
    try:
        while time.monotonic() < ends_s:
            assert fleet.poll() is None, log.read_text()
            yield look(folder, pids, delay_ms(api, probe))
            time.sleep(LOOK_S)
    finally:
        fleet.terminate()
        fleet.wait(20)


def simulator(broker: Mosquitto, log: Path, *command: str) -> subprocess.Popen[bytes]:
    """The simulator's own process."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SMARTBIN_SITE": str(SITE),
        "SMARTBIN_MQTT_URL": broker.url,
    }
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "simulator", *command], env=environment, stdout=out, stderr=out
        )


def delay_ms(api: Asker, probe: Publisher) -> float:
    """From publishing a deposit of now to seeing it in the API."""
    registry = load(SITE)
    device = next(iter(registry.devices))
    door = registry.doors_of_device(device)[0].id
    at_ms = time.time_ns() // 1_000_000
    deposit = Deposit(device, door, at_ms * 1000, 1000, seq=0)
    said_s = time.monotonic()
    probe.publish(topic_of("xinbei", device, "deposit"), payload_of(event_of([deposit])))
    while time.monotonic() - said_s < DELAY_MAX_S:
        rows = api.json(f"devices/{device}/deposits?limit=50")["deposits"]
        if any(calendar.to_us(datetime.fromisoformat(row["at"])) // 1000 == at_ms for row in rows):
            break
    return (time.monotonic() - said_s) * 1000


def look(folder: Path, pids: Mapping[str, int], delay_ms: float) -> Look:
    """The processes and files as they are now."""
    memory_mb, open_files = {}, {}
    for name, pid in pids.items():
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        memory_mb[name] = int(status.split("VmRSS:")[1].split()[0]) / 1024
        open_files[name] = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return Look(
        memory_mb,
        open_files,
        sum(f.stat().st_size for f in folder.glob("*.db-wal")) / 1e6,
        sum(f.stat().st_size for f in folder.glob("*.db")) / 1e6,
        delay_ms,
    )


def facts_stored(gateway: Gateway) -> int:
    """How many facts the gateway made durable."""
    lines = gateway.get("/metrics")[1].splitlines()
    return sum(
        int(float(line.rsplit(" ", 1)[1]))
        for line in lines
        if line.startswith("smartbin_gateway_facts_stored_total{")
    )


def grown(looks: Sequence[Look], hours: float, stored: int) -> Iterator[Result]:
    """The last quarter of the looks against the second one."""
    quarter = max(1, len(looks) // 4)
    early, late = looks[quarter : 2 * quarter], looks[-quarter:]
    whole = hours >= WHOLE_DAY_H
    how = f"{hours:g} simulated hours, {stored:,} facts, mild faults, a week before"

    def bar(most: float) -> float | None:
        return most if whole else None

    for name in looks[0].memory_mb:
        before_mb, after_mb = (
            statistics.median(one.memory_mb[name] for one in some) for some in (early, late)
        )
        growth_mb, said = after_mb - before_mb, f"{after_mb:.0f} MB in the end; {how}"
        yield Result(
            f"endurance: memory grown, {name}", growth_mb, "MB", bar(MEMORY_GROWTH_MB), True, said
        )
        more = max(o.open_files[name] for o in late) - max(o.open_files[name] for o in early)
        yield Result(f"endurance: open files more, {name}", more, "files", bar(FILES_GROWTH), True)
    log_mb = max(one.log_mb for one in looks)
    stores = f"the stores {looks[-1].stores_mb:.0f} MB in the end"
    yield Result("endurance: most written ahead", log_mb, "MB", bar(128), True, stores)
    before_ms, after_ms = (
        statistics.median(one.delay_ms for one in some) for some in (early, late)
    )
    worst_ms = max(one.delay_ms for one in looks)
    said = f"median {before_ms:.0f} to {after_ms:.0f} ms, longest {worst_ms:.0f} ms"
    yield Result(
        "endurance: delay late / early", after_ms / before_ms, "x", bar(DELAY_GROWTH), True, said
    )

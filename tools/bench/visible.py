"""From publishing to being seen: a thousand deposits a second go through Mosquitto, the gateway and
SQLite, and the API is asked over and over for the newest ones of one bin.
"""

from __future__ import annotations

import random
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from smartbin.core import calendar
from smartbin.facts.events import Deposit, Verdict
from smartbin.facts.wire import event_of, payload_of, topic_of
from smartbin.places.load import load
from tests.broker.devices import publishing
from tests.broker.process import Gateway
from tests.real import Mosquitto, until
from tools.bench.result import SITE, Result
from tools.bench.served import Asker, served

RATE, SECONDS = 1000, 20
PAGE = 200
# What is not seen by then counts as seen then.
LATE_S = 5.0


def measures() -> Iterator[Result]:
    """How long it took for 99 of 100, and for half."""
    with tempfile.TemporaryDirectory(prefix="smartbin-bench-") as name:
        broker = Mosquitto(Path(name) / "mosquitto")
        broker.start()
        gateway = Gateway(Path(name), broker)
        gateway.start()
        try:
            until(lambda: gateway.get("/readyz")[0] == 200, "the gateway is ready")
            with served(Path(name)) as api:
                spent_ms, rate = watched(broker, api)
        finally:
            gateway.end(signal.SIGTERM)
            broker.stop()
    how = f"{rate:,.0f} events/s for {SECONDS} s, {len(spent_ms)} watched"
    yield Result("publish to visible in the API, median", spent_ms[len(spent_ms) // 2], "ms")
    p99_ms = spent_ms[int(len(spent_ms) * 0.99)]
    yield Result("publish to visible in the API, p99", p99_ms, "ms", 250, at_most=True, how=how)


def watched(broker: Mosquitto, api: Asker) -> tuple[list[float], float]:
    """How long each of the watched bin's deposits took to be seen, sorted, in milliseconds; and
    how many a second were published.
    """
    device = next(iter(load(SITE).devices))
    published_s: dict[int, float] = {}
    rates: list[float] = []
    publisher = threading.Thread(
        target=lambda: rates.append(publish(broker, device, published_s)), daemon=True
    )
    publisher.start()
    seen_s: dict[int, float] = {}
    while publisher.is_alive() or len(seen_s) < len(published_s):
        answer = api.json(f"devices/{device}/deposits?limit={PAGE}")
        now_s = time.monotonic()
        for row in answer["deposits"]:
            seen_s.setdefault(calendar.to_us(datetime.fromisoformat(row["at"])), now_s)
        if published_s and now_s - max(list(published_s.values())) > LATE_S:
            break
    late_s = time.monotonic()
    spent_ms = [(seen_s.get(at, late_s) - said) * 1000 for at, said in published_s.items()]
    return sorted(spent_ms), rates[0]


def publish(broker: Mosquitto, watch: str, published_s: dict[int, float]) -> float:
    """Publish evenly; notes when each deposit of ``watch`` was said, answers the rate kept."""
    registry, chance = load(SITE), random.Random(3)
    doors = [door.key for d in registry.devices for door in registry.doors_of_device(d)]
    with publishing(broker) as devices:
        start_s = time.monotonic()
        for n in range(RATE * SECONDS):
            time.sleep(max(0.0, start_s + n / RATE - time.monotonic()))
            device, door = doors[n % len(doors)]
            at_us = time.time_ns() // 1_000_000 * 1000 + n % 1000
            card = f"K{chance.randrange(5000):06d}"
            deposit = Deposit(device, door, at_us, 1200, Verdict.CORRECT, account=card, seq=n)
            topic, payload = topic_of("xinbei", device, "deposit"), payload_of(event_of([deposit]))
            if device == watch:
                published_s[at_us] = time.monotonic()
            devices.publish(topic, payload)
        return RATE * SECONDS / (time.monotonic() - start_s)

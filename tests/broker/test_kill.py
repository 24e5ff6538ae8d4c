"""The bar of the gateway: killed ten times, broker restarted twice, and every deposit counted once.

SMARTBIN_TEST_KILL_DEPOSITS sets how many deposits; .ci/run asks for 100,000.
"""

from __future__ import annotations

import functools
import os
import random
import signal
import sqlite3
import threading
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import pytest

from smartbin.facts.events import Deposit
from smartbin.facts.wire import batch_of, event_of, payload_of, topic_of
from smartbin.places.load import load
from smartbin.quarantine.store import Quarantine
from tests.broker.devices import publishing
from tests.broker.process import SITE, Gateway
from tests.real import Mosquitto, patient_s, until

DEPOSITS = int(os.environ.get("SMARTBIN_TEST_KILL_DEPOSITS", "20000"))
KILLS, RESTARTS = 10, 2
START_US = 1_780_000_000_000_000
Message = tuple[str, bytes]


def deposits(number: int, chance: random.Random) -> list[Deposit]:
    registry = load(SITE)
    doors = [
        (device, door.id)
        for device in registry.devices
        for door in registry.doors_of_device(device)
    ]
    return [
        Deposit(
            *doors[n % len(doors)],
            START_US + n * 700_000 // 1000 * 1000 + n % 1000,
            chance.randrange(50, 3000),
            account=f"K{chance.randrange(3000)}" if chance.random() < 0.5 else None,
            seq=n,
        )
        for n in range(number)
    ]


def single(deposit: Deposit) -> Message:
    return topic_of("xinbei", deposit.device, "deposit"), payload_of(event_of([deposit]))


def traffic(all_of_them: list[Deposit], chance: random.Random) -> tuple[list[Message], int]:
    """Duplicates, disorder, late batches and poison, alone and in batches; and how much poison."""
    late = [d for d in all_of_them if chance.random() < 0.3]
    behind = set(late)
    messages = [single(d) for d in all_of_them if d not in behind]
    messages += [single(d) for d in all_of_them if chance.random() < 0.1]
    poison = 0
    by_device: dict[str, list[Deposit]] = {}
    for d in late:
        by_device.setdefault(d.device, []).append(d)
    for device, mine in by_device.items():
        for n in range(0, len(mine), 40):
            events = [("deposit", event_of([d])) for d in mine[n : n + 40]]
            if chance.random() < 0.2:
                events.append(("deposit", {"at": "yesterday", "seq": poison, "door": "kitchen"}))
                poison += 1
            messages.append((topic_of("xinbei", device, "batch"), batch_of(events)))
    for n in range(len(all_of_them) // 200):
        topic, payload = chance.choice(
            [
                (topic_of("xinbei", "bin-999", "deposit"), b'{"n":%d}' % n),
                (topic_of("xinbei", "bin-001", "deposit"), b'{"at":%d' % n),
                (topic_of("xinbei", "bin-001", "deposit"), b"\xff\xfe%d" % n),
                (topic_of("xinbei", "bin-001", "dance"), b"%d" % n),
            ]
        )
        messages.append((topic, payload))
        poison += 1
    chance.shuffle(messages)
    return messages, poison


def counted(folder: Path, query: str, store: str = "telemetry") -> tuple[int, ...]:
    with (
        suppress(sqlite3.OperationalError),
        closing(sqlite3.connect(f"file:{folder}/{store}.db?mode=ro", uri=True, timeout=10)) as db,
    ):
        return tuple(db.execute(query).fetchone())
    return (0, 0)


def has_stored(folder: Path, goal: int) -> bool:
    return counted(folder, "SELECT count(*), 0 FROM deposit")[0] >= goal


@pytest.mark.real
@pytest.mark.timeout(patient_s(600))
def test_killed_ten_times_nothing_is_lost_nothing_is_counted_twice(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    chance = random.Random(20261124)
    sent = deposits(DEPOSITS, chance)
    messages, poison = traffic(sent, chance)
    gateway = Gateway(tmp_path, mosquitto)
    gateway.start()
    until(lambda: gateway.get("/readyz")[0] == 200, "the gateway subscribes")

    def publish() -> None:
        with publishing(mosquitto) as devices:
            devices.send(messages)

    publisher = threading.Thread(target=publish)
    publisher.start()
    goals = [DEPOSITS * n // (KILLS + RESTARTS + 1) for n in range(1, KILLS + RESTARTS + 1)]
    for step, goal in enumerate(goals):
        until(
            functools.partial(has_stored, tmp_path, goal),
            f"{goal} deposits are stored; {gateway.log()[-2000:]}",
            120,
        )
        if step in (3, 8):
            mosquitto.stop()
            mosquitto.start()
        else:
            assert gateway.end(signal.SIGKILL) == -signal.SIGKILL
            gateway.start()
    publisher.join(patient_s(300))
    assert not publisher.is_alive()
    wanted = (DEPOSITS, sum(d.weight_g for d in sent))
    total = "SELECT count(*), sum(weight_g) FROM deposit"
    until(lambda: counted(tmp_path, total)[0] >= wanted[0], "all are stored", 120)
    # Telemetry comes first: killed between the two, the broker still holds what records lack.
    lines = [d for d in sent if d.account]
    owned = (len(lines), sum(d.weight_g for d in lines))
    booked = "SELECT count(*), sum(weight_g) FROM deposit_line"
    until(lambda: counted(tmp_path, booked, "records")[0] >= owned[0], "all lines are stored", 120)
    shelf = Quarantine(tmp_path / "quarantine")
    until(lambda: len(list(shelf)) >= poison, "all poison is in quarantine", 60)
    until(lambda: "batch_messages 0.0" in gateway.get("/metrics")[1], "nothing is in hand", 60)
    assert gateway.end(signal.SIGTERM) == 0
    assert counted(tmp_path, total) == wanted
    assert counted(tmp_path, "SELECT sum(deposits), sum(weight_g) FROM deposit_day") == wanted, (
        "the roll-up is exact"
    )
    assert counted(tmp_path, booked, "records") == owned
    kept = Counter(kept.rejected.reason for kept in shelf)
    assert kept.total() == poison
    assert {"unknown_device", "bad_json", "bad_utf8", "unknown_kind", "bad_time"} == set(kept)

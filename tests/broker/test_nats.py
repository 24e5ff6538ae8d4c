"""A clustered broker: three NATS nodes, two gateways dividing the fleet, one of each killed.

SMARTBIN_TEST_NATS_DEPOSITS sets how many deposits; docs/scaling.md says what 50,000 measured.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from smartbin.facts.events import Deposit
from smartbin.facts.wire import event_of, payload_of, topic_of
from smartbin.places.load import load
from tests.broker.nats import Node, Wanderer, cluster
from tests.broker.process import SITE, Gateway
from tests.broker.test_kill import counted
from tests.real import patient_s, until

DEPOSITS = int(os.environ.get("SMARTBIN_TEST_NATS_DEPOSITS", "6000"))
START_US = 1_780_000_000_000_000
DEVICES = list(load(SITE).devices)


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[list[Node]]:
    nodes = cluster(tmp_path / "nats")
    yield nodes
    for node in nodes:
        node.end(signal.SIGKILL)


def deposits() -> list[Deposit]:
    return [
        Deposit(
            DEVICES[n % len(DEVICES)],
            "kitchen",
            START_US + n * 1000 + n % 1000,
            50 + n % 997,
            seq=n,
        )
        for n in range(DEPOSITS)
    ]


def stored(folder: Path) -> int:
    return counted(folder, "SELECT count(*), 0 FROM deposit")[0]


def is_ready(gateway: Gateway) -> bool:
    return gateway.get("/readyz")[0] == 200


@contextlib.contextmanager
def publishing(nodes: list[Node], sent: list[Deposit]) -> Iterator[list[Wanderer]]:
    """Two senders, each starting at a node of its own."""
    ports = [node.port for node in nodes]
    senders = [Wanderer(f"devices-{n}", ports[n:] + ports[:n]) for n in (0, 1)]
    messages = [(topic_of("xinbei", d.device, "deposit"), payload_of(event_of([d]))) for d in sent]
    threads = [
        threading.Thread(target=sender.send, args=(messages[n::2],))
        for n, sender in enumerate(senders)
    ]
    for thread in threads:
        thread.start()
    yield senders
    for thread in threads:
        thread.join(patient_s(300))
        assert not thread.is_alive(), "the broker took everything"
    for sender in senders:
        sender.close()


@pytest.mark.real
@pytest.mark.timeout(patient_s(600))
def test_a_node_and_a_gateway_are_killed_and_nothing_is_lost_or_counted_twice(
    nodes: list[Node], tmp_path: Path
) -> None:
    sent = deposits()
    first, second = gateways = [
        Gateway(
            tmp_path,
            settings={
                "SMARTBIN_MQTT_PART": f"{number}/2",
                "SMARTBIN_MQTT_CLIENT_ID": f"gateway-{number}",
                "SMARTBIN_MQTT_URL": f"mqtt://127.0.0.1:{nodes[number - 1].port}",
            },
        )
        for number in (1, 2)
    ]
    try:
        for gateway in gateways:
            gateway.start()
        for gateway in gateways:
            until(functools.partial(is_ready, gateway), "ready", 120)
        with publishing(nodes, sent) as senders:

            def acknowledged() -> int:
                return sum(sender.acknowledged for sender in senders)

            until(lambda: stored(tmp_path) > DEPOSITS // 8, "the fleet is heard", 120)
            nodes[1].end(signal.SIGKILL)
            lost_at = acknowledged()
            until(lambda: acknowledged() > lost_at + DEPOSITS // 4, "two nodes go on", 120)
            nodes[1].start()
            assert first.end(signal.SIGKILL) == -signal.SIGKILL
            # Its session is the cluster's: it is found at any node.
            first.settings["SMARTBIN_MQTT_URL"] = f"mqtt://127.0.0.1:{nodes[2].port}"
            first.start()
        until(lambda: stored(tmp_path) >= DEPOSITS, f"{DEPOSITS} are stored", 240)
        for gateway in gateways:
            assert gateway.end(signal.SIGTERM) == 0
    finally:
        for gateway in gateways:
            if gateway.process is not None and gateway.process.poll() is None:
                gateway.end(signal.SIGKILL)
    wanted = (DEPOSITS, sum(d.weight_g for d in sent))
    assert counted(tmp_path, "SELECT count(*), sum(weight_g) FROM deposit") == wanted
    assert counted(tmp_path, "SELECT sum(deposits), sum(weight_g) FROM deposit_day") == wanted
    assert second.log().count("Traceback") == first.log().count("Traceback") == 0

"""The gateway's process: stopping, refusing bad settings, and saying what is in the way."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from gateway.backoff import Backoff
from gateway.broker import SessionMemory, broker_of
from gateway.mqtt import BrokerSession, SessionTaken
from smartbin.facts.events import Deposit
from smartbin.facts.wire import event_of, payload_of, topic_of
from tests.broker.devices import publishing
from tests.broker.process import Gateway
from tests.real import ROOT, Mosquitto, patient_s, until

START_US = 1_780_000_000_000_000


@pytest.fixture
def gateway(mosquitto: Mosquitto, tmp_path: Path) -> Iterator[Gateway]:
    gateway = Gateway(tmp_path, mosquitto)
    yield gateway
    if gateway.process is not None and gateway.process.poll() is None:
        gateway.end(signal.SIGKILL)


def deposits(first: int, number: int) -> list[tuple[str, bytes]]:
    facts = [
        Deposit("bin-001", "kitchen", START_US + n * 1000 + n % 1000, 100, account="K1", seq=n)
        for n in range(first, first + number)
    ]
    return [(topic_of("xinbei", "bin-001", "deposit"), payload_of(event_of([f]))) for f in facts]


def stored(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "telemetry.db", timeout=10)) as db:
        return int(db.execute("SELECT count(*) FROM deposit").fetchone()[0])


@pytest.mark.real
def test_a_store_that_is_away_is_waited_for(
    gateway: Gateway, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """Red with a sentence while it is away, nothing lost, green again by itself."""
    gateway.start()
    until(lambda: gateway.get("/readyz")[0] == 200, "ready")
    with closing(sqlite3.connect(tmp_path / "telemetry.db", isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        with publishing(mosquitto) as devices:
            devices.send(deposits(0, 50))
        until(lambda: gateway.get("/readyz")[0] == 503, "not ready", 60)
        said = gateway.get("/readyz")[1]
        assert "messages wait" in said
        assert gateway.get("/healthz")[0] == 200
        lock.execute("ROLLBACK")
    until(lambda: stored(tmp_path) == 50, "stored at last", 60)
    until(lambda: gateway.get("/readyz")[0] == 200, "ready again")
    wanted = (
        "smartbin_gateway_messages_received_total 50.0",
        'smartbin_gateway_facts_stored_total{kind="deposit"} 50.0',
        'smartbin_gateway_missing_messages{device="bin-001"} 0.0',
        "smartbin_gateway_batch_messages 0.0",
        "smartbin_gateway_delay_seconds_count 50.0",
    )
    # The facts are in telemetry before the records step ends and counts them.
    until(lambda: all(line in gateway.get("/metrics")[1] for line in wanted), "counted")


@pytest.mark.real
def test_stopped_while_a_store_is_away_nothing_is_acknowledged(
    gateway: Gateway, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    gateway.start()
    until(lambda: gateway.get("/readyz")[0] == 200, "ready")
    with closing(sqlite3.connect(tmp_path / "telemetry.db", isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        with publishing(mosquitto) as devices:
            devices.send(deposits(0, 20))
        until(lambda: "retries_total{store=" in gateway.get("/metrics")[1], "it tries again", 60)
        assert gateway.end(signal.SIGTERM) == 0
        lock.execute("ROLLBACK")
    assert stored(tmp_path) == 0
    gateway.start()
    until(lambda: stored(tmp_path) == 20, "what was not acknowledged comes again")


@pytest.mark.real
def test_gaps_and_duplicates_are_seen(gateway: Gateway, mosquitto: Mosquitto) -> None:
    gateway.start()
    until(lambda: gateway.get("/readyz")[0] == 200, "ready")
    with publishing(mosquitto) as devices:
        devices.send([*deposits(0, 10), *deposits(13, 7), *deposits(0, 5)])
    wanted = (
        'smartbin_gateway_missing_messages{device="bin-001"} 3.0',
        "smartbin_gateway_messages_duplicate_total 5.0",
    )
    until(lambda: all(line in gateway.get("/metrics")[1] for line in wanted), "counted")


@pytest.mark.real
def test_the_broker_is_waited_for(gateway: Gateway, mosquitto: Mosquitto) -> None:
    mosquitto.stop()
    gateway.start()
    until(lambda: "cannot reach the broker" in gateway.get("/readyz")[1], "it says why")
    assert "SMARTBIN_MQTT_URL" in gateway.get("/readyz")[1]
    mosquitto.start()
    until(lambda: gateway.get("/readyz")[0] == 200, "ready")
    assert gateway.end(signal.SIGTERM) == 0


@pytest.mark.real
def test_who_loses_its_client_id_ends_with_a_status_of_its_own(
    gateway: Gateway, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """So that a supervisor does not start it again and again."""
    gateway.start()
    until(lambda: gateway.get("/readyz")[0] == 200, "ready")
    process = gateway.process
    assert process is not None

    def fights() -> bool:
        with suppress(SessionTaken), closing(another(mosquitto, tmp_path / "other")) as session:
            while process.poll() is None:
                session.receive(10, 0.05)
        return process.poll() is not None

    until(fights, "it gives up; the other one begins again and again", 60)
    assert process.returncode == 3
    assert "keeps taking the session of 'smartbin-gateway'" in gateway.log()


def another(broker: Mosquitto, folder: Path) -> BrokerSession:
    return BrokerSession(
        broker_of(broker.url, "smartbin-gateway"),
        ["smartbin/v1/xinbei/+/+"],
        SessionMemory(folder / "session.json", "smartbin-gateway"),
        Backoff(0.02, 0.2, random.Random(1)),
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMARTBIN_MQTT_URL", "http://example.org"),
        ("SMARTBIN_MQTT_URL", "mqtt://host:port"),
        ("SMARTBIN_MQTT_URL", "mqtt://user:secret@host"),
        ("SMARTBIN_MQTT_CA_FILE", "/nowhere/ca.pem"),
        ("SMARTBIN_MQTT_SHARE", "a/b"),
        ("SMARTBIN_TELEMETRY_URL", "mysql://x"),
        ("SMARTBIN_RECORDS_URL", "mysql://x"),
        ("SMARTBIN_GATEWAY_HTTP", "8001"),
        ("SMARTBIN_SITE", "/nowhere"),
        ("SMARTBIN_MQTT_ULR", "mqtt://host"),
    ],
)
def test_a_bad_setting_is_one_sentence(tmp_path: Path, name: str, value: str) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SMARTBIN_SITE": str(ROOT / "deploy/xinbei"),
        "SMARTBIN_TELEMETRY_URL": f"sqlite:///{tmp_path}/t.db",
        "SMARTBIN_RECORDS_URL": f"sqlite:///{tmp_path}/r.db",
        "SMARTBIN_QUARANTINE": str(tmp_path),
        "SMARTBIN_GATEWAY_HTTP": "127.0.0.1:0",
        name: value,
    }
    ended = subprocess.run(
        [sys.executable, "-m", "gateway"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=patient_s(30),
    )
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    last = ended.stderr.strip().splitlines()[-1]
    assert name in last or (name == "SMARTBIN_SITE" and "/nowhere" in last)
    assert "secret" not in ended.stderr
